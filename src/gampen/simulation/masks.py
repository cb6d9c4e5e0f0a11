"""Masks as surveys make them: discs over stars and artefacts, and footprints that end early."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from gampen.cutouts import SMALLEST_GOOD_SHARE
from gampen.settings import SceneSettings
from gampen.simulation.priors import Draw

DISCS = 3
CLEAR_CENTRE = 3.0  # [pixel] around the target's centre that stay good
FOOTPRINT_SHARE = 0.3


def draw_masks(draw: Draw, scene: SceneSettings, size: int) -> Bool[Tensor, "galaxy height width"]:
    """Bad pixels of each frame: none in most, else discs or all beyond a circle.

    A frame that would be refused for having too few good pixels stays whole.
    """
    if scene.masked_share == 0:
        return torch.zeros(draw.galaxies, size, size, dtype=torch.bool)
    masked = (draw.uniform((0.0, 1.0)) < scene.masked_share)[:, None, None]
    footprint = (draw.uniform((0.0, 1.0)) < FOOTPRINT_SHARE)[:, None, None]
    place = torch.arange(size) - (size - 1) / 2
    from_centre = torch.hypot(place[:, None], place[None, :])
    edge = draw.uniform((size / 4, size / 2))[:, None, None]
    bad = torch.where(footprint, from_centre > edge, _discs(draw, scene, size))
    enough = (~bad).float().mean(dim=(1, 2), keepdim=True) >= SMALLEST_GOOD_SHARE
    return bad & masked & enough & (from_centre > CLEAR_CENTRE)


def _discs(draw: Draw, scene: SceneSettings, size: int) -> Bool[Tensor, "galaxy height width"]:
    x, y = (draw.uniform((-size / 2, size / 2), DISCS, 1, 1) for _ in "xy")
    radius = draw.uniform(scene.mask_radius, DISCS, 1, 1)
    place = torch.arange(size) - (size - 1) / 2
    return (torch.hypot(place[:, None] - y, place[None, :] - x) < radius).any(dim=1)
