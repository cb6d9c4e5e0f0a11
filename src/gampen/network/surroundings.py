"""What a frame shows beyond the crop: its sky, in rings around it.

A crop of a few radii leaves the sky's level to be guessed, and with it the wings of the galaxy: at
any brightness, whoever saw the crop alone would know the flux 1.4 times less well.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d

from gampen.network.crop import Crop

RINGS = 6
RATIO = 1.5  # of each ring's radius to the one before; the first begins where the crop ends
CLIPS = (3.0, 1.0)  # [sky sigma] beyond which a place counts as much as at it
PLACES = 48  # rows and columns, at least, that a frame is averaged to
STRETCH, LIMIT = 20.0, 4.0
NUMBERS = RINGS * (len(CLIPS) + 1)


@torch.no_grad()
def surroundings(
    pixels: Float[Tensor, "galaxy 1 height width"], crop: Crop
) -> Float[Tensor, "galaxy number"]:
    """Mean clipped brightness in rings outside of each crop, and ln of each ring's pixels.

    Rings that the frame does not hold are nought.
    """
    height, width = pixels.shape[-2:]
    side = max(1, min(height, width) // PLACES)
    seen = avg_pool2d(pixels[:, 0], side)
    y, x = (
        (_axis(count, side, seen.device) - (length - 1) / 2 - shift * (length / 2))
        * (2 / crop.side[:, None])
        for count, length, shift in (
            (seen.shape[1], height, crop.theta[:, 1:, 2]),
            (seen.shape[2], width, crop.theta[:, :1, 2]),
        )
    )
    square = y.square()[:, :, None] + x.square()[:, None, :]
    rank = (square.log() / (2 * math.log(RATIO))).clamp(0, RINGS - 1)
    ring = rank.nan_to_num(RINGS - 1).long()
    inside = (y.abs() <= 1)[:, :, None] & (x.abs() <= 1)[:, None, :]
    place = ring.masked_fill(inside, RINGS).flatten(1)
    counts = _by_ring(torch.ones_like(seen), place)
    sums = [_by_ring(seen.clamp(-clip / side, clip / side), place) for clip in CLIPS]
    means = [STRETCH * total / counts.clamp(min=1) for total in sums]
    told = torch.cat([*means, (1 + counts * side**2).log() / 5], dim=1)
    return told.clamp(-LIMIT, LIMIT)


def _axis(count: int, side: int, device: torch.device) -> Float[Tensor, " place"]:
    """The centres [pixel] of so many averaged places, from the frame's first pixel."""
    return torch.arange(count, device=device) * side + (side - 1) / 2


def _by_ring(
    values: Float[Tensor, "galaxy height width"], place: Int[Tensor, "galaxy place"]
) -> Float[Tensor, "galaxy ring"]:
    """The sum of values in each ring; one more, which is dropped, takes what is in the crop."""
    sums = values.new_zeros(len(values), RINGS + 1)
    return sums.scatter_add(1, place, values.flatten(1))[:, :-1]
