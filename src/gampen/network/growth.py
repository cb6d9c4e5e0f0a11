"""Curves of growth inside a crop: its light, and the circle that holds half of it.

From them a first guess of flux and radius is made, so that the network has only to learn how far
off it is: a few per cent where a galaxy is bright, which no network would find so finely from
nothing.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.apertures import discs
from gampen.network.transformer import Crop

FLUX_FLOOR = 3.0
STEPS = 28
FIRST = 0.02  # radius of the smallest circle, in half-sides of the crop
RADIUS_SHARE = 0.1  # of the crop's side: the guess of a radius where there is no light to see
TRUSTED = 5.0  # S/N of a crop at which its own growth counts as much as that guess
PSF_SHARE = 0.5  # half-light radius of a PSF, in its FWHM
LEAST_SHARE = 0.4  # below this share of what is seen, a radius is not taken for resolved


def crop_light(crop: Crop) -> Float[Tensor, " galaxy"]:
    """Light inside the crop's circle [sky sigma], never below a few times its noise."""
    size = crop.pixels.shape[-1]
    light = (crop.pixels.flatten(1) @ discs(size, size, (size / 2,), crop.pixels.device))[:, 0]
    light = light * crop.sampling.square()
    floor = FLUX_FLOOR * crop.sampling * size
    larger = (light.abs() + (light.square() + floor.square()).sqrt()) / 2
    # The two roots' product is known: the smaller one is not lost in a difference of large numbers.
    return torch.where(light > 0, larger, floor.square() / 4 / larger)


def growth_curve(
    crop: Crop, shares: tuple[float, ...]
) -> tuple[Float[Tensor, " step"], Float[Tensor, "galaxy step"]]:
    """Radii [half-sides of the crop], and the light inside [sky sigma].

    `shares` are the sides of the crop's views; each circle is summed in the finest that holds it.
    """
    size, device = crop.pixels.shape[-1], crop.pixels.device
    radii = torch.logspace(math.log10(FIRST), 0, STEPS).tolist()
    views = dict(zip(shares, (crop.pixels, *crop.inner), strict=True))
    light, start = [], 0
    for share in sorted(views):
        end = STEPS if share == 1 else sum(radius < share for radius in radii)
        chosen = tuple(radius / share * size / 2 for radius in radii[start:end])
        inside = views[share].flatten(1) @ discs(size, size, chosen, device)
        light.append(inside * (share * crop.sampling[:, None]).square())
        start = max(start, end)
    return torch.tensor(radii, device=device), torch.cat(light, dim=1)


def seen_radius(crop: Crop, shares: tuple[float, ...]) -> Float[Tensor, " galaxy"]:
    """ln of the radius [pixel] of the circle that holds half of the crop's light."""
    radii, light = growth_curve(crop, shares)
    half = crop_light(crop)[:, None] / 2
    above = light >= half
    above[:, -1] = True
    place = above.int().argmax(dim=1, keepdim=True)
    before = (place - 1).clamp(min=0)
    low, high = light.gather(1, before), light.gather(1, place)
    part = ((half - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    logs = radii.log()
    middle = logs[before] + part * (logs[place] - logs[before])
    return middle[:, 0] + (crop.sampling * crop.pixels.shape[-1] / 2).log()


def guessed_radius(
    crop: Crop, shares: tuple[float, ...], psf_fwhm: Float[Tensor, " galaxy"]
) -> Float[Tensor, " galaxy"]:
    """ln of a first guess of the half-light radius [pixel], with the PSF taken off in quadrature.

    Where the crop is dark it is a share of the crop, whatever the noise looks like.
    """
    size = crop.pixels.shape[-1]
    seen = seen_radius(crop, shares).exp()
    psf = PSF_SHARE * psf_fwhm.nan_to_num(0.0)
    rest = seen.square() - psf.square()
    least = (LEAST_SHARE * seen).square()
    resolved = (0.5 * (rest + (rest.square() + least.square()).sqrt())).log() / 2
    signal = (crop_light(crop) / (0.5 * size * crop.sampling)).square()
    trust = signal / (signal + TRUSTED**2)
    dark = (RADIUS_SHARE * size * crop.sampling).log()
    return trust * resolved + (1 - trust) * dark
