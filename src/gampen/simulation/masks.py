"""Masks as surveys make them: dead pixels and columns, discs over stars, footprints that end."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from gampen.pixels import SMALLEST_GOOD_SHARE
from gampen.settings import SceneSettings
from gampen.simulation.priors import Draw

DISCS = 4
CLEAR_CENTRE = 3.0  # [pixel] around the frame's centre that stay good
FOOTPRINT_SHARE = 0.3


def draw_masks(draw: Draw, scene: SceneSettings, size: int) -> Bool[Tensor, "galaxy height width"]:
    """Bad pixels of each frame: none in most, else discs and columns, or all beyond a circle.

    A frame that would be refused for having too few good pixels stays whole.
    """
    bad = torch.zeros(draw.galaxies, size, size, dtype=torch.bool)
    (masked,) = (draw.share() < scene.masked_share).nonzero(as_tuple=True)
    if len(masked):
        bad[masked] = _masks(Draw(len(masked), draw.generator), scene, size)
    return bad


def _masks(draw: Draw, scene: SceneSettings, size: int) -> Bool[Tensor, "galaxy height width"]:
    footprint = (draw.share() < FOOTPRINT_SHARE)[:, None, None]
    place = torch.arange(size) - (size - 1) / 2
    from_centre = torch.hypot(place[:, None], place[None, :])
    edge = draw.uniform((size / 4, size / 2))[:, None, None]
    spots = _discs(draw, scene, size) | _columns(draw, scene, size)
    bad = torch.where(footprint, from_centre > edge, spots) & (from_centre > CLEAR_CENTRE)
    enough = (~bad).float().mean(dim=(1, 2), keepdim=True) >= SMALLEST_GOOD_SHARE
    return bad & enough


def _discs(draw: Draw, scene: SceneSettings, size: int) -> Bool[Tensor, "galaxy height width"]:
    x, y = (draw.uniform((-size / 2, size / 2), DISCS, 1, 1) for _ in "xy")
    radius = draw.log_uniform(scene.mask_radius, DISCS, 1, 1)
    place = torch.arange(size) - (size - 1) / 2
    return (torch.hypot(place[:, None] - y, place[None, :] - x) < radius).any(dim=1)


def _columns(draw: Draw, scene: SceneSettings, size: int) -> Bool[Tensor, "galaxy 1 width"]:
    dead = draw.share() < scene.dead_columns
    column = torch.randint(size, (draw.galaxies,), generator=draw.generator)
    return (dead[:, None] & (torch.arange(size) == column[:, None]))[:, None, :]
