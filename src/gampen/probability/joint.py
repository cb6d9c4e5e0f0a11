"""What is said of several parameters at once: covariances of values, joint credible levels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.probability.bijections import Bijection
from gampen.probability.densities import slices
from gampen.probability.mixtures import GaussianMixture
from gampen.probability.moments import gaussian_covariance, gaussian_moments

_GALAXIES, _DENSITIES = 256, 2**17  # worked on at a time, so that memory stays bounded


def value_covariance(
    mixture: GaussianMixture, bijections: Sequence[Bijection]
) -> Float[Tensor, "galaxy parameter parameter"]:
    """The covariance of the physical values whose unconstrained points follow the mixture."""
    parts = (mixture.select(part) for part in slices(len(mixture), _GALAXIES))
    return torch.cat([_value_covariance(part, bijections) for part in parts])


def joint_level(
    mixture: GaussianMixture,
    points: Float[Tensor, "galaxy parameter"],
    draws: int,
    generator: torch.Generator,
) -> Float[Tensor, " galaxy"]:
    """The probability of the region of all points of higher density than the given one.

    Exact (a chi-squared) for one component. Else the share of draws with a higher density, whose
    standard error is `sqrt(level (1 - level) / draws)`.
    """
    if mixture.components == 1:
        peak = mixture.component_log_prob(mixture.means[:, 0])
        half_square = (peak - mixture.component_log_prob(points))[:, 0]
        half_dimension = torch.full_like(half_square, 0.5 * mixture.parameters)
        exact: Tensor = torch.special.gammainc(half_dimension, half_square)
        return exact
    size = max(1, _DENSITIES // draws)
    levels = []
    for part in slices(len(mixture), size):
        near = mixture.select(part)
        higher = near.log_prob(near.sample(draws, generator)) > near.log_prob(points[part])
        levels.append(higher.to(points.dtype).mean(dim=0))
    return torch.cat(levels)


def conditional_epistemic(
    epistemic: Float[Tensor, "galaxy parameter parameter"],
    total: Float[Tensor, "galaxy parameter parameter"],
    given: Sequence[int],
) -> Float[Tensor, "galaxy free free"]:
    """The epistemic covariance of the parameters that are not given, once the others are.

    To first order: a network draw that moves the means moves the conditional mean by the regression
    of the free parameters on the given ones, taken from the `total` covariance.
    """
    free = [index for index in range(total.shape[-1]) if index not in given]
    regression = torch.linalg.solve(total[:, given][..., given], total[:, given][..., free]).mT
    move = torch.zeros_like(total[:, free])
    move[..., free] = torch.eye(len(free), dtype=total.dtype)
    move[..., given] = -regression
    return move @ epistemic @ move.mT


def moved_epistemic(
    epistemic: Float[Tensor, "galaxy parameter parameter"],
    before: GaussianMixture,
    after: GaussianMixture,
) -> Float[Tensor, "galaxy parameter parameter"]:
    """The epistemic covariance once a factor has changed the mixture, to first order.

    A network draw that moves the old mean by d moves the new one by `C_after C_before^-1 d`, as it
    does for Gaussians.
    """
    move = torch.linalg.solve(before.covariance, after.covariance).mT
    moved: Tensor = move @ epistemic @ move.mT
    return moved


def _value_covariance(
    mixture: GaussianMixture, bijections: Sequence[Bijection]
) -> Float[Tensor, "galaxy parameter parameter"]:
    """The covariance within the components, by pairs of parameters, and between them."""
    means, covariances = mixture.means, mixture.covariances
    within = torch.zeros_like(covariances)
    centres = torch.zeros_like(means)
    for one, bijection in enumerate(bijections):
        deviation = covariances[..., one, one].sqrt()
        moments = gaussian_moments(bijection, means[..., one], deviation)
        centres[..., one], within[..., one, one] = moments.mean, moments.second
        for other in range(one):
            pair = [other, one]
            entry = gaussian_covariance(
                (bijections[other], bijection),
                means[..., pair],
                covariances[..., pair, :][..., pair],
            )
            within[..., one, other] = within[..., other, one] = entry
    weights = mixture.log_weights.exp()[..., None, None]
    offsets = centres - (weights[..., 0] * centres).sum(dim=1, keepdim=True)
    between = offsets.unsqueeze(-1) * offsets.unsqueeze(-2)
    return (weights * (within + between)).sum(dim=1)
