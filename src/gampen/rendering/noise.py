"""The noise of an image: its variance, and how drizzling and coaddition correlate it.

White noise is smoothed along both axes. The kernel is `[a, 1, a] / sqrt(1 + 2 a^2)` along each, so
the variance of a pixel stays one. For a < 1/2 its transfer is positive, and the noise can be
whitened again.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.settings import NOISE_CORRELATION


def correlate(
    white: Float[Tensor, "galaxy padded_height padded_width"], strength: Float[Tensor, " galaxy"]
) -> Float[Tensor, "galaxy height width"]:
    """Noise of unit variance whose next pixels are alike, from white noise one pixel larger around.

    `strength` is the kernel's a, in [0, 0.5): neighbouring pixels correlate by 2a / (1 + 2a^2).
    """
    a = strength[:, None, None]
    rows = torch.addcmul(white[:, 1:-1], a, white[:, :-2] + white[:, 2:])
    both = torch.addcmul(rows[..., 1:-1], a, rows[..., :-2] + rows[..., 2:])
    return both / (1 + 2 * a.square())


def strength_of(correlation: float) -> float:
    """The strength whose neighbouring pixels correlate by so much, within what strengths may be."""
    low, high = NOISE_CORRELATION
    most = 2 * high / (1 + 2 * high**2)
    if correlation >= most:
        return high
    share = max(correlation, 0.0)
    return (1 - math.sqrt(1 - 2 * share**2)) / (2 * share) if share else low


def noise_variance(
    light: Float[Tensor, "galaxy height width"],
    sky_sigma: Float[Tensor, " galaxy"],
    gain: Float[Tensor, " galaxy"],
) -> Float[Tensor, "galaxy height width"]:
    """The variance of each pixel: that of the sky, and of the photons of the light.

    `sky_sigma` [image units / pixel]; `gain` [electron / image unit].
    """
    return sky_sigma.square()[:, None, None] + light.clamp(min=0) / gain[:, None, None]


def noise_transfer(
    k: Float[Tensor, " k"], strength: Float[Tensor, "galaxy 1"]
) -> Float[Tensor, "galaxy k"]:
    """Factors by which the kernel carries each angular frequency [radian / pixel] of one axis."""
    return (1 + 2 * strength * torch.cos(k)) / (1 + 2 * strength.square()).sqrt()
