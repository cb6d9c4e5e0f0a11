"""One-dimensional Gaussian mixtures seen through a bijection, evaluated at unconstrained points.

The components lead the axes here, since sums over a long last axis are several times faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gampen.probability.bijections import Bijection


@dataclass(frozen=True)
class Density:
    """The density of a value whose unconstrained point follows a mixture, for many galaxies."""

    log_weights: Float[Tensor, "component galaxy"]
    means: Float[Tensor, "component galaxy"]
    deviations: Float[Tensor, "component galaxy"]
    bijection: Bijection

    def __len__(self) -> int:
        """The number of galaxies."""
        return self.means.shape[1]

    def take(self, galaxies: Int[Tensor, " taken"] | slice) -> Density:
        """The densities of some galaxies, in the order given, with repetition if wanted."""
        return Density(
            self.log_weights[:, galaxies],
            self.means[:, galaxies],
            self.deviations[:, galaxies],
            self.bijection,
        )

    def log_point_density(self, points: Float[Tensor, "galaxy ..."]) -> Float[Tensor, "galaxy ..."]:
        """ln of the density of the unconstrained point."""
        return torch.logsumexp(self._log_terms(points)[0], dim=0)

    def log_value_density(self, points: Float[Tensor, "galaxy ..."]) -> Float[Tensor, "galaxy ..."]:
        """ln of the density of the physical value, which lies at these unconstrained points."""
        return self.log_point_density(points) - self.bijection.log_slope(points)

    def log_value_density_and_slope(
        self, points: Float[Tensor, "galaxy ..."]
    ) -> tuple[Float[Tensor, "galaxy ..."], Float[Tensor, "galaxy ..."]]:
        """`log_value_density` and its derivative by the unconstrained point."""
        terms, pulls, _ = self._log_terms(points)
        height = torch.logsumexp(terms, dim=0)
        pull = ((terms - height).exp() * pulls).sum(dim=0)
        slope = -pull - self.bijection.log_slope_gradient(points)
        return height - self.bijection.log_slope(points), slope

    def value_score(self, points: Float[Tensor, "galaxy ..."]) -> Float[Tensor, "galaxy ..."]:
        """The derivative of `log_value_density` by the unconstrained point."""
        return self.log_value_density_and_slope(points)[1]

    def value_score_and_slope(
        self, points: Float[Tensor, "galaxy ..."]
    ) -> tuple[Float[Tensor, "galaxy ..."], Float[Tensor, "galaxy ..."]]:
        """`value_score` and its derivative by the unconstrained point."""
        terms, pulls, precisions = self._log_terms(points)
        share = torch.softmax(terms, dim=0)
        pull = (share * pulls).sum(dim=0)
        bend = (share * ((pulls - pull).square() - precisions.square())).sum(dim=0)
        return (
            -pull - self.bijection.log_slope_gradient(points),
            bend - self.bijection.log_slope_curvature(points),
        )

    def below(self, points: Float[Tensor, "galaxy ..."]) -> Float[Tensor, "galaxy ..."]:
        """The probability of lying below the points."""
        return self._probability(points, 1.0)

    def above(self, points: Float[Tensor, "galaxy ..."]) -> Float[Tensor, "galaxy ..."]:
        """The probability of lying above the points, without cancellation."""
        return self._probability(points, -1.0)

    def search_range(
        self, reach: float
    ) -> tuple[Float[Tensor, "component galaxy"], Float[Tensor, "component galaxy"]]:
        """Each component's range of points that matter for the density of the value.

        `reach` deviations about the mean, and about the mean of the component times the bijection's
        1 / slope: an exponential tail of that factor moves a Gaussian by its variance.
        """
        infinity = torch.tensor(torch.inf, dtype=self.means.dtype, device=self.means.device)
        left = self.bijection.log_slope_gradient(-infinity).clamp(min=0)
        right = self.bijection.log_slope_gradient(infinity).clamp(max=0)
        low = self.means - self.deviations * (reach + left * self.deviations)
        high = self.means + self.deviations * (reach - right * self.deviations)
        return low, high

    def _probability(
        self, points: Float[Tensor, "galaxy ..."], sign: float
    ) -> Float[Tensor, "galaxy ..."]:
        """The probability below (sign 1) or above (sign -1) the points."""
        weights, means, precisions = self._aligned(points)[:3]
        # Not ndtr, which torch computes without the digits of small probabilities.
        probability = torch.erfc((points - means) * (-math.sqrt(0.5) * sign * precisions))
        return 0.5 * (weights * probability).sum(dim=0)

    def _log_terms(self, points: Float[Tensor, "galaxy ..."]) -> tuple[Tensor, Tensor, Tensor]:
        """ln of each component's weighted density, its pull on the points, and 1 / deviation."""
        _, means, precisions, constants = self._aligned(points)
        standard = (points - means) * precisions
        return constants - 0.5 * standard.square(), standard * precisions, precisions

    def _aligned(self, points: Float[Tensor, "galaxy ..."]) -> tuple[Tensor, ...]:
        """What each component needs, with as many trailing axes as the points have."""
        shape = (*self.means.shape, *(1,) * (points.dim() - 1))
        return tuple(part.reshape(shape) for part in self._terms)

    @cached_property
    def _terms(self) -> tuple[Tensor, ...]:
        """The weights, means, 1 / deviations and ln of the weighted peak densities."""
        constants = self.log_weights - self.deviations.log() - 0.5 * math.log(2 * math.pi)
        return self.log_weights.exp(), self.means, self.deviations.reciprocal(), constants


def slices(total: int, size: int) -> list[slice]:
    """Slices of a bounded size that cover `total` rows, and at least one."""
    return [slice(start, start + size) for start in range(0, max(total, 1), size)]
