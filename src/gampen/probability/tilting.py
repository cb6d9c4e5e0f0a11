"""A mixture times a function: what a posterior becomes under another prior.

Importance weights of draws from each component move its weight, mean and covariance (Bishop 2006,
Pattern Recognition and Machine Learning, 11.1.4); the whole mean and covariance are those of the
weighted draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.probability.mixtures import GaussianMixture

LEAST_LOG_WEIGHT = -60.0
LEAST_DRAWS = 30.0  # effective draws of a component, below which it keeps its covariance

POINTS = 2**20  # worked on at a time

LogFactor = Callable[
    [Float[Tensor, "draw galaxy component parameter"]], Float[Tensor, "draw galaxy component"]
]


@dataclass(frozen=True)
class Tilted:
    """The new mixture, and of how many equally weighted draws, as a share, it is worth."""

    mixture: GaussianMixture
    effective: Float[Tensor, " galaxy"]


def tilt(mixture: GaussianMixture, log_factor: LogFactor, draws: int, seed: int) -> Tilted:
    """The mixture multiplied by a positive function of the points, from seeded draws.

    A component that the function leaves (next to) nothing of keeps its place and loses its weight;
    a galaxy of which it leaves nothing at all stays as it is, worth nothing.
    """
    size = max(1, POINTS // (draws * mixture.components))
    parts = []
    for start in range(0, len(mixture), size):
        generator = torch.Generator().manual_seed(seed)
        part = mixture.select(slice(start, start + size))
        parts.append(_tilt(part, log_factor, draws, generator))
    if not parts:
        return Tilted(mixture, torch.zeros(0, dtype=mixture.means.dtype))
    whole = GaussianMixture.cat([part.mixture for part in parts])
    return Tilted(whole, torch.cat([part.effective for part in parts]))


def _tilt(
    mixture: GaussianMixture, log_factor: LogFactor, draws: int, generator: torch.Generator
) -> Tilted:
    """The tilted mixture of a few galaxies, which share the draws."""
    like = mixture.means
    half = torch.randn(
        (-(-draws // 2), 1, mixture.components, mixture.parameters),
        generator=generator,
        dtype=like.dtype,
    ).to(like.device)
    normal = torch.cat([half, -half])
    points = like + (mixture.covariance_factors @ normal.unsqueeze(-1)).squeeze(-1)
    factor = log_factor(points)
    top = factor.amax(dim=0).clamp(min=torch.finfo(like.dtype).min / 2)
    weight = (factor - top).exp()
    mean_weight = weight.mean(dim=0)
    weighed = mixture.log_weights + top + mean_weight.log()
    nothing_left = weighed.isinf().all(dim=-1, keepdim=True)
    log_weights = torch.log_softmax(torch.where(nothing_left, mixture.log_weights, weighed), dim=-1)
    log_weights = log_weights.clamp(min=LEAST_LOG_WEIGHT)
    share = weight / weight.sum(dim=0).clamp(min=torch.finfo(like.dtype).tiny)
    return Tilted(_moved(mixture, points, share, log_weights), _effective(share, log_weights))


def _moved(
    mixture: GaussianMixture, points: Tensor, share: Tensor, log_weights: Tensor
) -> GaussianMixture:
    """The mixture with the weighted draws' moments, where there are draws enough."""
    enough = (1 / share.square().sum(dim=0).clamp(min=1e-12) > LEAST_DRAWS) & share.any(dim=0)
    means = (share.unsqueeze(-1) * points).sum(dim=0)
    offsets = points - means
    second = torch.einsum("dgk,dgkp,dgkq->gkpq", share, offsets, offsets)
    covariances = torch.where(enough[..., None, None], second, mixture.covariances)
    means = torch.where(share.any(dim=0)[..., None], means, mixture.means)
    found = GaussianMixture.from_covariances(log_weights.exp(), means, covariances)
    return GaussianMixture(log_weights, found.means, found.precision_cholesky)


def _effective(share: Tensor, log_weights: Tensor) -> Float[Tensor, " galaxy"]:
    """Effective over actual draws, components counting by their new weights."""
    worth = 1 / (len(share) * share.square().sum(dim=0)).clamp(min=1.0)
    return (log_weights.exp() * worth * share.any(dim=0)).sum(dim=-1)
