"""Flags that follow from a posterior and the prior it was trained on: where the data end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.inference.sampling import Inferred
from gampen.inference.wholes import Wholes, flux_of
from gampen.parameters import ParameterSpace
from gampen.photometry import signal_to_noise
from gampen.settings import Brightness, SimulationSettings

NEAR_LEAST = 1.1  # times the least radius of the prior
UNRESOLVED_SHARE = 0.16  # of the posterior that may lie below that
SEEN_SHARE = 0.85  # of the pixels within the galaxy's radius that must be there and good


@dataclass(frozen=True)
class PriorLimits:
    """The ends of a training prior, in pixels and sky sigmas."""

    prior: SimulationSettings
    space: ParameterSpace

    def flags(self, cutouts: Cutouts, inferred: Inferred) -> Int32[np.ndarray, " galaxy"]:
        """UNRESOLVED, TOO_FAINT and AT_EDGE, where the parameters say how large a galaxy is."""
        found = torch.zeros(len(cutouts), dtype=torch.int32)
        values = self.wholes.named(inferred.mixture.mean.double())
        radius, flux = self.wholes.radius(values), flux_of(values)
        if radius is None or not len(cutouts):
            return found.numpy()
        fwhm = torch.from_numpy(cutouts.psf_fwhms).nan_to_num(0.0)
        raised = {Flag.UNRESOLVED: self.unresolved(inferred, fwhm)}
        raised[Flag.AT_EDGE] = at_edge(cutouts, inferred, radius)
        if flux is not None and self.prior.prior.brightness is Brightness.SIGNAL_TO_NOISE:
            signal = signal_to_noise(flux, radius, fwhm, torch.ones_like(flux))
            raised[Flag.TOO_FAINT] = signal < self.prior.prior.signal_to_noise[0]
        for flag, where in raised.items():
            found += where.to(torch.int32) * int(flag)
        return found.numpy()

    @property
    def wholes(self) -> Wholes:
        """How large and how bright whole galaxies are."""
        return Wholes(self.space, self.prior.prior)

    def unresolved(
        self, inferred: Inferred, fwhm: Float[Tensor, " galaxy"]
    ) -> Bool[Tensor, " galaxy"]:
        """Whether much of the posterior leans on the least radius that such a PSF allows."""
        settings, scale = self.prior.prior, self.prior.survey.pixel_scale
        least = (settings.radius_over_psf * fwhm).clamp(min=settings.effective_radius[0] / scale)
        chance = self.wholes.chance_below(inferred.mixture, NEAR_LEAST * least)
        return chance > UNRESOLVED_SHARE


def at_edge(
    cutouts: Cutouts, inferred: Inferred, radius: Float[Tensor, " galaxy"]
) -> Bool[Tensor, " galaxy"]:
    """Whether pixels within the galaxy's radius are missing or bad."""
    places = inferred.theta[:, :, 2].tolist()
    found = zip(cutouts, radius.tolist(), places, strict=True)
    return torch.tensor([seen_share(*galaxy) < SEEN_SHARE for galaxy in found])


def seen_share(cutout: Cutout, radius: float, place: tuple[float, float] | list[float]) -> float:
    """The share of a circle [pixel] that a cutout shows on good pixels.

    `place` is that of its centre in the frame's square [-1, 1]^2, x first.
    """
    height, width = cutout.shape
    centre_y = (height - 1) / 2 + place[1] * height / 2
    centre_x = (width - 1) / 2 + place[0] * width / 2
    reach = max(radius, 1.0)
    held = inside(centre_y, reach, height) and inside(centre_x, reach, width)
    if held and Flag.MASKED_PIXELS not in cutout.flags:
        return 1.0
    y, x = np.ogrid[:height, :width]
    within = (y - centre_y) ** 2 + (x - centre_x) ** 2 <= reach**2
    return float((within & ~cutout.bad).sum()) / max(1.0, math.pi * reach**2)


def inside(centre: float, reach: float, length: int) -> bool:
    """Whether a stretch lies within an axis of so many pixels."""
    return centre - reach >= 0 and centre + reach <= length - 1
