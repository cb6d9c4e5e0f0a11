"""Width and concentration of a PSF from its image, by a fit that holds from two pixels up."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Shaped

from gampen.errors import GalaxyError

SMALLEST_PSF = 5
WINDOW_IN_FWHM = 1.5
STEPS = 40
LARGEST_KEPT = 128 * 128  # [pixel] of an image that is kept, to know it again
TOLERANCE = 1e-4
PIXEL_WIDTH = math.sqrt(8 * math.log(2) / 12)  # [pixel] FWHM of a Gaussian as broad as a pixel
CONCENTRATIONS = (0.2, 0.95)  # a Gaussian's is 0.94
LEAST_REACH = 3.0  # [FWHM] from the peak to the image's edge
ROUNDNESS_RANGE = (0.02, 1.0)
"""1 / beta of a Moffat profile: nearly a Gaussian, and wings as r^-2."""

NODES = np.array([-1, 0, 1]) * math.sqrt(0.15)
WEIGHTS = np.array([5, 8, 5]) / 18
"""Gauss and Legendre's rule over one pixel."""

Grid = Float64[np.ndarray, " pixel"]


def measure_fwhm(image: Shaped[np.ndarray, " ..."]) -> float:
    """Full width at half maximum [pixel] of a PSF, from its image as seen through the pixels.

    That of the round Moffat profile (Moffat 1969) which, averaged over each pixel, fits the core
    best, with free centre, amplitude and slope: the PSF before the pixels widened it. Good to 3 %
    from two pixels up. `GalaxyError` where there is no peak.
    """
    return fit_core(image)[2]


def fit_core(image: Shaped[np.ndarray, " ..."]) -> tuple[float, float, float]:
    """Row, column and width [pixel] of that profile; `GalaxyError` where there is no peak."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if values.ndim != 2 or min(values.shape) < SMALLEST_PSF or not values.max() > 0:
        raise GalaxyError(
            f"a PSF image must have two axes, {SMALLEST_PSF} pixels a side and a positive "
            f"peak; got an image of shape {values.shape}, at most {values.max(initial=0.0):g}"
        )
    if values.size > LARGEST_KEPT:
        return fitted_core(values)
    return _fitted_core_of_bytes(values.tobytes(), values.shape)


@lru_cache(maxsize=64)
def _fitted_core_of_bytes(pixels: bytes, shape: tuple[int, int]) -> tuple[float, float, float]:
    """The same, worked out once of an image that many galaxies share."""
    return fitted_core(np.frombuffer(pixels).reshape(shape))


def fitted_core(values: Float64[np.ndarray, "height width"]) -> tuple[float, float, float]:
    """Row, column and width [pixel] of the profile that fits the core of a finite image best."""
    rows, columns, near, start = core_pixels(values / values.max())
    row, column, log_width, _ = fit(rows, columns, near, start).tolist()
    return row, column, math.exp(log_width)


def measure_concentration(
    image: Shaped[np.ndarray, " ..."], core: tuple[float, float, float]
) -> float | None:
    """The share of a PSF's light within one width of its peak, from its image.

    `core` is what `fit_core` found: row, column and width [pixel] of the peak. The circle is a
    little larger, since pixels have widened what they show. None where the image ends too close to
    the peak to hold the wings, or where they were cut away: no telescope's PSF has less light
    around its core than a Gaussian.
    """
    values, (row, column, fwhm) = np.nan_to_num(np.asarray(image, dtype=np.float64)), core
    places = np.indices(values.shape).astype(np.float64)
    distance = np.hypot(places[0] - row, places[1] - column)
    inside = (math.sqrt(fwhm**2 + PIXEL_WIDTH**2) - distance + 0.5).clip(0, 1)
    share = float((values * inside).sum() / values.sum())
    whole = min(values.shape) / 2 >= LEAST_REACH * fwhm
    return share if whole and CONCENTRATIONS[0] < share < CONCENTRATIONS[1] else None


def centred(
    image: Shaped[np.ndarray, " ..."], core: tuple[float, float, float]
) -> Float64[np.ndarray, "size size"]:
    """An image of a PSF with its peak in the middle of an odd number of pixels, its sum one.

    `core` is what `fit_core` found. What the image does not show is nought. It is moved by parts of
    a pixel through its Fourier transform: no light gets lost or smeared.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    middle = [round(place) for place in core[:2]]
    sides = zip(middle, values.shape, strict=True)
    reach = max(max(place, side - 1 - place) for place, side in sides)
    around = [(reach - m, reach - (n - 1 - m)) for m, n in zip(middle, values.shape, strict=True)]
    framed = np.pad(values, around)
    down, across = (
        np.fft.fftfreq(2 * reach + 1) * (p - m) for p, m in zip(core, middle, strict=False)
    )
    phase = np.exp(2j * np.pi * (down[:, None] + across[None, :]))
    moved = np.fft.ifft2(np.fft.fft2(framed) * phase).real
    return np.asarray(moved / moved.sum())


def core_pixels(
    values: Float64[np.ndarray, "height width"],
) -> tuple[Grid, Grid, Grid, Float64[np.ndarray, 4]]:
    """Rows, columns and values of the pixels around the peak, and where a fit may start."""
    peak = np.unravel_index(values.argmax(), values.shape)
    rough = max(2 * math.sqrt(np.count_nonzero(values > 0.5) / math.pi), 1.2)
    rows, columns = (axis.ravel() for axis in np.indices(values.shape).astype(np.float64))
    near = np.hypot(rows - peak[0], columns - peak[1]) <= max(WINDOW_IN_FWHM * rough, 2.5)
    light = values.ravel()[near].clip(min=0) ** 2
    centre = [np.average(axis[near], weights=light) for axis in (rows, columns)]
    start = np.array([*centre, math.log(rough), 0.3])
    return rows[near], columns[near], values.ravel()[near], start


def moffat(rows: Grid, columns: Grid, shape: Float64[np.ndarray, 4]) -> Grid:
    """A Moffat profile averaged over pixels; `shape` is row, column, ln FWHM and 1 / beta."""
    roundness = float(np.clip(shape[3], *ROUNDNESS_RANGE))
    steepness = (2**roundness - 1) * 4 * math.exp(-2 * shape[2])
    down = (rows[:, None] + NODES - shape[0]) ** 2
    across = (columns[:, None] + NODES - shape[1]) ** 2
    squared = down[:, :, None] + across[:, None, :]
    profile: Grid = ((1 + steepness * squared) ** (-1 / roundness)) @ WEIGHTS @ WEIGHTS
    return profile


def residual(rows: Grid, columns: Grid, values: Grid, shape: Float64[np.ndarray, 4]) -> Grid:
    """What the profile of a shape, at its best amplitude, leaves over."""
    profile = moffat(rows, columns, shape)
    left: Grid = values - profile * (values @ profile) / (profile @ profile)
    return left


def fit(
    rows: Grid, columns: Grid, values: Grid, start: Float64[np.ndarray, 4]
) -> Float64[np.ndarray, 4]:
    """The shape of least squares, by Levenberg's and Marquardt's method."""
    shape, damping = start, 1e-3
    left = residual(rows, columns, values, shape)
    for _ in range(STEPS):
        slopes = [residual(rows, columns, values, shape + step) - left for step in 1e-5 * np.eye(4)]
        jacobian = np.stack(slopes, axis=-1) / 1e-5
        normal = jacobian.T @ jacobian
        normal += damping * np.diag(normal.diagonal() + 1e-12)
        move = np.linalg.solve(normal, -jacobian.T @ left).clip(-0.5, 0.5)
        trial = shape + move
        trial[3] = np.clip(trial[3], *ROUNDNESS_RANGE)
        rest = residual(rows, columns, values, trial)
        if rest @ rest > left @ left:
            damping *= 10
            continue
        shape, left, damping = trial, rest, damping / 5
        if np.abs(move[:3]).max() < TOLERANCE:
            break
    return shape
