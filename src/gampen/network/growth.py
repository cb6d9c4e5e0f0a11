"""Curves of growth inside a crop: its light, and the circle that holds half of it.

From them a first guess of flux and radius is made, so that the network has only to learn how far
off it is; and the shape of the curve around that radius, on a scale of its own, tells it most of
what it has to add. A round PSF and circles about the centre see the same light as if the galaxy
were round, so where it stands alone nothing is lost. Neighbours are taken off by symmetry: what is
much brighter than the pixel across the centre is not the target's (as in the asymmetry of Conselice
2003, doi:10.1086/375001).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.apertures import discs, summed

FLUX_FLOOR = 3.0
STEPS = 28
FIRST = 0.02  # radius of the smallest circle, in half-sides of the crop
RADIUS_SHARE = 0.1  # of the crop's side: the guess of a radius where there is no light to see
TRUSTED = 5.0  # S/N of a crop at which its own growth counts as much as that guess
PSF_SHARE = 0.5  # half-light radius of a PSF, in its FWHM
LEAST_SHARE = 0.4  # below this share of what is seen, a radius is not taken for resolved
NOISE_ACROSS, LIGHT_ACROSS = 4.0, 0.15  # sigma and share by which a pixel may exceed its opposite
PLACES = (0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.6, 3.4, 4.5)  # [seen radius]
STRETCH = 4.0

Views = dict[float, Float[Tensor, "galaxy 1 size size"]]


@dataclass(frozen=True)
class Growth:
    """The light of a crop inside circles, and what follows from it.

    `radii` [half-sides of the crop]; `light` [sky sigma] inside; `total` all of it, never below a
    few times its noise; `log_radius` [pixel] of the circle that holds half; `half_side` [pixel].
    """

    radii: Float[Tensor, " step"]
    light: Float[Tensor, "galaxy step"]
    total: Float[Tensor, " galaxy"]
    log_radius: Float[Tensor, " galaxy"]
    half_side: Float[Tensor, " galaxy"]

    @classmethod
    def of(cls, views: Views, sampling: Float[Tensor, " galaxy"]) -> Growth:
        """The growth of light in views by the shares that they take of the side of the widest.

        `sampling` [pixel] is the side of the widest view's pixels. Each circle is summed in the
        finest view that holds it.
        """
        size, device = views[1.0].shape[-1], sampling.device
        steps = torch.logspace(math.log10(FIRST), 0, STEPS).tolist()
        light, start = [], 0
        for share in sorted(views):
            side = share * sampling
            end = STEPS if share == 1 else sum(radius < share for radius in steps)
            chosen = tuple(radius / share * size / 2 for radius in steps[start:end])
            inside = summed(views[share].flatten(1), discs(size, size, chosen, device))
            light.append(inside * side.square()[:, None])
            start = max(start, end)
        radii, half_side = torch.tensor(steps, device=device), sampling * size / 2
        curve = torch.cat(light, dim=1)
        total = floored(curve[:, -1], FLUX_FLOOR * 2 * half_side)
        return cls(radii, curve, total, half_light(radii, curve, total, half_side), half_side)

    def shape(self) -> Float[Tensor, "galaxy place"]:
        """The light inside multiples of the half-light radius over the whole, stretched."""
        places = torch.tensor(PLACES, device=self.light.device).log()
        wanted = self.log_radius[:, None] - self.half_side.log()[:, None] + places
        first, last = math.log(FIRST), 0.0
        step = (wanted - first).clamp(0, last - first) * ((STEPS - 1) / (last - first))
        low = step.floor().long().clamp(0, STEPS - 2)
        below, above = self.light.gather(1, low), self.light.gather(1, low + 1)
        share = (below + (step - low) * (above - below)) / self.total[:, None]
        # beside that of an exponential disk, whose light falls short by (1 + x) e^-x
        distance = 1.678 * places.exp()
        disk = 1 - (1 + distance) * (-distance).exp()
        return STRETCH * (share - disk).clamp(-1, 1)


def cleaned(views: Views, sampling: Float[Tensor, " galaxy"]) -> Views:
    """The same views without what is much brighter than the pixel across the centre."""
    return {share: across(view, share * sampling) for share, view in views.items()}


def across(
    pixels: Float[Tensor, "galaxy 1 height width"], sampling: Float[Tensor, " galaxy"]
) -> Float[Tensor, "galaxy 1 height width"]:
    """Pixels no brighter than those across the centre, but for noise and a share of their light."""
    opposite = pixels.flip(-1, -2)
    noise = (NOISE_ACROSS / sampling.clamp(min=1))[:, None, None, None]
    return torch.minimum(pixels, opposite + noise + LIGHT_ACROSS * opposite.abs())


def floored(light: Float[Tensor, " galaxy"], floor: Float[Tensor, " galaxy"]) -> Tensor:
    """The light where it is well above the floor, and never nought or less."""
    larger = (light.abs() + (light.square() + floor.square()).sqrt()) / 2
    # The two roots' product is known: the smaller one is not lost in a difference of large numbers.
    return torch.where(light > 0, larger, floor.square() / 4 / larger)


def half_light(
    radii: Float[Tensor, " step"],
    light: Float[Tensor, "galaxy step"],
    total: Float[Tensor, " galaxy"],
    half_side: Float[Tensor, " galaxy"],
) -> Float[Tensor, " galaxy"]:
    """ln of the radius [pixel] of the smallest circle that holds half of the total."""
    half = total[:, None] / 2
    above = light >= half
    above[:, -1] = True
    place = above.int().argmax(dim=1, keepdim=True)
    before = (place - 1).clamp(min=0)
    low, high = light.gather(1, before), light.gather(1, place)
    part = ((half - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    logs = radii.log()
    middle = logs[before] + part * (logs[place] - logs[before])
    return middle[:, 0] + half_side.log()


def guessed_radius(growth: Growth, psf_fwhm: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
    """ln of a first guess of the half-light radius [pixel], with the PSF taken off in quadrature.

    Where the crop is dark it is a share of the crop, whatever the noise looks like.
    """
    seen = growth.log_radius.exp()
    psf = PSF_SHARE * psf_fwhm.nan_to_num(0.0)
    rest = seen.square() - psf.square()
    least = (LEAST_SHARE * seen).square()
    resolved = (0.5 * (rest + (rest.square() + least.square()).sqrt())).log() / 2
    signal = (growth.total / growth.half_side).square()
    trust = signal / (signal + TRUSTED**2)
    dark = (RADIUS_SHARE * 2 * growth.half_side).log()
    return trust * resolved + (1 - trust) * dark
