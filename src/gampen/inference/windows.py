"""Windows: each galaxy's surroundings at a few fixed sizes, in units of the noise, binned if large.

A window's pixel is a sum over `binning` x `binning` pixels of the cutout, over `unit` [image
units]; white noise would have unit variance in it. The noise's correlation is measured and carried
along, as an autocorrelation along one axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

from gampen.cutouts import Cutout
from gampen.network.frames import MAD_TO_SIGMA
from gampen.rendering.coordinates import COORDINATES
from gampen.rendering.psf import moffat_slope

SIDES = (24, 32, 48)
"""[window pixel] The sides that windows may have."""

REACH_RADII, REACH_FWHM = 3.0, 1.5  # half a window's side, in half-light radii and in PSF widths
LEAST_REACH = 10.0  # [pixel]
FINE = 2.5  # [window pixel] FWHM below which a PSF must be rendered finer
FAR = 3  # [pixel] over which noise is not correlated
LARGEST_CORRELATION = 0.45  # of the kernel [a, 1, a]
USUAL_FWHM = 3.5  # [pixel] of a PSF of which nothing is told
USUAL_SLOPE = 3.5


@dataclass(frozen=True)
class Place:
    """Where the window of one galaxy lies: its first pixel, and the target from its centre.

    `row` and `column` of the cutout may be negative: a window may hang over its edge. `x` and `y`
    [window pixel].
    """

    galaxy: int
    side: int
    binning: int
    fine: bool
    row: int
    column: int
    x: float
    y: float

    @classmethod
    def of(
        cls,
        galaxy: int,
        cutout: Cutout,
        theta: Float64[np.ndarray, "2 3"],
        radius: float,
    ) -> Place:
        """The window for a half-light radius [pixel] around the middle of a learned crop."""
        height, width = cutout.shape
        fwhm = cutout.psf_fwhm or USUAL_FWHM
        crop = 0.5 * np.sqrt(abs(np.linalg.det(theta[:, :2])) * height * width)
        wanted = min(REACH_RADII * radius + REACH_FWHM * fwhm, crop)
        reach = max(wanted, LEAST_REACH)
        binning = int(np.ceil(2 * reach / SIDES[-1]))
        side = next(side for side in SIDES if side * binning >= 2 * reach)
        middle = (side * binning - 1) / 2
        x, y = theta[:, 2] * [width / 2, height / 2] + [(width - 1) / 2, (height - 1) / 2]
        column, row = round(x - middle), round(y - middle)
        offset = (x - column - middle) / binning, (y - row - middle) / binning
        return cls(galaxy, side, binning, fwhm / binning < FINE, row, column, *offset)


@dataclass(frozen=True)
class Windows:
    """Windows of one side, for which PSFs are all rendered alike.

    `images` [unit] and `bad` pixels; `unit` [image units]; `texture`: the noise's autocorrelation
    along an axis at lags 0, 1 and 2, one for white noise at lag 0; `psf_fwhm` [window pixel] and
    `psf_slope`, usual ones where nothing is told, which `told` says of each.
    """

    images: Float[Tensor, "galaxy side side"]
    bad: Bool[Tensor, "galaxy side side"]
    centre: Float[Tensor, "galaxy 2"]
    unit: Float[Tensor, " galaxy"]
    binning: Float[Tensor, " galaxy"]
    texture: Float[Tensor, "galaxy 3"]
    psf_fwhm: Float[Tensor, " galaxy"]
    psf_slope: Float[Tensor, " galaxy"]
    told: Bool[Tensor, "galaxy 2"]
    oversampling: int

    @classmethod
    def of(
        cls,
        cutouts: Sequence[Cutout],
        places: Sequence[Place],
        sky_sigma: Float64[np.ndarray, " galaxy"],
    ) -> Windows:
        """The windows of some cutouts at their places, all of one kind."""
        cut = [_cut(cutout, place) for cutout, place in zip(cutouts, places, strict=True)]
        binning = torch.tensor([place.binning for place in places], dtype=torch.float64)
        unit = torch.from_numpy(sky_sigma) * binning
        images = torch.from_numpy(np.stack([image for image, _ in cut])) / unit[:, None, None]
        pairs = zip(cutouts, sky_sigma, places, strict=True)
        texture = [texture_of(c, float(sigma), place.binning) for c, sigma, place in pairs]
        told = [[c.psf_fwhm is not None, c.psf_concentration is not None] for c in cutouts]
        fwhm = torch.tensor([c.psf_fwhm or USUAL_FWHM for c in cutouts], dtype=torch.float64)
        return cls(
            images=images.float(),
            bad=torch.from_numpy(np.stack([bad for _, bad in cut])),
            centre=torch.tensor([[place.x, place.y] for place in places], dtype=torch.float64),
            unit=unit,
            binning=binning,
            texture=torch.tensor(texture, dtype=torch.float64),
            psf_fwhm=fwhm / binning,
            psf_slope=torch.tensor([_slope(c) for c in cutouts], dtype=torch.float64),
            told=torch.tensor(told),
            oversampling=2 if places[0].fine else 1,
        )

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.images)


def kinds(places: Sequence[Place]) -> Iterator[list[Place]]:
    """The places in groups that can share windows."""
    for kind in sorted({(place.side, place.fine) for place in places}):
        yield [place for place in places if (place.side, place.fine) == kind]


def _slope(cutout: Cutout) -> float:
    share = cutout.psf_concentration
    return USUAL_SLOPE if share is None else moffat_slope(share)


def _cut(
    cutout: Cutout, place: Place
) -> tuple[Float32[np.ndarray, "side side"], Bool[np.ndarray, "side side"]]:
    """Sums over bins, and which of them hold a bad pixel or lie outside of the cutout."""
    long = place.side * place.binning
    pixels, bad = np.zeros((long, long), np.float32), np.ones((long, long), bool)
    inside = []
    for first, length in zip((place.row, place.column), cutout.shape, strict=True):
        start, stop = max(first, 0), min(first + long, length)
        inside.append((slice(start, stop), slice(start - first, stop - first)))
    (rows, to_rows), (columns, to_columns) = inside
    seen = cutout.bad[rows, columns]
    pixels[to_rows, to_columns] = np.where(seen, 0, cutout.pixels[rows, columns])
    bad[to_rows, to_columns] = seen
    shape = (place.side, place.binning, place.side, place.binning)
    return pixels.reshape(shape).sum(axis=(1, 3)), np.any(bad.reshape(shape), axis=(1, 3))


def own_noise(cutout: Cutout, sky_sigma: float) -> tuple[float, float]:
    """A cutout's noise [sky_sigma], and the a of the kernel [a, 1, a] that correlates it.

    From second differences of pixels next to each other and of pixels too far apart to be
    correlated, which smooth light hardly changes: where a galaxy fills its frame, the scatter of
    its pixels is not noise.
    """
    pixels = np.where(cutout.bad, np.nan, cutout.pixels / sky_sigma)
    sigma = _bend(pixels, FAR) / math.sqrt(6)
    if not 0 < sigma < 1:
        sigma = 1.0
    a = np.linspace(0, LARGEST_CORRELATION, 46)
    near, far = 2 * a / (1 + 2 * a**2), a**2 / (1 + 2 * a**2)
    expected = np.sqrt(6 - 8 * near + 2 * far)
    return sigma, float(np.interp(-_bend(pixels, 1) / sigma, -expected, a))


def _bend(pixels: Float32[np.ndarray, "height width"], lag: int) -> float:
    """The spread of second differences over a lag, along both axes."""
    parts = [
        (plane[:-lag][:-lag] - 2 * plane[lag:-lag] + plane[2 * lag :]).ravel()
        for plane in (pixels, pixels.T)
    ]
    bends = np.abs(np.concatenate(parts))
    bends = bends[np.isfinite(bends)]
    return MAD_TO_SIGMA * float(np.median(bends)) if len(bends) else 0.0


def texture_of(cutout: Cutout, sky_sigma: float, binning: int) -> list[float]:
    """Autocorrelation of a cutout's noise along an axis of its window, at lags 0, 1 and 2."""
    sigma, a = own_noise(cutout, sky_sigma)
    return [sigma * value for value in binned_texture(a, binning)]


def binned_texture(a: float, binning: int) -> list[float]:
    """Autocorrelation along an axis, at lags 0, 1 and 2, of the kernel's noise in mean bins."""
    near, far = 2 * a / (1 + 2 * a**2), a**2 / (1 + 2 * a**2)
    if binning == 1:
        return [1.0, near, far]
    whole = 1 + 2 * ((binning - 1) * near + (binning - 2) * far) / binning
    return [whole, (near + 2 * far) / binning, 0.0]


def in_cutouts(
    points: Float64[Tensor, "galaxy coordinate"],
    places: Sequence[Place],
    shapes: Sequence[tuple[int, int]],
    windows: Windows,
) -> Float64[Tensor, "galaxy coordinate"]:
    """Coordinates of windows as those of whole cutouts, in pixels, image and sky units."""
    found = dict(zip(COORDINATES, points.clone().unbind(1), strict=True))
    middle = torch.tensor([(p.side * p.binning - 1) / 2 for p in places], dtype=torch.float64)
    for name, first, axis in (("x", "column", 1), ("y", "row", 0)):
        start = torch.tensor([getattr(place, first) for place in places], dtype=torch.float64)
        centre = torch.tensor([(shape[axis] - 1) / 2 for shape in shapes], dtype=torch.float64)
        found[name] = found[name] * windows.binning + start + middle - centre
    found["effective_radius"] = found["effective_radius"] + windows.binning.log()
    found["flux"] = found["flux"] + windows.unit.log()
    found["sky"] = found["sky"] / windows.binning
    return torch.stack(list(found.values()), dim=1)
