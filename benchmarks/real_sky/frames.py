"""Pieces of sky, the frames cut out of them, and photometry in plain circles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits
from jaxtyping import Bool, Float, Shaped

from gampen.cutouts import NO_MAP, Cutout
from gampen.storage.fits import PsfFacts

NEAR = 4  # [pixel] within which a peak is looked for
CLEAR_SIGMA = 4.0  # above its mirror image a pixel belongs to a neighbour
PETROSIAN_RATIO, PETROSIAN_APERTURES = 0.2, 2.0
LEAST_RADIUS = 2.0  # [pixel]

Image = Float[np.ndarray, "height width"]


@dataclass(frozen=True)
class Scene:
    """A piece of sky and what is known of it: `psf` width [pixel] and concentration, `pixel_scale`.

    The latter in arcsec.
    """

    image: Image
    psf: PsfFacts = (None, None)
    pixel_scale: float | None = None
    zero_point: float | None = None
    bad: Bool[np.ndarray, " ..."] = field(default_factory=lambda: NO_MAP)

    def cut(self, name: str, x: float, y: float, largest: float) -> Cutout:
        """The largest frame, at most `largest` pixels a side, with (x, y) [pixel] in its middle."""
        box = tuple(
            slice(round(at) - half, round(at) + half + 1)
            for at, side in zip((y, x), self.image.shape, strict=True)
            for half in [min(round(at), side - 1 - round(at), int(largest - 1) // 2)]
        )
        return Cutout(
            self.image[box].astype(np.float32),
            bad=self.bad[box] if self.bad.size else NO_MAP,
            object_id=name,
            psf_fwhm=self.psf[0],
            psf_concentration=self.psf[1],
            pixel_scale=self.pixel_scale,
            zero_point=self.zero_point,
        )

    def peak(self, x: float, y: float) -> tuple[int, int]:
        """Column and row of the brightest of nine-pixel means near (x, y)."""
        rows, columns = (slice(round(at) - NEAR - 1, round(at) + NEAR + 2) for at in (y, x))
        part = np.lib.stride_tricks.sliding_window_view(self.image[rows, columns], (3, 3))
        place = np.unravel_index(part.mean(axis=(2, 3)).argmax(), part.shape[:2])
        return round(x) - NEAR + int(place[1]), round(y) - NEAR + int(place[0])

    def central(self, name: str, largest: float) -> Cutout:
        """The frame around the peak in the middle."""
        height, width = self.image.shape
        return self.cut(name, *self.peak((width - 1) / 2, (height - 1) / 2), largest)


def read_plane(path: Path, hdu: int | str = 0) -> Shaped[np.ndarray, " ..."]:
    """An array of a FITS file, in this machine's byte order."""
    values = np.asarray(fits.getdata(path, hdu))
    return values.astype(values.dtype.newbyteorder("="))


@dataclass(frozen=True)
class Photometry:
    """Flux [image units] in a Petrosian aperture and the circle that holds half of it [pixel].

    `half_radius` is corrected for the PSF as Gaussians would be. `reaches` says whether the
    aperture fits into the frame.
    """

    flux: float
    half_radius: float
    aperture: float
    reaches: bool

    @classmethod
    def of(cls, cutout: Cutout, sky_sigma: float) -> Photometry:
        """The photometry of a cutout's central galaxy.

        Bad pixels and neighbours, which outshine their mirror image, are replaced by it.
        """
        image = without_neighbours(cutout, sky_sigma)
        distances = distances_from_centre(image.shape)
        order = np.argsort(distances, axis=None)
        radii, growth = distances.ravel()[order], image.ravel()[order].cumsum()
        limit = (min(image.shape) - 1) / 2
        petrosian = petrosian_radius(radii, growth, limit)
        aperture = min(PETROSIAN_APERTURES * petrosian, limit)
        total = float(np.interp(aperture, radii, growth))
        half = float(radii[np.argmax(growth >= total / 2)])
        squared = half**2 - ((cutout.psf_fwhm or 0.0) / 2) ** 2
        reaches = PETROSIAN_APERTURES * petrosian <= limit
        return cls(total, float(np.sqrt(max(squared, 0.0))), aperture, reaches)


def distances_from_centre(shape: tuple[int, ...]) -> Image:
    """The distance of each pixel from the middle of an image [pixel]."""
    rows, columns = np.indices(shape)
    return np.hypot(rows - (shape[0] - 1) / 2, columns - (shape[1] - 1) / 2)


def without_neighbours(cutout: Cutout, sky_sigma: float) -> Image:
    """The image with bad pixels, and those far above their mirror image, taken from the mirror."""
    image, mirror = cutout.pixels.astype(float), cutout.pixels[::-1, ::-1].astype(float)
    mirrored_bad = cutout.bad[::-1, ::-1]
    noise = CLEAR_SIGMA * np.sqrt(2) * sky_sigma + 0.1 * np.abs(mirror)
    swap = (cutout.bad | (image - mirror > noise)) & ~mirrored_bad
    return np.where(swap, mirror, np.where(cutout.bad, 0.0, image))


def petrosian_radius(
    radii: Float[np.ndarray, " pixel"], growth: Float[np.ndarray, " pixel"], limit: float
) -> float:
    """Where an annulus is a fifth as bright as all within it [pixel]; `limit` if nowhere."""
    for radius in np.arange(LEAST_RADIUS, limit / 1.25, 0.25):
        inner, here, outer = np.interp([0.8 * radius, radius, 1.25 * radius], radii, growth)
        annulus = (outer - inner) / (np.pi * (1.25**2 - 0.8**2) * radius**2)
        if annulus < PETROSIAN_RATIO * here / (np.pi * radius**2):
            return float(radius)
    return limit
