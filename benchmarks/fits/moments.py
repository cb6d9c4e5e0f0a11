"""Start values of the fits: what the pixels say of a galaxy by sums alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

MOMENTS = ("flux", "x", "y", "effective_radius", "axis_ratio", "angle")
GROWN = 3  # [pixel] by which the masks of other objects are grown
LEAST_AXIS_RATIO, LEAST_RADIUS = 0.2, 0.5


@dataclass(frozen=True)
class Moments:
    """A galaxy's light by sums alone.

    Flux [image units], centre [pixel] from the first pixel, half-light radius [pixel] less the
    PSF's, axis ratio and angle [degree] counter-clockwise from +x.
    """

    flux: float
    x: float
    y: float
    effective_radius: float
    axis_ratio: float
    angle: float

    def row(self) -> Float[np.ndarray, " moment"]:
        """The values in the order of `MOMENTS`."""
        return np.array([getattr(self, name) for name in MOMENTS])

    @classmethod
    def of(
        cls,
        pixels: Float[np.ndarray, "height width"],
        segment: Bool[np.ndarray, "height width"],
        psf_fwhm: float,
    ) -> Moments:
        """The moments of the light in a segment."""
        weight = np.where(segment, pixels, 0.0).clip(min=0)
        flux = float(weight.sum())
        rows, columns = np.indices(pixels.shape)
        x, y = float((weight * columns).sum() / flux), float((weight * rows).sum() / flux)
        dx, dy = columns - x, rows - y
        xx, yy, xy = (float((weight * product).sum() / flux) for product in (dx**2, dy**2, dx * dy))
        spread = math.hypot(xx - yy, 2 * xy)
        major, minor = (xx + yy + spread) / 2, (xx + yy - spread) / 2
        return cls(
            flux=flux,
            x=x,
            y=y,
            effective_radius=_less_psf(half_light(weight, np.hypot(dx, dy)), psf_fwhm),
            axis_ratio=max(LEAST_AXIS_RATIO, math.sqrt(max(minor, 0.0) / major)),
            angle=math.degrees(math.atan2(2 * xy, xx - yy)) / 2 % 180,
        )


def half_light(
    weight: Float[np.ndarray, "height width"], radius: Float[np.ndarray, "height width"]
) -> float:
    """The radius that parts the light in halves, the innermost where noise makes several."""
    order = np.argsort(radius, axis=None)
    grown = np.cumsum(weight.ravel()[order])
    half, grown = grown[-1] / 2, np.maximum.accumulate(grown)
    return float(np.interp(half, grown, radius.ravel()[order]))


def _less_psf(radius: float, psf_fwhm: float) -> float:
    return math.sqrt(max(radius**2 - (psf_fwhm / 2) ** 2, LEAST_RADIUS**2))


def own_segment(segments: Int[np.ndarray, "height width"]) -> int:
    """The number of the detected object nearest to the frame's centre; 0 where there is none."""
    centre_y, centre_x = ((side - 1) / 2 for side in segments.shape)
    rows, columns = np.nonzero(segments)
    if not len(rows):
        return 0
    nearest = np.hypot(rows - centre_y, columns - centre_x).argmin()
    return int(segments[rows[nearest], columns[nearest]])


def others(segments: Int[np.ndarray, "height width"], own: int) -> Bool[np.ndarray, "height width"]:
    """Pixels of other objects and near them, except the galaxy's own: what the fits are to mask."""
    reach = ndimage.generate_binary_structure(2, 1)
    found = (segments > 0) & (segments != own)
    if not found.any():
        return found
    return ndimage.binary_dilation(found, reach, iterations=GROWN) & (segments != own)
