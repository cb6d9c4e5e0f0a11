"""Light inside circles around the target: what crop and head know before any convolution."""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gampen.network.resampling import resample_along_axes

RADII = (1.5, 2.2, 3.2, 4.7, 6.9, 10.0, 15.0, 22.0, 32.0, 47.0, 69.0, 100.0)  # [pixel]
CENTRED = 8  # of these circles, the smaller ones, lie about the target; others about the frame
STAMP = 49  # [pixel] side of the square that holds them
RINGED = (0.1, 0.16, 0.25, 0.36, 0.5, 0.7, 0.85, 1.0)  # radii of circles in a crop, in half-sides


@lru_cache(maxsize=64)
def discs(
    height: int, width: int, radii: tuple[float, ...], device: torch.device
) -> Float[Tensor, "radius pixel"]:
    """Share of each pixel inside each circle, with edges one pixel soft."""
    y = torch.arange(height, device=device) - (height - 1) / 2
    x = torch.arange(width, device=device) - (width - 1) / 2
    distance = torch.hypot(y[:, None], x[None, :]).flatten()
    edges = torch.tensor(radii, device=device)
    return (edges[:, None] - distance[None, :] + 0.5).clamp(0, 1)


def summed(
    pixels: Float[Tensor, "galaxy ... pixel"], shares: Float[Tensor, "sum pixel"]
) -> Float[Tensor, "galaxy ... sum"]:
    """The pixels of each galaxy summed by their shares.

    Products with a matrix of so few columns as `pixels @ shares.T` may have would round a galaxy's
    sums otherwise in the first place of a group than in the second; those with rows do not.
    """
    return functional.linear(pixels, shares)


def _signal(
    pixels: Float[Tensor, "galaxy 1 height width"], radii: tuple[float, ...]
) -> Float[Tensor, "galaxy radius"]:
    inside = discs(*pixels.shape[-2:], radii, pixels.device)
    return torch.asinh(summed(pixels.flatten(1), inside) / inside.square().sum(dim=1).sqrt())


def aperture_signal(
    pixels: Float[Tensor, "galaxy 1 height width"], centre: Float[Tensor, "galaxy 2"]
) -> Float[Tensor, "galaxy radius"]:
    """arcsinh of the signal-to-noise ratio of the light inside circles of `RADII`."""
    stamp = resample_along_axes(pixels, centre, torch.ones_like(centre[:, 0]), STAMP)
    near, far = _signal(stamp, RADII[:CENTRED]), _signal(pixels, RADII[CENTRED:])
    return torch.cat([near, far], dim=1)


def crop_signal(
    pixels: Float[Tensor, "galaxy 1 crop crop"], sampling: Float[Tensor, " galaxy"]
) -> Float[Tensor, "galaxy ring"]:
    """arcsinh of the signal-to-noise ratio inside circles that grow with the crop."""
    radii = tuple(share * pixels.shape[-1] / 2 for share in RINGED)
    inside = discs(*pixels.shape[-2:], radii, pixels.device)
    noise = inside.square().sum(dim=1).sqrt()
    return torch.asinh(summed(pixels.flatten(1), inside) * sampling[:, None] / noise)


def growth_shape(signal: Float[Tensor, "galaxy radius"]) -> Float[Tensor, "galaxy radius"]:
    """An `aperture_signal` below its highest value: how light grows, whatever its brightness."""
    return signal - signal.amax(dim=1, keepdim=True)
