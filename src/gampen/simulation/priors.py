"""Draws of galaxies from their prior: bulges, disks and neighbours, in pixels and image units."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.rendering.sersic import Sersic, half_light_radius
from gampen.settings import PriorSettings, Range, SceneSettings, SurveySettings


@dataclass(frozen=True)
class Draw:
    """A source of seeded numbers for a fixed number of galaxies."""

    galaxies: int
    generator: torch.Generator

    def uniform(self, limits: Range, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Numbers uniform between the limits."""
        low, high = limits
        share = torch.rand((self.galaxies, *shape), generator=self.generator)
        return low + (high - low) * share

    def log_uniform(self, limits: Range, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Numbers whose logarithm is uniform between those of the limits."""
        low, high = limits
        return self.uniform((math.log(low), math.log(high)), *shape).exp()

    def normal(self, sigma: float, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Normal numbers with mean zero."""
        return sigma * torch.randn((self.galaxies, *shape), generator=self.generator)


def magnitude_to_flux(magnitude: Tensor, zero_point: float) -> Tensor:
    """Flux [image units] of an AB magnitude."""
    return 10 ** (0.4 * (zero_point - magnitude))


def draw_targets(draw: Draw, prior: PriorSettings, survey: SurveySettings) -> Sersic:
    """Bulge (component 0) and disk (component 1) of each galaxy.

    Both radii are scaled together so that the galaxy's half-light radius is the one drawn.
    """
    flux = magnitude_to_flux(draw.uniform(prior.magnitude), survey.zero_point)
    bulge = draw.uniform(prior.bulge_to_total)
    radius = draw.log_uniform(prior.effective_radius) / survey.pixel_scale
    angle = draw.uniform((0.0, 180.0))
    centre = [draw.uniform((-prior.offset, prior.offset))[:, None].expand(-1, 2) for _ in "xy"]
    shape = Sersic(
        flux=torch.stack([flux * bulge, flux * (1 - bulge)], dim=1),
        effective_radius=_pair(draw.log_uniform(prior.radius_ratio), torch.ones_like(flux)),
        index=_pair(draw.uniform(prior.bulge_index), draw.uniform(prior.disk_index)),
        axis_ratio=_pair(draw.uniform(prior.bulge_axis_ratio), draw.uniform(prior.disk_axis_ratio)),
        angle=_pair(angle + draw.normal(prior.twist), angle),
        x=centre[0],
        y=centre[1],
    )
    scale = (radius / half_light_radius(shape))[:, None]
    return replace(shape, effective_radius=shape.effective_radius * scale)


def draw_neighbours(
    draw: Draw, target: Sersic, scene: SceneSettings, survey: SurveySettings, size: int
) -> Sersic:
    """Sersic neighbours of each target, beyond the least distance; absent ones without flux."""
    number = _neighbour_numbers(draw, scene)
    places = max(1, int(number.max()))
    present = torch.arange(places) < number[:, None]
    total = target.flux.sum(dim=1, keepdim=True)
    fainter = draw.uniform(scene.neighbour_magnitude, places)
    reach = target.effective_radius.amax(dim=1).clamp(min=1 / survey.pixel_scale)[:, None]
    x, y = (draw.uniform((-size / 2, size / 2), places) for _ in "xy")
    clear = torch.hypot(x, y) > scene.neighbour_distance * reach
    return Sersic(
        flux=torch.where(present & clear, total * 10 ** (-0.4 * fainter), 0.0),
        effective_radius=draw.log_uniform(scene.neighbour_radius, places) / survey.pixel_scale,
        index=draw.uniform(scene.neighbour_index, places),
        axis_ratio=draw.uniform(scene.neighbour_axis_ratio, places),
        angle=draw.uniform((0.0, 180.0), places),
        x=x,
        y=y,
    )


def _neighbour_numbers(draw: Draw, scene: SceneSettings) -> Float[Tensor, " galaxy"]:
    any_at_all = draw.uniform((0.0, 1.0)) < scene.neighbour_share
    rates = torch.full((draw.galaxies,), scene.extra_neighbours)
    extra = torch.poisson(rates, generator=draw.generator)
    return torch.where(any_at_all, 1 + extra, 0.0)


def _pair(first: Float[Tensor, " galaxy"], second: Float[Tensor, " galaxy"]) -> Tensor:
    return torch.stack([first, second], dim=1)
