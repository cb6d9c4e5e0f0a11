"""Stretches: from linear pixels to numbers that a network reads well at any brightness."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

NOISE_GAIN = 0.3
SHAPE_SOFTENING = 0.05


def noise_stretch(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy 1 height width"]:
    """arcsinh of the pixels in units of their noise: linear if faint, logarithmic if bright."""
    return torch.asinh(pixels) * NOISE_GAIN


def shape_stretch(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy 1 height width"]:
    """arcsinh of the pixels over the brightness of the centre: the same at any brightness."""
    size = pixels.shape[-1]
    middle = slice(size * 3 // 8 - 1, size * 5 // 8 + 1)
    smooth = functional.avg_pool2d(pixels[..., middle, middle], 3, 1)
    peak = smooth.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    return torch.asinh(pixels / (SHAPE_SOFTENING * peak)) * 0.5


def stretch(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy 2 height width"]:
    """Both stretches, as two channels."""
    return torch.cat([noise_stretch(pixels), shape_stretch(pixels)], dim=1)
