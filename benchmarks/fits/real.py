"""The arm of galaxies that no Sersic profile describes: Hubble's images, observed again by GalSim.

Each is freed of Hubble's PSF, turned, and seen through a Moffat PSF in Hyper Suprime-Cam's pixels,
at its own magnitude. The noise that Hubble left is whitened and belongs to the variance. True flux
is that of Hubble's stamp, the true half-light radius its growth curve's (right to 1 % for Sersic
profiles seen by Hubble); there is no true bulge. There are few galaxies, each observed many times:
how many rows there are says little of how well an error is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import galsim
import numpy as np
import torch
from astropy.io import fits
from jaxtyping import Float

from benchmarks.fits.moments import half_light
from benchmarks.fits.scenes import Observed, optical_psf, seen_psf
from gampen.rendering.psf import Moffat
from gampen.simulation.surveys import HSC_WIDE_I

REAL_ARM = "not_sersic"
SIZE = 96  # [pixel] of the frame
HUBBLE_SCALE, HUBBLE_ZERO_POINT = 0.03, 25.94
UNITS = 10 ** (0.4 * (HSC_WIDE_I.zero_point - HUBBLE_ZERO_POINT))
SHARP = 0.1  # [arcsec] FWHM of the Gaussian in which radii are measured: as sharp as Hubble's PSF
FAINTEST, SMALLEST = 23.0, 0.3  # [mag], [arcsec]
NOISE = "btk_extension/acs_I_unrot_sci_20_cf.fits"
SPARE_PSFS = "galsim_example_psfs/real_galaxy_PSF_images.fits"
SEED = 20262


@dataclass(frozen=True)
class Source:
    """A catalogue of Hubble galaxies, its images, and its PSFs (others' where it has none)."""

    catalogue: str
    images: str
    psfs: str


SOURCES = (
    Source(
        "btk_extension/real_galaxy_catalog_26_extension_example.fits",
        "btk_extension/real_galaxy_images_extension.fits",
        "btk_extension/real_galaxy_PSF_images_extension.fits",
    ),
    Source(
        "paltas10/real_galaxy_catalog_23.5.fits",
        "paltas10/real_galaxy_images_23.5_n1.fits",
        SPARE_PSFS,
    ),
    Source(
        "slsim2/real_galaxy_catalog_23.5.fits",
        "slsim2/test_galaxy_images_23.5.fits",
        SPARE_PSFS,
    ),
)


@dataclass(frozen=True, eq=False)
class Stamp:
    """A Hubble image of one galaxy with its PSF, and the variance of its noise."""

    pixels: Float[np.ndarray, "height width"]
    psf: Float[np.ndarray, "rows columns"]
    variance: float

    @property
    def flux(self) -> float:
        """Its whole light [Hubble's units]."""
        return float(self.pixels.sum())

    @property
    def effective_radius(self) -> float:
        """Its half-light radius [arcsec], before any PSF."""
        bright = np.where(self.pixels > 3 * math.sqrt(self.variance), self.pixels, 0.0)
        height, width = self.pixels.shape
        sharp = galsim.Convolve(self.freed(), galsim.Gaussian(fwhm=SHARP)).drawImage(
            nx=width, ny=height, scale=HUBBLE_SCALE, method="no_pixel"
        )
        seen = half_light(sharp.array.astype(np.float64), from_centroid(self.pixels, bright))
        return math.sqrt(max((HUBBLE_SCALE * seen) ** 2 - (SHARP / 2) ** 2, 0.0))

    def freed(self, noise: galsim.BaseNoise | None = None) -> galsim.GSObject:
        """The galaxy without Hubble's PSF, with the noise that is on it."""
        image = galsim.Image(self.pixels, scale=HUBBLE_SCALE)
        psf = galsim.Image(self.psf, scale=HUBBLE_SCALE)
        galaxy = galsim.InterpolatedImage(image)
        galaxy.noise = noise
        return galsim.Convolve(galaxy, galsim.Deconvolve(galsim.InterpolatedImage(psf, flux=1.0)))


def from_centroid(
    image: Float[np.ndarray, "height width"], weight: Float[np.ndarray, "height width"]
) -> Float[np.ndarray, "height width"]:
    """Each pixel's distance [pixel] from the centroid of the weight."""
    rows, columns = np.indices(image.shape)
    y, x = (float((weight * place).sum() / weight.sum()) for place in (rows, columns))
    found: np.ndarray = np.hypot(rows - y, columns - x)
    return found


def stamps(folder: Path) -> Iterator[Stamp]:
    """The galaxies that are bright and large enough to be told from a point."""
    for source in SOURCES:
        table = fits.getdata(folder / source.catalogue, 1)
        with fits.open(folder / source.images) as images, fits.open(folder / source.psfs) as psfs:
            # a catalogue may name an image twice
            _, first = np.unique(table["GAL_HDU"], return_index=True)
            for row in (r for r in table[first] if r["MAG"] < FAINTEST):
                image = images[int(row["GAL_HDU"])].data.astype(np.float64)
                psf = psfs[int(row["PSF_HDU"]) % len(psfs)].data.astype(np.float64)
                stamp = Stamp(image, psf, float(row["NOISE_VARIANCE"]))
                if stamp.effective_radius > SMALLEST:
                    yield stamp


def observed_again(folder: Path, galaxies: int) -> Observed:
    """So many observations of the galaxies, one after the other and from the first again."""
    found, noise = list(stamps(folder)), str(folder / NOISE)
    print(f"{len(found)} Hubble galaxies", flush=True)
    seen = []
    for number in range(galaxies):
        generator = np.random.default_rng((SEED, number))
        view = View.draw(found[number % len(found)], generator)
        seen.append(view.observed(noise, generator))
    return Observed.cat(seen)


@dataclass(frozen=True, eq=False)
class View:
    """A galaxy and what it is seen through: PSF [arcsec], sky, gain, angle and place [pixel]."""

    stamp: Stamp
    psf_fwhm: float
    psf_beta: float
    sky_sigma: float
    gain: float
    turn: tuple[float, float, float]

    @classmethod
    def draw(cls, stamp: Stamp, generator: np.random.Generator) -> View:
        """A view as Hyper Suprime-Cam Wide may have in i."""
        survey = HSC_WIDE_I
        fwhm, sky_sigma, gain = (
            math.exp(generator.uniform(*np.log(limits)))
            for limits in (survey.psf_fwhm, survey.sky_sigma, survey.gain)
        )
        place = generator.uniform(-0.5, 0.5, 2) * survey.pixel_scale
        turn = (generator.uniform(0, 360), float(place[0]), float(place[1]))
        return cls(stamp, fwhm, generator.uniform(*survey.psf_beta), sky_sigma, gain, turn)

    def seen(self, noise: str, generator: np.random.Generator) -> tuple[galsim.Image, float]:
        """The image with Hubble's noise whitened, and the variance of that noise."""
        random = galsim.BaseDeviate(int(generator.integers(1, 2**31)))
        left = galsim.getCOSMOSNoise(file_name=noise, rng=random, variance=self.stamp.variance)
        angle, x, y = self.turn
        turned = self.stamp.freed(left).rotate(angle * galsim.degrees).shift(x, y)
        psf = galsim.Moffat(self.psf_beta, fwhm=self.psf_fwhm)
        scene = galsim.Convolve(UNITS * turned, psf)
        image = scene.drawImage(nx=SIZE, ny=SIZE, scale=HSC_WIDE_I.pixel_scale)
        return image, float(image.whitenNoise(scene.noise))

    def observed(self, noise: str, generator: np.random.Generator) -> Observed:
        """The galaxy with the rest of the noise of the sky, and that of its photons."""
        image, left = self.seen(noise, generator)
        light = image.array.astype(np.float64)
        rest = max(self.sky_sigma**2 - left, 0.0) + light.clip(min=0) / self.gain
        pixels = light + np.sqrt(rest) * generator.standard_normal(light.shape)
        psf = Moffat(torch.tensor([self.width]), torch.tensor([self.psf_beta]))
        scale = HSC_WIDE_I.pixel_scale
        truth = [math.nan, self.stamp.effective_radius / scale, self.stamp.flux * UNITS]
        return Observed(
            pixels=pixels[None].astype(np.float32),
            variance=(left + rest)[None].astype(np.float32),
            psf=seen_psf(psf).numpy(),
            optical_psf=optical_psf(psf).numpy(),
            psf_fwhm=np.array([self.width], dtype=np.float32),
            truth=np.array([truth], dtype=np.float32),
        )

    @property
    def width(self) -> float:
        """FWHM of the PSF [pixel]."""
        return self.psf_fwhm / HSC_WIDE_I.pixel_scale
