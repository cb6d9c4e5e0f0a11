"""Troubles: what real images hold and an estimator's prior does not, put into simulated scenes.

Each is a change to the galaxy before it is rendered, to what is told of the PSF, or to the image
after it was observed. Flags are learned from them (`gampen.training.guarding`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.cutouts import Flag
from gampen.network.guard import Kind
from gampen.rendering.sersic import Sersic
from gampen.settings import PriorSettings, SimulationSettings
from gampen.simulation.priors import Draw, draw_targets
from gampen.simulation.scenes import (
    Change,
    Scenes,
    Target,
    as_it_is,
    lit,
    observe,
    seeded_draw,
    turned,
)

POINT = 0.02  # of the PSF's FWHM: the radius of what no telescope resolves
ROUND = 0.5  # Sersic index of a Gaussian
PER_ARM = 14
MOST_CLUMPS = 12
WRONG = 1.5  # times the PSF's width


def unchanged_scenes(_draw: Draw, scenes: Scenes, _target: Target) -> Scenes:
    """The scenes as they are."""
    return scenes


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble and what it does."""

    kind: Kind
    change: Change = as_it_is
    mar: Callable[[Draw, Scenes, Target], Scenes] = unchanged_scenes

    def blocks(
        self, settings: SimulationSettings, key: tuple[int, int], size: int, observations: int = 1
    ) -> Iterator[Scenes]:
        """Observations of a block of galaxies with this trouble; they follow from key and size.

        The key is a seed and the number of the block.
        """
        target, light = lit(settings, seeded_draw(*key, size, 0), size, self.change)
        for number in range(observations):
            draw = seeded_draw(*key, size, 1 + number)
            shown = turned(draw, light) if number else light
            yield self.mar(draw, observe(settings, shown, draw), target)


# The galaxy itself.


def star(_draw: Draw, target: Target, _settings: SimulationSettings) -> Target:
    """A point of light."""
    first = target.profile.select(slice(0, 1))
    radius = POINT * target.psf_fwhm
    profile = replace(
        first,
        flux=torch.ones_like(first.flux),
        effective_radius=radius[:, None],
        index=torch.full_like(first.index, ROUND),
        axis_ratio=torch.ones_like(first.axis_ratio),
    )
    return Target(profile, radius, target.psf_fwhm)


def blend(draw: Draw, target: Target, settings: SimulationSettings) -> Target:
    """A second galaxy closer than any neighbour of the prior."""
    size = target.radius * draw.log_uniform((0.4, 1.5))
    other = draw_targets(draw, settings.prior, size)
    least = settings.scene.neighbour_distance
    distance = target.reach * draw.uniform((0.4 * least, least))
    return beside(draw, target, other, distance, draw.uniform((-0.75, 1.25)))


def overshone(draw: Draw, target: Target, settings: SimulationSettings) -> Target:
    """A neighbour so bright that most of the light is not the target's."""
    size = target.reach * draw.log_uniform((0.5, 1.5))
    other = draw_targets(draw, settings.prior, size)
    brightest = settings.scene.neighbour_magnitude[0]
    distance = target.reach * draw.uniform((1.0, 2.5))
    return beside(draw, target, other, distance, brightest - draw.uniform((0.5, 2.5)))


def beside(
    draw: Draw,
    target: Target,
    other: Sersic,
    distance: Float[Tensor, " galaxy"],
    fainter: Float[Tensor, " galaxy"],
) -> Target:
    """The target with another galaxy, of flux one, at a distance and so many magnitudes fainter."""
    angle = draw.uniform((0.0, 2 * math.pi))
    x, y = (distance * angle.cos())[:, None], (distance * angle.sin())[:, None]
    moved = replace(
        other,
        flux=other.flux * 10 ** (-0.4 * fainter[:, None]),
        x=target.profile.x[:, :1] + x.expand_as(other.x),
        y=target.profile.y[:, :1] + y.expand_as(other.y),
    )
    return replace(target, profile=Sersic.cat(target.profile, moved))


def arms(draw: Draw, target: Target, _settings: SimulationSettings) -> Target:
    """Two logarithmic spiral arms that hold 20-45 % of the light."""
    place = draw.uniform((0.35, 2.2), 2 * PER_ARM)
    pitch = draw.uniform((0.25, 0.6))[:, None]
    side = torch.arange(2 * PER_ARM) % 2 * math.pi
    turn = draw.uniform((0.0, 2 * math.pi))[:, None]
    angle = place.log() / pitch.tan() * _sense(draw) + side + turn + draw.normal(0.08, 2 * PER_ARM)
    weight = torch.exp(-1.2 * place) * place
    return knotted(draw.uniform((0.2, 0.45)), target, (place, angle, weight, 0.13))


def clumps(draw: Draw, target: Target, _settings: SimulationSettings) -> Target:
    """Three to twelve knots in the disk that hold 10-30 % of the light."""
    place = draw.uniform((0.3, 1.8), MOST_CLUMPS)
    angle = draw.uniform((0.0, 2 * math.pi), MOST_CLUMPS)
    number = draw.uniform((3, MOST_CLUMPS + 1)).floor()[:, None]
    weight = draw.log_uniform((0.3, 1.0), MOST_CLUMPS) * (torch.arange(MOST_CLUMPS) < number)
    return knotted(draw.uniform((0.1, 0.3)), target, (place, angle, weight, 0.04))


Knots = tuple[Tensor, Tensor, Tensor, float]
"""Radius [of the galaxy's], angle [radian] and weight of knots in a disk, and their own radius."""


def knotted(share: Float[Tensor, " galaxy"], target: Target, knots: Knots) -> Target:
    """The target with a share of its light moved into knots in the plane of its disk."""
    place, angle, weight, size = knots
    disk = target.profile.select(slice(-1, None))  # of a single profile, itself
    flat = disk.axis_ratio.clamp(min=0.3)
    major, minor = (target.radius[:, None] * place * part for part in (angle.cos(), angle.sin()))
    tilt = torch.deg2rad(disk.angle)
    parts = Sersic(
        flux=share[:, None] * weight / weight.sum(dim=1, keepdim=True),
        effective_radius=(size * target.radius[:, None]).expand_as(place),
        index=torch.full_like(place, ROUND),
        axis_ratio=torch.ones_like(place),
        angle=torch.zeros_like(place),
        x=disk.x + major * tilt.cos() - minor * flat * tilt.sin(),
        y=disk.y + major * tilt.sin() + minor * flat * tilt.cos(),
    )
    smooth = replace(target.profile, flux=target.profile.flux * (1 - share[:, None]))
    return replace(target, profile=Sersic.cat(smooth, parts))


def off_centre(draw: Draw, target: Target, settings: SimulationSettings) -> Target:
    """A galaxy further from the middle of its frame than any of the prior."""
    prior: PriorSettings = settings.prior
    distance = draw.uniform((1.5 * prior.offset + 1, 1.5 * prior.offset + 10))
    angle = draw.uniform((0.0, 2 * math.pi))
    x, y = ((distance * part)[:, None] for part in (angle.cos(), angle.sin()))
    profile = target.profile
    return replace(target, profile=replace(profile, x=x + 0 * profile.x, y=y + 0 * profile.y))


# What is told, and the image.


def wrong_psf(draw: Draw, scenes: Scenes, _target: Target) -> Scenes:
    """A PSF that is told 1.5 times too wide or too narrow."""
    wide = draw.share() < 0.5
    told = scenes.values["psf_fwhm"] * torch.where(wide, WRONG, 1 / WRONG)
    return replace(scenes, psf_fwhm=told)


def trail(draw: Draw, scenes: Scenes, target: Target) -> Scenes:
    """The trail of a satellite, somewhere over the galaxy or near it."""
    size = scenes.images.shape[-1]
    angle = draw.uniform((0.0, math.pi))[:, None, None]
    least = torch.minimum(3 * target.reach, torch.full_like(target.reach, size / 3))
    past = (draw.uniform((-1.0, 1.0)) * least)[:, None, None]
    axis = torch.arange(size) - (size - 1) / 2
    across = axis[None, :, None] * angle.cos() - axis[None, None, :] * angle.sin() - past
    width = (target.psf_fwhm * draw.log_uniform((1.0, 2.0)))[:, None, None] / 2.355
    height = draw.log_uniform((2.0, 40.0)) * scenes.sky_sigma
    light = height[:, None, None] * torch.exp(-0.5 * (across / width) ** 2)
    return replace(scenes, images=scenes.images + light)


def saturation(draw: Draw, scenes: Scenes, _target: Target) -> Scenes:
    """A core cut off at 15-75 % of its peak, on a level that is flat to 1 %."""
    peak = scenes.images.amax(dim=(1, 2))
    level = (draw.uniform((0.15, 0.75)) * peak)[:, None, None]
    flat = level * (1 + draw.normal(0.01, *scenes.images.shape[1:]) * draw.share()[:, None, None])
    return replace(scenes, images=torch.where(scenes.images > level, flat, scenes.images))


def uneven_noise(draw: Draw, scenes: Scenes, _target: Target) -> Scenes:
    """Noise that is two to four times as high on one side of an edge through the frame."""
    size = scenes.images.shape[-1]
    edge = (draw.uniform((-0.3, 0.3)) * size)[:, None, None]
    angle = draw.uniform((0.0, 2 * math.pi))[:, None, None]
    axis = torch.arange(size) - (size - 1) / 2
    beyond = axis[None, :, None] * angle.cos() + axis[None, None, :] * angle.sin() > edge
    more = (draw.uniform((2.0, 4.0)).square() - 1).sqrt() * scenes.sky_sigma
    noise = draw.normal(1.0, size, size) * more[:, None, None]
    return replace(scenes, images=scenes.images + noise * beyond)


def sloping_sky(draw: Draw, scenes: Scenes, _target: Target) -> Scenes:
    """A sky that rises by two to ten of its sigmas from one side of the frame to the other."""
    size = scenes.images.shape[-1]
    angle = draw.uniform((0.0, 2 * math.pi))[:, None, None]
    axis = (torch.arange(size) - (size - 1) / 2) / size
    rise = (draw.log_uniform((2.0, 10.0)) * scenes.sky_sigma)[:, None, None]
    slope = rise * (axis[None, :, None] * angle.cos() + axis[None, None, :] * angle.sin())
    return replace(scenes, images=scenes.images + slope)


def _sense(draw: Draw) -> Float[Tensor, "galaxy 1"]:
    """Plus or minus one: which way a spiral winds."""
    return torch.where(draw.share() < 0.5, -1.0, 1.0)[:, None]


TROUBLES = (
    Trouble(Kind("star", Flag.POINT_SOURCE), change=star),
    Trouble(Kind("blend", Flag.BLENDED), change=blend),
    Trouble(Kind("overshone", Flag.BLENDED), change=overshone),
    Trouble(Kind("spiral arms", Flag.IRREGULAR), change=arms),
    Trouble(Kind("clumps", Flag.IRREGULAR), change=clumps),
    Trouble(Kind("off centre", Flag.OFF_CENTRE), change=off_centre),
    Trouble(Kind("wrong PSF", Flag.PSF_DOUBTFUL), mar=wrong_psf),
    Trouble(Kind("trail", Flag.TRAIL), mar=trail),
    Trouble(Kind("saturated core", Flag.SATURATED), mar=saturation),
    Trouble(Kind("uneven noise", Flag.NOISE_DOUBTFUL), mar=uneven_noise),
    Trouble(Kind("sloping sky", Flag.NOISE_DOUBTFUL), mar=sloping_sky),
)
"""Every kind, in the order of the guard's outputs."""
