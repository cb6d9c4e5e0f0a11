"""Frames: a batch of images as the network takes them, in units of their own sky noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

MAD_TO_SIGMA = 1.482602
CLIP = 3.0
CLIP_ROUNDS = 2
FILL_ROUNDS = 4
BRIGHTEST = 1e6
"""[sky sigma] No pixel is brighter: the noise is taken to be larger instead."""


@dataclass(frozen=True)
class Frames:
    """Images of one size, divided by their sky sigma.

    `pixels` [sky sigma]; `psf_fwhm` [pixel], NaN where unknown; `sky_sigma` [image units].
    """

    pixels: Float[Tensor, "galaxy 1 height width"]
    psf_fwhm: Float[Tensor, " galaxy"]
    sky_sigma: Float[Tensor, " galaxy"]

    @classmethod
    def prepare(
        cls,
        images: Float[Tensor, "galaxy height width"],
        bad: Bool[Tensor, "galaxy height width"] | None,
        psf_fwhm: Float[Tensor, " galaxy"],
    ) -> Frames:
        """Images in any unit, sky-subtracted, made into frames; bad pixels are filled."""
        sigma = measure_sky_sigma(images, bad)
        scaled = images / sigma[:, None, None]
        touched = None if bad is None else bad.flatten(1).any(dim=1)
        if bad is not None and touched is not None and bool(touched.any()):
            scaled[touched] = fill_bad(scaled[touched], bad[touched])
        return cls(scaled[:, None], psf_fwhm, sigma)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.pixels)

    def select(self, galaxies: Int[Tensor, " chosen"]) -> Frames:
        """The chosen galaxies, in the order chosen."""
        return Frames(self.pixels[galaxies], self.psf_fwhm[galaxies], self.sky_sigma[galaxies])


def measure_sky_sigma(
    images: Float[Tensor, "galaxy height width"], bad: Bool[Tensor, "galaxy height width"] | None
) -> Float[Tensor, " galaxy"]:
    """The noise of the sky [image units]: clipped median absolute deviation of every other pixel.

    Half of the rows and columns suffice (1-2 % of statistical error from 64 pixels up). An image
    without noise gets its standard deviation, so that the answer is never zero.
    """
    whole = images[:, ::2, ::2].flatten(1)
    if bad is not None:
        whole = whole.masked_fill(bad[:, ::2, ::2].flatten(1), torch.nan)
    sample = whole
    for _ in range(CLIP_ROUNDS):
        level, sigma = _median_and_sigma(sample)
        sample = sample.masked_fill((sample - level).abs() > CLIP * sigma, torch.nan)
    sigma = _median_and_sigma(sample)[1][:, 0]
    least = _least_sigma(images, bad)
    if bool((sigma > least).all()):
        return sigma
    spread = (whole - whole.nanmean(dim=1, keepdim=True)).square().nanmean(dim=1).sqrt()
    return torch.where(sigma > least, sigma, torch.where(spread > least, spread, least))


def _least_sigma(
    images: Float[Tensor, "galaxy height width"], bad: Bool[Tensor, "galaxy height width"] | None
) -> Float[Tensor, " galaxy"]:
    """A noise above zero at which no pixel is too bright to be worked with."""
    good = images if bad is None else images.masked_fill(bad, 0)
    return (good.abs().amax(dim=(1, 2)) / BRIGHTEST).clamp(min=torch.finfo(images.dtype).tiny)


def _median_and_sigma(
    sample: Float[Tensor, "galaxy pixel"],
) -> tuple[Float[Tensor, "galaxy 1"], Float[Tensor, "galaxy 1"]]:
    level = sample.nanmedian(dim=1, keepdim=True).values
    deviation = (sample - level).abs().nanmedian(dim=1, keepdim=True).values
    return level, MAD_TO_SIGMA * deviation


def fill_bad(
    pixels: Float[Tensor, "galaxy height width"], bad: Bool[Tensor, "galaxy height width"]
) -> Float[Tensor, "galaxy height width"]:
    """Bad pixels replaced by the mean of the good ones around them, inwards; else by zero."""
    good = (~bad).to(pixels.dtype)[:, None]
    filled = torch.where(bad, 0.0, pixels)[:, None]
    pool = torch.nn.functional.avg_pool2d
    for _ in range(FILL_ROUNDS):
        near = pool(good, 3, 1, 1)
        mean = pool(filled, 3, 1, 1) / near.clamp(min=1e-6)
        filled = torch.where(good > 0, filled, torch.where(near > 0, mean, 0.0))
        good = torch.maximum(good, (near > 0).to(good.dtype))
    return filled[:, 0]
