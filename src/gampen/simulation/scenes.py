"""Scenes: target, neighbours, PSF, sky residual and noise, reproducible by their index.

Scenes come in blocks of a few galaxies that share a frame size; a block follows from the seed, its
number and that size alone, so any part of a set can be drawn again, in any order and on any number
of workers. The light of a block may be observed more than once: in another brightness, noise and
orientation, with other masks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gampen.errors import UsageError
from gampen.network.symmetry import SYMMETRIES
from gampen.parameters import ParameterSpace
from gampen.rendering.psf import PointSpreadFunction
from gampen.rendering.render import render_in_groups
from gampen.rendering.sersic import Sersic
from gampen.settings import SimulationSettings
from gampen.simulation.exposures import Noise, Optics
from gampen.simulation.masks import draw_masks
from gampen.simulation.materials import NONE, Materials
from gampen.simulation.populations import draw_known
from gampen.simulation.priors import (
    Aperture,
    Draw,
    draw_flux,
    draw_neighbours,
    draw_radius,
    draw_targets,
    magnitude_to_flux,
)
from gampen.simulation.quantities import describe
from gampen.simulation.rows import cat_rows, take_rows
from gampen.simulation.skies import draw_sky

BLOCK = 16
LEAST_SHARE = 0.05  # of a PSF's light within its width


@dataclass(frozen=True)
class Light:
    """Galaxies without noise, in frames of one size: their targets have a flux of one in all.

    `radius` is their half-light radius [pixel]; `magnitude` theirs, where a catalogue says it.
    """

    images: Float[Tensor, "galaxy height width"]
    target: Sersic
    radius: Float[Tensor, " galaxy"]
    optics: Optics
    magnitude: Float[Tensor, " galaxy"] | None = None


@dataclass(frozen=True)
class Target:
    """A galaxy about to be rendered: components of flux one in all, its radius and its PSF's FWHM.

    Lengths in pixels.
    """

    profile: Sersic
    radius: Float[Tensor, " galaxy"]
    psf_fwhm: Float[Tensor, " galaxy"]

    @property
    def reach(self) -> Float[Tensor, " galaxy"]:
        """Its radius as the PSF widens it."""
        return torch.hypot(self.radius, self.psf_fwhm / 2)


Change = Callable[[Draw, Target, SimulationSettings], Target]
"""What is done to galaxies before they are rendered."""


def as_it_is(_draw: Draw, target: Target, _settings: SimulationSettings) -> Target:
    """The galaxy without any change."""
    return target


@dataclass(frozen=True)
class Scenes:
    """Simulated frames of one size with their truths, and what they were made of.

    `images` [image units]; `bad` pixels hold no light to be believed; `psf_fwhm` [pixel] and
    `psf_concentration` as told, NaN where not; `values`: every known quantity of each target,
    lengths in pixels and fluxes in image units; `target` and `psf` as they truly are.
    """

    images: Float[Tensor, "galaxy height width"]
    bad: Bool[Tensor, "galaxy height width"]
    psf_fwhm: Float[Tensor, " galaxy"]
    psf_concentration: Float[Tensor, " galaxy"]
    noise: Noise
    target: Sersic
    psf: PointSpreadFunction
    values: dict[str, Float[Tensor, " galaxy"]]

    @property
    def sky_sigma(self) -> Float[Tensor, " galaxy"]:
        """The noise of each sky [image units], as drawn."""
        return self.noise.sky_sigma

    def truth(self, space: ParameterSpace) -> Float[Tensor, "galaxy parameter"]:
        """The values of a space's parameters, in pixels and image units.

        `UsageError` for one that simulations do not know.
        """
        unknown = [name for name in space.names if name not in self.values]
        if unknown:
            raise UsageError(
                f"simulations must know every parameter; got {', '.join(unknown)}, and they know "
                f"{', '.join(self.values)}"
            )
        return torch.stack([self.values[name] for name in space.names], dim=1)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.images)

    @classmethod
    def cat(cls, parts: list[Scenes]) -> Scenes:
        """Several sets of scenes of one frame size as one."""
        return cat_rows(parts)

    def first(self, galaxies: int) -> Scenes:
        """The first galaxies of the set."""
        return take_rows(self, slice(galaxies))


@dataclass(frozen=True)
class Simulator:
    """Scenes by number: `simulator.block(7, 64)` is the same wherever and whenever it is drawn.

    Without the materials that its settings name, what these would give follows the laws.
    """

    settings: SimulationSettings
    seed: int
    materials: Materials = NONE

    def size(self, group: int) -> int:
        """The frame size [pixel] that all blocks of a group share."""
        sizes = self.settings.scene.sizes
        return int(np.random.default_rng((self.seed, group)).choice(np.array(sizes)))

    def block(self, number: int, size: int, observation: int = 0) -> Scenes:
        """The scenes of one block, in frames of `size` pixels, as one of its observations."""
        light = draw_light(self.settings, self.materials, self.seed, number, size)
        draw = seeded_draw(self.seed, number, size, 1 + observation)
        shown = turned(draw, light) if observation else light
        return observe(self.settings, shown, draw, self.materials)

    def batch(self, step: int, galaxies: int, observations: int = 1) -> Scenes:
        """`galaxies` scenes of one size, different ones each; so many steps share their light.

        Steps 0, 1, ... of one observation each are all of other galaxies.
        """
        return self.part_of_batch(step, galaxies, range(galaxies), observations)

    def part_of_batch(
        self, step: int, galaxies: int, places: range, observations: int = 1
    ) -> Scenes:
        """The scenes at these places of a batch; no blocks are drawn but those that hold them."""
        group, observation = divmod(step, observations)
        size, first = self.size(group), group * -(-galaxies // BLOCK)
        low, high = places.start // BLOCK, -(-places.stop // BLOCK)
        blocks = [self.block(first + place, size, observation) for place in range(low, high)]
        start = places.start - low * BLOCK
        return take_rows(Scenes.cat(blocks), slice(start, start + len(places)))


def seeded_draw(*key: int) -> Draw:
    """A source of numbers for a block that follows from the key."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return Draw(BLOCK, torch.Generator().manual_seed(int(state) & (2**63 - 1)))


@lru_cache(maxsize=16)
def draw_light(
    settings: SimulationSettings, materials: Materials, seed: int, number: int, size: int
) -> Light:
    """The light of one block; the last few are kept for their further observations."""
    return lit(settings, seeded_draw(seed, number, size, 0), size, materials=materials)[1]


@torch.no_grad()
def lit(
    settings: SimulationSettings,
    draw: Draw,
    size: int,
    change: Change = as_it_is,
    materials: Materials = NONE,
) -> tuple[Target, Light]:
    """Galaxies of the prior after a change, and their light, whose target is as it was before."""
    survey, scene = settings.survey, settings.scene
    optics = Optics.draw(draw, survey, materials.stars)
    aperture = Aperture(optics.psf_fwhm, size)
    known = draw_known(draw, settings, aperture, materials.sample)
    if "effective_radius" in known:
        radius = known["effective_radius"] / survey.pixel_scale
    else:
        radius = draw_radius(draw, settings.prior, survey, aperture)
    whole = Target(draw_targets(draw, settings.prior, radius, known), radius, optics.psf_fwhm)
    target = change(draw, whole, settings)
    around = draw_neighbours(draw, target.profile, scene, aperture, target.radius)
    everything = Sersic.cat(target.profile, around)
    images = render_in_groups(everything, optics.psf, (size, size), optics.finer)
    light = Light(images, whole.profile, target.radius, optics, known.get("magnitude"))
    return target, light


@torch.no_grad()
def observe(
    settings: SimulationSettings, light: Light, draw: Draw, materials: Materials = NONE
) -> Scenes:
    """The light in some brightness, on a sky that was not wholly subtracted, with noise."""
    scene, size = settings.scene, light.images.shape[-1]
    sky = draw_sky(settings, draw, size, materials.skies)
    noise = sky.noise
    optics = light.optics
    if light.magnitude is None:
        flux = draw_flux(draw, settings, light.radius, optics.psf_fwhm, noise.sky_sigma)
    else:
        flux = magnitude_to_flux(light.magnitude, settings.survey.zero_point)
    seen, residual = sky.under(draw, light.images * flux[:, None, None])
    told = optics.psf_fwhm * (1 + draw.normal(scene.psf_error))
    told = told.masked_fill(draw.share() < scene.psf_unknown_share, torch.nan)
    error = draw.normal(scene.concentration_error)
    shape = (optics.concentration + error).clamp(LEAST_SHARE, 1)
    hidden = told.isnan() | (draw.share() < scene.concentration_unknown_share)
    shape = shape.masked_fill(hidden, torch.nan)
    target = replace(light.target, flux=light.target.flux * flux[:, None])
    values = describe(target, light.radius)
    values |= {"sky_residual": residual, "psf_fwhm": optics.psf_fwhm}
    bad = draw_masks(draw, scene, size)
    return Scenes(seen, bad, told, shape, noise, target, optics.psf, values)


def turned(draw: Draw, light: Light) -> Light:
    """The light of a block in one other orientation."""
    which = int(torch.randint(1, len(SYMMETRIES), (), generator=draw.generator))
    symmetry = SYMMETRIES[which]
    return replace(
        light,
        images=symmetry.of(light.images).contiguous(),
        target=light.target.turned(symmetry),
        optics=light.optics.turned(symmetry),
    )
