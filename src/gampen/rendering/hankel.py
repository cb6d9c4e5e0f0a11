"""Hankel transforms of radial profiles, from their Mellin transforms, as tables over (shape, ln k).

By Parseval's theorem for the Mellin transform, the two-dimensional Fourier transform of a radial
profile f is a contour integral,

    H(k) = (1 / 2 pi i) * integral over Re s = c of M(2 - s) J(s) k^-s ds,

with M the Mellin transform of f and J(s) = 2^(s-1) Gamma(s/2) / Gamma(1 - s/2) that of the Bessel
function J0. The integrand decays exponentially along the contour, so the trapezoidal rule converges
exponentially (Trefethen & Weideman 2014, doi:10.1137/130932132) where quadrature in radius fights
an oscillating, slowly falling integrand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

CONTOUR = 1.0
CONTOUR_STEP = 0.125
CONTOUR_NODES = 400
LOG_K_RANGE = (math.log(1e-4), math.log(2e3))
LOG_K_NODES = 2048
SHAPE_NODES = 81

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_SHIFT = 10

LogMellin = Callable[[Complex[Tensor, "shape node"], Float[Tensor, "shape 1"]], Tensor]


def log_gamma(z: Complex[Tensor, "*any"]) -> Complex[Tensor, "*any"]:
    """ln Gamma(z) for Re z > 0 up to multiples of 2 pi i, by Stirling's series after a shift."""
    shift = torch.stack([(z + step).log() for step in range(_SHIFT)]).sum(0)
    z = z + _SHIFT
    series = sum(c / z ** (2 * order + 1) for order, c in enumerate(_STIRLING))
    return (z - 0.5) * z.log() - z + 0.5 * math.log(2 * math.pi) + series - shift


def transform(
    log_mellin: LogMellin, shapes: Float[Tensor, " shape"], log_k: Float[Tensor, " k"]
) -> Float[Tensor, "shape k"]:
    """The Hankel transform of a family of profiles, in float64, scaled to one at k = 0.

    `log_mellin(s, shape)` is the logarithm of the Mellin transform, up to a term in `shape` alone.
    """
    height = torch.arange(-CONTOUR_NODES, CONTOUR_NODES + 1, dtype=torch.float64) * CONTOUR_STEP
    s = torch.complex(torch.full_like(height, CONTOUR), height)[None, :]
    bessel = (s - 1) * math.log(2) + log_gamma(s / 2) - log_gamma(1 - s / 2)
    shape = shapes.to(torch.float64)[:, None]
    at_zero = log_mellin(torch.full((1, 1), 2.0, dtype=torch.complex128), shape)
    weights = (log_mellin(2 - s, shape) - at_zero + bessel).exp() * (CONTOUR_STEP / (2 * math.pi))
    return (weights @ (-s.T * log_k[None, :]).exp()).real


@dataclass(frozen=True)
class ProfileTable:
    """Transforms of a family of profiles on a grid of ln shape and ln k, read by interpolation."""

    values: Float[Tensor, "shape k"]
    log_shape_range: tuple[float, float]

    @classmethod
    def build(cls, log_mellin: LogMellin, low: float, high: float) -> ProfileTable:
        """The table of a family for shapes between `low` and `high` (0.1 s)."""
        margin = math.log(high / low) / (SHAPE_NODES - 3)
        ends = (math.log(low) - margin, math.log(high) + margin)
        log_shape = torch.linspace(*ends, SHAPE_NODES, dtype=torch.float64)
        log_k = torch.linspace(*LOG_K_RANGE, LOG_K_NODES, dtype=torch.float64)
        values = transform(log_mellin, log_shape.exp(), log_k)
        values[:, 0] = 1  # and so at k = 0, where all light counts, however far out
        return cls(values, ends)

    def rows(self, shapes: Float[Tensor, " profile"]) -> Float[Tensor, "profile k"]:
        """One table over ln k for each profile: cubic Lagrange interpolation in ln shape."""
        low, high = self.log_shape_range
        place = (shapes.log() - low) * ((SHAPE_NODES - 1) / (high - low))
        start = place.detach().floor().long().clamp(1, SHAPE_NODES - 3) - 1
        t = place - start
        weights = (
            (t - 1) * (t - 2) * (t - 3) / -6,
            t * (t - 2) * (t - 3) / 2,
            t * (t - 1) * (t - 3) / -2,
            t * (t - 1) * (t - 2) / 6,
        )
        values = self.values.to(shapes.device)
        chosen = [values[start + step].to(shapes.dtype) for step in range(4)]
        terms = [w[:, None] * row for w, row in zip(weights, chosen, strict=True)]
        return torch.stack(terms).sum(0)


def read_rows(
    rows: Float[Tensor, "profile k"],
    log_k: Float[Tensor, " profile *grid"],
    offset: Float[Tensor, " profile"],
) -> Float[Tensor, " profile *grid"]:
    """The transforms at `log_k + offset`: linear in ln k, constant beyond the table's ends."""
    low, high = LOG_K_RANGE
    scale = (LOG_K_NODES - 1) / (high - low)
    offset = (offset - low).view(-1, *[1] * (log_k.dim() - 1)) * scale
    place = torch.add(offset, log_k, alpha=scale).clamp(0, LOG_K_NODES - 1.001).flatten(1)
    index = place.detach().long()
    # value and rise side by side, as one complex number, so that one look-up fetches both
    pairs = torch.complex(rows[:, :-1], rows.diff(dim=1)).gather(1, index)
    return torch.addcmul(pairs.real, pairs.imag, place.frac()).view(log_k.shape)
