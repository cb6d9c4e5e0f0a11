"""A galaxy fitted in its window: the most probable bulge, disk and PSF, by damped Newton steps.

Levenberg (1944, doi:10.1090/qam/10666) and Marquardt (1963, doi:10.1137/0111030): the sum of
squares over the noise and of the distance from what is believed, with derivatives of the renderer.
All galaxies of a set of windows step together, each with a damping of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from gampen.inference.beliefs import PLACE, Beliefs, within_limits
from gampen.inference.windows import Windows
from gampen.rendering.coordinates import bulge_and_disk, quantity_slopes
from gampen.rendering.derivatives import Slopes
from gampen.rendering.exposures import Exposure
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render_in_groups
from gampen.rendering.sersic import Sersic

PIXELS_AT_ONCE = 2**15  # so that the spectra of all derivatives stay near the processor
FIRST_DAMPING, LESS, MORE = 1e-2, 0.2, 8.0
_BULGE, _DISK, _SKY = 0, 5, 12  # the places of these lights among the quantities


@dataclass(frozen=True)
class Look:
    """The model at some points: its light, its sky, and its derivatives by all coordinates."""

    points: Float64[Tensor, "galaxy coordinate"]
    light: Float[Tensor, "galaxy side side"]
    slopes: Float[Tensor, "galaxy coordinate side side"]

    @classmethod
    @torch.no_grad()
    def at(cls, points: Float64[Tensor, "galaxy coordinate"], windows: Windows) -> Look:
        """The model at these points."""
        quantities, onto = quantity_slopes(points)
        exposure = _exposure(points, windows)
        side, finer = windows.images.shape[-1], windows.oversampling
        size = max(1, PIXELS_AT_ONCE // (side * finer) ** 2)
        parts = []
        for start in range(0, len(points), size):
            some = slice(start, start + size)
            parts.append(Slopes(quantities[some].float(), exposure.take(some), True, True).images())
        images = torch.cat(parts)
        slopes = torch.einsum("gqc,gqhw->gchw", onto.float(), images)
        return cls(points, images[:, _BULGE] + images[:, _DISK], slopes)

    @torch.no_grad()
    def moved(self, points: Float64[Tensor, "galaxy coordinate"], windows: Windows) -> Look:
        """The model at other points near by, where its derivatives are taken to be the same."""
        exposure = _exposure(points, windows)
        profile = bulge_and_disk(points)
        profile = Sersic(**{name: value.float() for name, value in vars(profile).items()})
        finer = windows.oversampling
        light = render_in_groups(profile, exposure.psf, exposure.shape, finer)
        return replace(self, points=points, light=light)

    @property
    def image(self) -> Float[Tensor, "galaxy side side"]:
        """The light on its sky."""
        return self.light + self.points[:, PLACE["sky"], None, None].float()

    def where(self, better: Bool[Tensor, " galaxy"], other: Look) -> Look:
        """The other's model for some galaxies."""
        parts = {
            name: torch.where(better.view(-1, *[1] * (value.dim() - 1)), vars(other)[name], value)
            for name, value in vars(self).items()
        }
        return Look(**parts)


def _exposure(points: Float64[Tensor, "galaxy coordinate"], windows: Windows) -> Exposure:
    fwhm = (windows.psf_fwhm * points[:, PLACE["psf_fwhm"]].exp()).float()
    one = torch.ones_like(fwhm)
    psf = Moffat(fwhm, points[:, PLACE["psf_slope"]].float())
    return Exposure(psf, fwhm, one, one, one, windows.bad, windows.oversampling)


@dataclass(frozen=True)
class Normal:
    """The normal equations at a look: the cost, and what a step is made of."""

    cost: Float64[Tensor, " galaxy"]
    gradient: Float64[Tensor, "galaxy coordinate"]
    curvature: Float64[Tensor, "galaxy coordinate coordinate"]

    @classmethod
    def of(
        cls,
        look: Look,
        windows: Windows,
        weight: Float[Tensor, "galaxy side side"],
        beliefs: Beliefs,
    ) -> Normal:
        """Those of the squares over the noise, whose inverse variance is `weight`, and beliefs."""
        root = weight.sqrt()
        missed = ((windows.images - look.image) * root).flatten(1).double()
        rows = (look.slopes * root[:, None]).flatten(2).double()
        distance = look.points - beliefs.middle
        pull = (beliefs.precision @ distance[..., None])[..., 0]
        return cls(
            cost=missed.square().sum(dim=1) + (distance * pull).sum(dim=1),
            gradient=(rows @ missed[..., None])[..., 0] - pull,
            curvature=rows @ rows.mT + beliefs.precision,
        )

    def step(self, damping: Float64[Tensor, " galaxy"]) -> Float64[Tensor, "galaxy coordinate"]:
        """The damped step, nought where there is none to be had."""
        diagonal = self.curvature.diagonal(dim1=1, dim2=2)
        scale = diagonal.clamp(min=1e-30).rsqrt()
        scaled = self.curvature * scale[:, :, None] * scale[:, None, :]
        scaled = scaled + torch.diag_embed(damping[:, None].expand_as(scale))
        found, failed = torch.linalg.solve_ex(scaled, self.gradient * scale)
        usable = (failed == 0) & found.isfinite().all(dim=1)
        return torch.where(usable[:, None], found * scale, 0.0)


def improve(
    look: Look,
    windows: Windows,
    weight: Float[Tensor, "galaxy side side"],
    beliefs: Beliefs,
    steps: int,
) -> Look:
    """The look after some steps, none of which makes the cost larger."""
    normal = Normal.of(look, windows, weight, beliefs)
    damping = torch.full_like(normal.cost, FIRST_DAMPING)
    for _ in range(steps):
        trial = look.moved(within_limits(look.points + normal.step(damping)), windows)
        reached = Normal.of(trial, windows, weight, beliefs)
        better = reached.cost <= normal.cost
        look = look.where(better, trial)
        normal = Normal(
            torch.where(better, reached.cost, normal.cost),
            torch.where(better[:, None], reached.gradient, normal.gradient),
            torch.where(better[:, None, None], reached.curvature, normal.curvature),
        )
        damping = torch.where(better, damping * LESS, damping * MORE)
    return look
