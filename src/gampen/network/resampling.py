"""Frames seen through an affine map, without aliasing and without losing light.

Where the map keeps the axes, a crop pixel gets the light that falls inside it, the frame being read
as piecewise linear: the crop is `A_y I A_x^T` with A the overlaps of crop pixels with hat
functions. Light is conserved exactly, and what is too fine for the crop is averaged, not skipped.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

PYRAMID_LEVELS = 3


def overlaps(
    centre: Float[Tensor, " galaxy"],
    sampling: Float[Tensor, " galaxy"],
    length: int,
    crop_size: int,
) -> Float[Tensor, "galaxy crop length"]:
    """Shares of a frame's pixels along one axis that fall into each pixel of a crop.

    `centre` [pixel] of the crop from the frame's; `sampling` the side of a crop pixel [pixel].
    """
    like = centre
    edges = torch.arange(crop_size + 1, dtype=like.dtype, device=like.device) - crop_size / 2
    places = torch.arange(length, dtype=like.dtype, device=like.device) - (length - 1) / 2
    along = centre[:, None] + sampling[:, None] * edges
    distance = (along[:, :, None] - places).clamp(-1, 1)
    # the hat function's integral, up to a constant
    return torch.addcmul(distance, distance, distance.abs(), value=-0.5).diff(dim=1)


def resample_along_axes(
    pixels: Float[Tensor, "galaxy 1 height width"],
    centre: Float[Tensor, "galaxy 2"],
    sampling: Float[Tensor, " galaxy"],
    crop_size: int,
) -> Float[Tensor, "galaxy 1 crop crop"]:
    """Mean brightness [input pixel] of square crop pixels; `centre` is (x, y) [pixel]."""
    along_x = overlaps(centre[:, 0], sampling, pixels.shape[-1], crop_size)
    along_y = overlaps(centre[:, 1], sampling, pixels.shape[-2], crop_size)
    light = torch.bmm(torch.bmm(along_y, pixels[:, 0]), along_x.mT)
    return (light / sampling.square()[:, None, None])[:, None]


def resample_by_grid(
    pixels: Float[Tensor, "galaxy 1 height width"],
    theta: Float[Tensor, "galaxy 2 3"],
    sampling: Float[Tensor, " galaxy"],
    crop_size: int,
) -> Float[Tensor, "galaxy 1 crop crop"]:
    """Frames seen through any affine map from the crop's square to the frame's.

    Bilinear look-up alone would skip pixels when it shrinks; here it reads a pyramid of averages
    over 1, 2 and 4 pixels, blended in log2 of the shrinkage (Williams 1983,
    doi:10.1145/964967.801126).
    """
    height, width = pixels.shape[-2:]
    grid = functional.affine_grid(
        theta, [len(pixels), 1, crop_size, crop_size], align_corners=False
    )
    level = sampling.clamp(min=1).log2().clamp(max=PYRAMID_LEVELS - 1)
    crop = torch.zeros(len(pixels), 1, crop_size, crop_size, device=pixels.device)
    for step in range(PYRAMID_LEVELS):
        weight = (1 - (level - step).abs()).clamp(min=0)
        if not bool(weight.any()):
            continue
        averaged = functional.avg_pool2d(pixels, 2**step) if step else pixels
        seen = functional.grid_sample(
            averaged, _on_pooled(grid, height, width, 2**step), align_corners=False
        )
        crop = crop + seen * weight[:, None, None, None]
    return crop


def _on_pooled(
    grid: Float[Tensor, "galaxy crop_height crop_width 2"], height: int, width: int, pool: int
) -> Float[Tensor, "galaxy crop_height crop_width 2"]:
    """The same places on a pooled frame, whose last, incomplete pixels were dropped."""
    if pool == 1:
        return grid
    kept = torch.tensor([width // pool * pool, height // pool * pool], device=grid.device)
    full = torch.tensor([width, height], device=grid.device)
    return ((grid + 1) * full / kept) - 1


def frame_side(pixels: Float[Tensor, "galaxy 1 height width"]) -> float:
    """Side [pixel] of the square that has the frame's area."""
    return math.sqrt(pixels.shape[-2] * pixels.shape[-1])
