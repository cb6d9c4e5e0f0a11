"""Light inside centred circles: what the crop and the head know before any convolution."""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

RADII = (1.5, 2.2, 3.2, 4.7, 6.9, 10.0, 15.0, 22.0, 32.0, 47.0, 69.0, 100.0)  # [pixel]


@lru_cache(maxsize=64)
def _discs(height: int, width: int, device: torch.device) -> Float[Tensor, "pixel radius"]:
    """Share of each pixel inside each circle, with edges one pixel soft."""
    y = torch.arange(height, device=device) - (height - 1) / 2
    x = torch.arange(width, device=device) - (width - 1) / 2
    distance = torch.hypot(y[:, None], x[None, :]).flatten()
    radii = torch.tensor(RADII, device=device)
    return (radii[None, :] - distance[:, None] + 0.5).clamp(0, 1)


def aperture_signal(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy radius"]:
    """arcsinh of the signal-to-noise ratio of the light inside each centred circle."""
    discs = _discs(*pixels.shape[-2:], pixels.device)
    total = pixels.flatten(1) @ discs
    return torch.asinh(total / discs.square().sum(dim=0).sqrt())


def growth_shape(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy radius"]:
    """`aperture_signal` below its highest value: how light grows, whatever its brightness."""
    signal = aperture_signal(pixels)
    return signal - signal.amax(dim=1, keepdim=True)
