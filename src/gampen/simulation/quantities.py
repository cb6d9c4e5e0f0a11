"""What is known of simulated galaxies: every quantity that may be a parameter, by its name."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.rendering.sersic import Sersic

ROUNDEST = 1 - 1e-6  # the logarithmic odds of 1 are infinite


def describe(
    target: Sersic, radius: Float[Tensor, " galaxy"]
) -> dict[str, Float[Tensor, " galaxy"]]:
    """Every quantity of targets of those radii that may be asked for, of one profile or of two."""
    flux = target.flux.sum(dim=1)
    values = {"effective_radius": radius, "flux": flux, "x": target.x[:, 0], "y": target.y[:, 0]}
    if target.flux.shape[1] == 1:
        semi_major_axis = target.effective_radius[:, 0]
        return values | {"semi_major_axis": semi_major_axis} | shape_of(target, 0, "")
    values = {"bulge_to_total": target.flux[:, 0] / flux} | values
    for place, part in enumerate(("bulge", "disk")):
        for name in ("flux", "effective_radius"):
            values[f"{part}_{name}"] = getattr(target, name)[:, place]
        values |= shape_of(target, place, f"{part}_")
    return values


def shape_of(target: Sersic, place: int, prefix: str) -> dict[str, Float[Tensor, " galaxy"]]:
    """Index, axis ratio, angle and elongation (`gampen.parameters.built_in`) of a component."""
    axis_ratio, angle = target.axis_ratio[:, place], target.angle[:, place]
    length, twice = (-axis_ratio.log()).clamp(min=0).sqrt(), torch.deg2rad(2 * angle)
    return {
        f"{prefix}index": target.index[:, place],
        f"{prefix}axis_ratio": axis_ratio.clamp(max=ROUNDEST),
        f"{prefix}angle": angle,
        f"{prefix}elongation_1": length * twice.cos(),
        f"{prefix}elongation_2": length * twice.sin(),
    }
