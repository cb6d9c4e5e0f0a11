"""The marginal posterior of one parameter of every galaxy, in the parameter's own unit.

Everything follows from a one-dimensional Gaussian mixture seen through a bijection: no draws, no
kernel density estimate, and the same answer each time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.errors import UsageError
from gampen.probability.bijections import Bijection
from gampen.probability.densities import Density, slices
from gampen.probability.highest_density import Landscape
from gampen.probability.mixtures import GaussianMixture
from gampen.probability.moments import Moments, gaussian_moments, mixture_moments
from gampen.probability.roots import Bracket, Functions, find_roots

_GALAXIES, _MOMENTS, _QUANTILES = 4096, 256, 65536  # worked on at a time, as memory is bounded


@dataclass(frozen=True)
class Marginal:
    """The distribution of one parameter's value, for every galaxy."""

    density: Density

    @classmethod
    def of(cls, mixture: GaussianMixture, bijection: Bijection) -> Marginal:
        """The marginal of a mixture of one parameter in unconstrained space."""
        deviations = 1 / mixture.precision_cholesky[..., 0, 0]
        log_weights, means, deviations = (
            part.T.to(torch.float64).contiguous()
            for part in (mixture.log_weights, mixture.means[..., 0], deviations)
        )
        return cls(Density(log_weights, means, deviations, bijection))

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.density)

    @property
    def bijection(self) -> Bijection:
        """The map from the real line, on which the mixture lies, to the value."""
        return self.density.bijection

    def affine(
        self,
        slope: Float[Tensor, " galaxy"],
        offset: Float[Tensor, " galaxy"],
        bijection: Bijection,
    ) -> Marginal:
        """The marginal whose unconstrained point is `slope * point + offset`, seen otherwise."""
        old = self.density
        means, deviations = slope * old.means + offset, slope.abs() * old.deviations
        return Marginal(Density(old.log_weights, means, deviations, bijection))

    def log_pdf(self, values: Float[Tensor, "*draw galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """ln of the density at physical values; minus infinity on and outside the bounds."""
        points = self._points(values)
        log_density = self.density.log_value_density(points).movedim(0, -1)
        outside = torch.full_like(log_density, -torch.inf)
        return torch.where(points.movedim(0, -1).isinf(), outside, log_density)

    def pdf(self, values: Float[Tensor, "*draw galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """The density at physical values."""
        return self.log_pdf(values).exp()

    def cdf(self, values: Float[Tensor, "*draw galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """The probability of a smaller value."""
        return self.density.below(self._points(values)).movedim(0, -1)

    def ppf(self, levels: float | Float[Tensor, "*draw #galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """The values below which the probability is `levels`: the inverse of `cdf`.

        Levels are probabilities in [0, 1], one for all galaxies or of a shape that broadcasts.
        """
        wanted = torch.as_tensor(levels, dtype=torch.float64)
        if bool(((wanted < 0) | (wanted > 1)).any()):
            raise UsageError(f"levels must be probabilities between 0 and 1; got {levels}")
        wanted = wanted + torch.zeros(len(self), dtype=torch.float64)
        galaxies = torch.arange(len(self)).expand(wanted.shape).flatten()
        points = [
            _quantile(self.density.take(galaxies[part]), wanted.flatten()[part])
            for part in slices(len(galaxies), _QUANTILES)
        ]
        return self.bijection.forward(torch.cat(points).reshape(wanted.shape))

    def probability(
        self,
        above: float | Float[Tensor, " galaxy"] | None = None,
        below: float | Float[Tensor, " galaxy"] | None = None,
    ) -> Float[Tensor, " galaxy"]:
        """The probability that the value lies above one bound, below another, or between them."""
        if above is None and below is None:
            raise UsageError("probability needs a bound; got none; give above=, below= or both")
        upper = self._bound(below, torch.inf)
        lower = self._bound(above, -torch.inf)
        if below is None:
            return self.density.above(lower)
        return (self.density.below(upper) - self.density.below(lower)).clamp(min=0)

    @property
    def mean(self) -> Float[Tensor, " galaxy"]:
        """The mean value."""
        return self._moments.mean

    @property
    def std(self) -> Float[Tensor, " galaxy"]:
        """The standard deviation of the value."""
        return self._moments.second.sqrt()

    @property
    def skewness(self) -> Float[Tensor, " galaxy"]:
        """The third standardised moment of the value."""
        return self._moments.third / self._moments.second**1.5

    @property
    def kurtosis(self) -> Float[Tensor, " galaxy"]:
        """The fourth standardised moment of the value less 3 (zero for a Gaussian)."""
        return self._moments.fourth / self._moments.second.square() - 3

    @property
    def median(self) -> Float[Tensor, " galaxy"]:
        """The value with even odds on either side."""
        return self.ppf(0.5)

    @property
    def mode(self) -> Float[Tensor, " galaxy"]:
        """The value of highest density, over the whole range."""
        points = torch.cat([landscape.mode for landscape in self._landscapes])
        return self.bijection.forward(points)

    def interval(self, level: float) -> Float[Tensor, "galaxy edge"]:
        """The equal-tailed interval that holds a probability of `level`."""
        _require_level(level)
        tails = torch.tensor([[(1 - level) / 2], [(1 + level) / 2]], dtype=torch.float64)
        return self.ppf(tails).T

    def hdi(self, level: float) -> Float[Tensor, "galaxy segment edge"]:
        """The region of highest density of the value that holds a probability of `level`.

        Up to four disjoint segments, in order, padded with NaN; any more are joined across their
        narrowest gaps, and the region then holds a little more.
        """
        _require_level(level)
        regions = torch.cat([landscape.region(level) for landscape in self._landscapes])
        return self.bijection.forward(regions)

    @cached_property
    def _moments(self) -> Moments:
        """The mean and the central moments of the value."""
        parts = [
            mixture_moments(
                gaussian_moments(part.bijection, part.means, part.deviations),
                part.log_weights.exp(),
            )
            for part in self._parts(_MOMENTS)
        ]
        orders = ("mean", "second", "third", "fourth")
        return Moments(*(torch.cat([getattr(part, order) for part in parts]) for order in orders))

    @cached_property
    def _landscapes(self) -> list[Landscape]:
        """The critical points of the density, for a part of the galaxies each."""
        return [Landscape.of(part) for part in self._parts(_GALAXIES)]

    def _parts(self, most: int) -> Iterator[Density]:
        """The densities of a bounded number of galaxies at a time."""
        return (self.density.take(part) for part in slices(len(self), most))

    def _points(self, values: Float[Tensor, "*draw galaxy"]) -> Float[Tensor, "galaxy ..."]:
        """The unconstrained points of values, infinite on and outside the bounds; galaxies lead."""
        infinity = torch.tensor(torch.inf, dtype=torch.float64)
        low, high = self.bijection.forward(-infinity), self.bijection.forward(infinity)
        inside = torch.minimum(torch.maximum(values.to(torch.float64), low), high)
        return self.bijection.inverse(inside).movedim(-1, 0)

    def _bound(
        self, bound: float | Float[Tensor, " galaxy"] | None, default: float
    ) -> Float[Tensor, " galaxy"]:
        """The unconstrained point of a bound in value, for each galaxy."""
        value = torch.as_tensor(default if bound is None else bound, dtype=torch.float64)
        return self._points(value.expand(len(self)))


def _quantile(density: Density, levels: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
    """The unconstrained points below which the probability is `levels`.

    Solved in the deviations of a standard normal, in which one Gaussian is a straight line; in the
    upper half on the mirrored mixture, so that small probabilities keep their digits.
    """
    sign = torch.where(levels > 0.5, -1.0, 1.0).to(levels.dtype)
    goal: Tensor = torch.special.ndtri(torch.minimum(levels, 1 - levels))
    mirrored = Density(
        density.log_weights, sign * density.means, density.deviations, density.bijection
    )

    def excess(which: Tensor) -> Functions:
        some, wanted = mirrored.take(which), goal[which]

        def functions(points: Tensor) -> tuple[Tensor, Tensor]:
            deviations: Tensor = torch.special.ndtri(some.below(points).clamp(1e-300, 1 - 1e-16))
            log_slope = some.log_point_density(points) + 0.5 * deviations.square()
            return deviations - wanted, log_slope.exp() * math.sqrt(2 * math.pi)

        return functions

    # No component has reached its own quantile below all of theirs, and each has above all.
    quantiles = mirrored.means + mirrored.deviations * goal
    start = (mirrored.log_weights.exp() * quantiles).sum(dim=0)
    rising = torch.ones(1, dtype=torch.bool)
    bracket = Bracket(quantiles.amin(dim=0), quantiles.amax(dim=0), start, rising)
    return sign * find_roots(excess, bracket)


def _require_level(level: float) -> None:
    """Refuse a credible level that is not strictly between 0 and 1."""
    if not 0 < level < 1:
        raise UsageError(f"a credible level must lie strictly between 0 and 1; got {level}")
