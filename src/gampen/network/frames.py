"""Frames: a batch of images as the network takes them, in units of their own sky noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gampen.network.symmetry import SYMMETRIES, Symmetry

MAD_TO_SIGMA = 1.482602
CLIP = 3.0
CLIP_ROUNDS = 2
FILL_ROUNDS = 4
SAMPLED = 48  # rows and columns, at most, in which the noise is measured
BORDER = 3  # [pixel] width of the outermost ring
FEW = 128  # rows that the noise's texture is read from, at most
BRIGHTEST = 1e6
"""[sky sigma] No pixel is brighter: the noise is taken to be larger instead."""


@dataclass(frozen=True)
class Frames:
    """Images of one size, divided by their sky sigma.

    `pixels` [sky sigma]; `psf_fwhm` [pixel] and `psf_concentration`, NaN where unknown; `sky_sigma`
    [image units].
    """

    pixels: Float[Tensor, "galaxy 1 height width"]
    psf_fwhm: Float[Tensor, " galaxy"]
    sky_sigma: Float[Tensor, " galaxy"]
    psf_concentration: Float[Tensor, " galaxy"]

    @classmethod
    def prepare(
        cls,
        images: Float[Tensor, "galaxy height width"],
        bad: Bool[Tensor, "galaxy height width"] | None,
        psf_fwhm: Float[Tensor, " galaxy"],
        psf_concentration: Float[Tensor, " galaxy"] | None = None,
        symmetries: Sequence[Symmetry] = SYMMETRIES[:1],
    ) -> Frames:
        """Images in any unit, sky-subtracted, made into frames; bad pixels are filled.

        The noise is the mean of what is measured in each of the orientations given.
        """
        sigma = _mean_sky_sigma(images, bad, symmetries)
        scaled = images / sigma[:, None, None]
        touched = None if bad is None else bad.flatten(1).any(dim=1)
        if bad is not None and touched is not None and bool(touched.any()):
            scaled[touched] = fill_bad(scaled[touched], bad[touched])
        if psf_concentration is None:
            psf_concentration = torch.full_like(psf_fwhm, torch.nan)
        return cls(scaled[:, None], psf_fwhm, sigma, psf_concentration)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.pixels)

    def turned(self, symmetry: Symmetry) -> Frames:
        """The same frames in another orientation."""
        return replace(self, pixels=symmetry.of(self.pixels).contiguous())

    def select(self, galaxies: Int[Tensor, " chosen"]) -> Frames:
        """The chosen galaxies, in the order chosen."""
        return Frames(**{name: value[galaxies] for name, value in vars(self).items()})


def _mean_sky_sigma(
    images: Float[Tensor, "galaxy height width"],
    bad: Bool[Tensor, "galaxy height width"] | None,
    symmetries: Sequence[Symmetry],
) -> Float[Tensor, " galaxy"]:
    """The mean of what is measured in several orientations, which look at different pixels."""
    found = [
        measure_sky_sigma(s.of(images), None if bad is None else s.of(bad)) for s in symmetries
    ]
    return found[0] if len(found) == 1 else orderless_mean(found)


def orderless_mean(values: Sequence[Tensor]) -> Tensor:
    """The mean, whatever the order: summed in double precision, where there is any."""
    whole = torch.stack([value.cpu() for value in values]).double().mean(dim=0)
    return whole.to(values[0].dtype).to(values[0].device)


def measure_sky_sigma(
    images: Float[Tensor, "galaxy height width"], bad: Bool[Tensor, "galaxy height width"] | None
) -> Float[Tensor, " galaxy"]:
    """The noise of the sky [image units]: clipped median absolute deviation of every other pixel.

    Half of the rows and columns, or fewer, suffice (1-3 % of statistical error). An image without
    noise gets its standard deviation, so that the answer is never zero.
    """
    rows, columns = (slice(None, None, max(2, -(-n // SAMPLED))) for n in images.shape[1:])
    whole = images[:, rows, columns].flatten(1)
    if bad is not None:
        whole = whole.masked_fill(bad[:, rows, columns].flatten(1), torch.nan)
    sigma = _clipped_sigma(_ascending(whole))
    least = _least_sigma(images, bad)
    if bool((sigma > least).all()):
        return sigma
    spread = (whole - whole.nanmean(dim=1, keepdim=True)).square().nanmean(dim=1).sqrt()
    return torch.where(sigma > least, sigma, torch.where(spread > least, spread, least))


def noise_texture(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy 3"]:
    """How alike next pixels and next but one are, and what is left of sky at the border.

    Mean absolute differences, clipped so that galaxies count little, less their value for white
    noise; and the border's mean, clipped likewise [sky sigma].
    """
    rows = pixels[:, 0, :: max(1, pixels.shape[-2] // FEW)]
    steps = [(rows[..., lag:] - rows[..., :-lag]).abs().clamp(max=CLIP) for lag in (1, 2)]
    columns = pixels[:, 0, :, :: max(1, pixels.shape[-1] // FEW)]
    steps += [(columns[:, lag:] - columns[:, :-lag]).abs().clamp(max=CLIP) for lag in (1, 2)]
    near, far, below, beneath = (step.mean(dim=(1, 2)) for step in steps)
    inside = slice(BORDER, -BORDER)
    whole = pixels[:, 0].clamp(-CLIP, CLIP)
    within = whole[:, inside, inside]
    ring = whole.sum(dim=(1, 2)) - within.sum(dim=(1, 2))
    level = ring / (whole[0].numel() - within[0].numel())
    return torch.stack([near + below - 2.2, far + beneath - 2.2, 4 * level], dim=1)


def _least_sigma(
    images: Float[Tensor, "galaxy height width"], bad: Bool[Tensor, "galaxy height width"] | None
) -> Float[Tensor, " galaxy"]:
    """A noise above zero at which no pixel is too bright to be worked with."""
    good = images if bad is None else images.masked_fill(bad, 0)
    return (good.abs().amax(dim=(1, 2)) / BRIGHTEST).clamp(min=torch.finfo(images.dtype).tiny)


def _clipped_sigma(ordered: Float[Tensor, "galaxy pixel"]) -> Float[Tensor, " galaxy"]:
    """The clipped median absolute deviation of pixels in ascending order, NaN behind the others."""
    first, count = torch.zeros_like(ordered[:, :1], dtype=torch.long), _number(~ordered.isnan())
    for _ in range(CLIP_ROUNDS):
        level, sigma = _median_and_sigma(ordered, first, count)
        far = (ordered - level).abs() > CLIP * sigma
        first, count = _number(far & (ordered < level)), _number(~far & ~ordered.isnan())
    return _median_and_sigma(ordered, first, count)[1][:, 0]


def _ascending(values: Float[Tensor, "galaxy pixel"]) -> Float[Tensor, "galaxy pixel"]:
    """The values in ascending order, NaN last; by numpy where it can, ten times as fast."""
    if values.device.type != "cpu" or values.requires_grad:
        return values.sort(dim=1).values
    return torch.from_numpy(np.sort(values.numpy(), axis=1))


def _number(chosen: Bool[Tensor, "galaxy pixel"]) -> Int[Tensor, "galaxy 1"]:
    """How many are chosen."""
    return chosen.sum(dim=1, keepdim=True)


def _median_and_sigma(
    ordered: Float[Tensor, "galaxy pixel"],
    first: Int[Tensor, "galaxy 1"],
    count: Int[Tensor, "galaxy 1"],
) -> tuple[Float[Tensor, "galaxy 1"], Float[Tensor, "galaxy 1"]]:
    """Of `count` pixels in ascending order from the `first`: median, and deviation from it.

    On both sides of the median deviations are in order already, so that of the middle is found by
    halves: how many of the smaller half lie below.
    """
    half = (count - 1).clamp(min=0) // 2
    middle = first + half
    level = ordered.gather(1, middle)
    low, high = torch.zeros_like(half), half
    for _ in range(ordered.shape[1].bit_length()):
        below = (low + high) // 2
        under = level - ordered.gather(1, (middle - below - 1).clamp(min=0))
        over = ordered.gather(1, (middle + half - below).clamp(max=ordered.shape[1] - 1)) - level
        more = (under < over) & (low < high)
        low, high = torch.where(more, below + 1, low), torch.where(more, high, below)
    under = level - ordered.gather(1, (middle - low).clamp(min=0))
    over = ordered.gather(1, (middle + half - low).clamp(max=ordered.shape[1] - 1)) - level
    return level, MAD_TO_SIGMA * torch.maximum(under, over)


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
