"""Scenes: target, neighbours, PSF, sky residual and noise, reproducible by their index.

Scenes come in blocks of a few galaxies that share a frame size; a block follows from the seed, its
number and that size alone, so any part of a set can be drawn again, in any order and on any number
of workers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gampen.parameters import ParameterSpace
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic, half_light_radius
from gampen.settings import SimulationSettings
from gampen.simulation.masks import draw_masks
from gampen.simulation.priors import Draw, draw_neighbours, draw_targets

BLOCK = 16
WELL_SAMPLED = 2.5  # [pixel] FWHM below which a PSF carries frequencies beyond the pixel's own


@dataclass(frozen=True)
class Scenes:
    """Simulated frames of one size with their truths.

    `images` [image units]; `bad` pixels hold no light to be believed; `psf_fwhm` [pixel] as told,
    NaN where not; `sky_sigma` [image units] as drawn; `values`: every known quantity of each
    target, lengths in pixels and fluxes in image units.
    """

    images: Float[Tensor, "galaxy height width"]
    bad: Bool[Tensor, "galaxy height width"]
    psf_fwhm: Float[Tensor, " galaxy"]
    sky_sigma: Float[Tensor, " galaxy"]
    values: dict[str, Float[Tensor, " galaxy"]]

    def truth(self, space: ParameterSpace) -> Float[Tensor, "galaxy parameter"]:
        """The values of a space's parameters, in pixels and image units."""
        return torch.stack([self.values[name] for name in space.names], dim=1)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.images)

    @classmethod
    def cat(cls, parts: list[Scenes]) -> Scenes:
        """Several sets of scenes of one frame size as one."""
        names = [name for name in vars(parts[0]) if name != "values"]
        joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        values = {k: torch.cat([part.values[k] for part in parts]) for k in parts[0].values}
        return cls(**joined, values=values)

    def first(self, galaxies: int) -> Scenes:
        """The first galaxies of the set."""
        cut = {name: v[:galaxies] for name, v in vars(self).items() if name != "values"}
        return Scenes(**cut, values={name: v[:galaxies] for name, v in self.values.items()})


@dataclass(frozen=True)
class Simulator:
    """Scenes by number: `simulator.block(7)` is the same wherever and whenever it is drawn."""

    settings: SimulationSettings
    seed: int

    def size(self, group: int) -> int:
        """The frame size [pixel] that all blocks of a group share."""
        sizes = self.settings.scene.sizes
        return int(np.random.default_rng((self.seed, group)).choice(np.array(sizes)))

    @torch.no_grad()
    def block(self, number: int, size: int) -> Scenes:
        """The scenes of one block, in frames of `size` pixels."""
        key = np.random.SeedSequence((self.seed, number, size)).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(key) & (2**63 - 1))
        return self._scenes(Draw(BLOCK, generator), size)

    def batch(self, group: int, galaxies: int) -> Scenes:
        """`galaxies` scenes of one size, those of the group's own blocks."""
        blocks = -(-galaxies // BLOCK)
        size = self.size(group)
        parts = [self.block(group * blocks + place, size) for place in range(blocks)]
        return Scenes.cat(parts).first(galaxies)

    def _scenes(self, draw: Draw, size: int) -> Scenes:
        survey, scene = self.settings.survey, self.settings.scene
        target = draw_targets(draw, self.settings.prior, survey)
        around = draw_neighbours(draw, target, scene, survey, size)
        fwhm = draw.uniform(survey.psf_fwhm) / survey.pixel_scale
        psf = Moffat(fwhm, draw.uniform(survey.psf_beta))
        finer = 2 if survey.psf_fwhm[0] < WELL_SAMPLED * survey.pixel_scale else 1
        galaxies = Sersic.cat(target, around)
        clean = render(galaxies, psf, (size, size), scene.padding, finer, wings=False)
        sigma, gain = draw.log_uniform(survey.sky_sigma), draw.log_uniform(survey.gain)
        images = self._observe(draw, clean, sigma, gain)
        told = fwhm * (1 + draw.normal(scene.psf_error))
        hidden = draw.uniform((0.0, 1.0)) < scene.psf_unknown_share
        told = told.masked_fill(hidden, torch.nan)
        return Scenes(images, draw_masks(draw, scene, size), told, sigma, describe(target))

    def _observe(
        self,
        draw: Draw,
        clean: Float[Tensor, "galaxy height width"],
        sigma: Float[Tensor, " galaxy"],
        gain: Float[Tensor, " galaxy"],
    ) -> Float[Tensor, "galaxy height width"]:
        """The light with a sky residual, sky noise and its own Poisson noise.

        The latter is drawn from a normal: it matters only where light is thousands of electrons.
        """
        residual = draw.normal(self.settings.scene.sky_residual) * sigma
        variance = sigma[:, None, None] ** 2 + clean.clamp(min=0) / gain[:, None, None]
        noise = draw.normal(1.0, *clean.shape[1:])
        return clean + residual[:, None, None] + noise * variance.sqrt()


def describe(target: Sersic) -> dict[str, Float[Tensor, " galaxy"]]:
    """Every quantity of bulge + disk targets that an estimator may be asked for."""
    flux = target.flux.sum(dim=1)
    values = {
        "bulge_to_total": target.flux[:, 0] / flux,
        "effective_radius": half_light_radius(target),
        "flux": flux,
    }
    for place, part in enumerate(("bulge", "disk")):
        for name in ("flux", "effective_radius", "index", "axis_ratio", "angle"):
            values[f"{part}_{name}"] = getattr(target, name)[:, place]
    return values
