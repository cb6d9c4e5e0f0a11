"""The axis ratio q = exp(-|e|^2) of an elongation e that follows a Gaussian mixture in its plane.

A smaller axis ratio is a point outside of a circle. In any frame the second coordinate is normal,
and given it so is the first: what is left is one integral over the chords of the circle, by Gauss
and Legendre's rule in the angle at which a chord ends. It is smooth in the frame of a component's
mean, unless that is narrow aslant: then in the frame of its long axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gampen.probability.densities import slices
from gampen.probability.mixtures import GaussianMixture
from gampen.probability.roots import Bracket, Functions, find_roots

NODES = 40
REACH = 7.5  # [deviation] of the second coordinate that is looked at
FLAT = 1e-9  # of a probability: so closely quantiles are met
TOGETHER = 4096  # quantiles that are sought at a time
SMALLEST = 1e-12
ROUGH = 1.0  # rougher components are told in the frame of their long axis


@lru_cache(maxsize=1)
def rule() -> tuple[Float[Tensor, " node"], Float[Tensor, " node"]]:
    """Places in [-1, 1] and their weights."""
    places, weights = np.polynomial.legendre.leggauss(NODES)
    return torch.from_numpy(places), torch.from_numpy(weights)


@dataclass(frozen=True)
class AxisRatios:
    """The distribution of the axis ratio of every galaxy.

    Of each component, in a frame of its own: `log_weights`; the means of the coordinates, `first`
    and `second`; `deviation` of the second; `slope` and `width`: how the first one's mean follows
    the second, and its deviation given that.
    """

    log_weights: Float[Tensor, "galaxy component"]
    first: Float[Tensor, "galaxy component"]
    second: Float[Tensor, "galaxy component"]
    deviation: Float[Tensor, "galaxy component"]
    slope: Float[Tensor, "galaxy component"]
    width: Float[Tensor, "galaxy component"]

    @classmethod
    def of(cls, plane: GaussianMixture) -> AxisRatios:
        """That of a mixture of two parameters, the elongation's."""
        plane = plane.to(torch.float64)
        usual, other = (
            cls(plane.log_weights, *told_in(plane, axis))
            for axis in (mean_axis(plane), long_axis(plane))
        )
        pairs = zip(vars(usual).values(), vars(other).values(), strict=True)
        aslant = usual.roughness > ROUGH
        return cls(*(torch.where(aslant, theirs, ours) for ours, theirs in pairs))

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.first)

    @property
    def roughness(self) -> Float[Tensor, "galaxy component"]:
        """How many widths the end of a chord moves while the second coordinate does by one."""
        bend = self.deviation / torch.hypot(self.first, self.deviation)
        return self.deviation * (self.slope.abs() + bend) / self.width

    def take(self, galaxies: Int[Tensor, " taken"]) -> AxisRatios:
        """Those of some galaxies."""
        return AxisRatios(**{name: part[galaxies] for name, part in vars(self).items()})

    @property
    def mean(self) -> Float[Tensor, " galaxy"]:
        """The mean, in closed form."""
        return self._moment(1)

    @property
    def std(self) -> Float[Tensor, " galaxy"]:
        """The standard deviation, in closed form."""
        return (self._moment(2) - self.mean.square()).clamp(min=0).sqrt()

    @property
    def median(self) -> Float[Tensor, " galaxy"]:
        """The value with even odds on either side."""
        return self.ppf(0.5)

    def cdf(self, values: Float[Tensor, "*draw galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """The probability of a smaller value."""
        values = values.to(torch.float64)
        radius = (-values.clamp(SMALLEST, 1).log()).sqrt()
        flat = radius.reshape(-1)
        galaxies = torch.arange(len(self)).expand(radius.shape).reshape(-1)
        parts = slices(len(flat), TOGETHER)
        inside = torch.cat([self.take(galaxies[part]).within(flat[part])[0] for part in parts])
        below = (1 - inside.reshape(radius.shape)).clamp(0, 1)
        return torch.where(values <= 0, 0.0, torch.where(values >= 1, 1.0, below))

    def ppf(self, levels: float | Float[Tensor, "*draw #galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """The values below which the probability is `levels`: the inverse of `cdf`."""
        wanted = torch.as_tensor(levels, dtype=torch.float64)
        wanted = wanted + torch.zeros(len(self), dtype=torch.float64)
        flat = wanted.reshape(-1)
        galaxies = torch.arange(len(self)).expand(wanted.shape).reshape(-1)
        radii = [
            self.take(galaxies[part]).radius(1 - flat[part]) for part in slices(len(flat), TOGETHER)
        ]
        return (-torch.cat(radii).square()).exp().reshape(wanted.shape)

    def interval(self, level: float) -> Float[Tensor, "galaxy edge"]:
        """The equal-tailed interval that holds a probability of `level`."""
        tails = torch.tensor([[(1 - level) / 2], [(1 + level) / 2]], dtype=torch.float64)
        return self.ppf(tails).T

    def within(
        self, radius: Float[Tensor, " galaxy"]
    ) -> tuple[Float[Tensor, " galaxy"], Float[Tensor, " galaxy"]]:
        """The probability that the elongation is shorter than a radius, and its density there."""
        places, weights = rule()
        wide = radius[:, None].clamp(min=SMALLEST)
        reach = REACH * self.deviation
        low, high = (((self.second + side) / wide).clamp(-1, 1).asin() for side in (-reach, reach))
        half = ((high - low) / 2)[..., None]
        angle = low[..., None] + half * (1 + places)
        chord, second = wide[..., None] * angle.cos(), wide[..., None] * angle.sin()
        aside = second - self.second[..., None]
        share = half * weights * normal(aside, self.deviation[..., None])
        first = self.first[..., None] + self.slope[..., None] * aside
        ends = [(side * chord - first) / self.width[..., None] for side in (1, -1)]
        held = torch.special.ndtr(ends[0]) - torch.special.ndtr(ends[1])
        edge = (normal(ends[0], 1.0) + normal(ends[1], 1.0)) / self.width[..., None]
        mass = self.log_weights.exp()
        inside = (mass * (share * chord * held).sum(dim=-1)).sum(dim=-1)
        return inside, (mass * wide * (share * edge).sum(dim=-1)).sum(dim=-1)

    def radius(self, shares: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
        """The radius within which the elongation lies with such a probability."""
        spread = (self.width.square() + (1 + self.slope.square()) * self.deviation.square()).sqrt()
        mass = self.log_weights.exp()
        distance = torch.hypot(self.first, self.second)
        start = (mass * torch.hypot(distance, self.deviation)).sum(dim=-1)
        high = (distance + REACH * spread).amax(dim=-1)

        def family(which: Tensor) -> Functions:
            some, goal = self.take(which), shares[which]

            def functions(points: Tensor) -> tuple[Tensor, Tensor]:
                inside, density = some.within(points)
                return inside - goal, density

            return functions

        low, rising = torch.zeros_like(high), torch.ones(1, dtype=torch.bool)
        return find_roots(family, Bracket(low, high, start, rising), flat=FLAT)

    def _moment(self, order: int) -> Float[Tensor, " galaxy"]:
        """The mean of exp(-order |e|^2): the integral of a product of Gaussians."""
        athwart = self.deviation.square()
        across, along = self.slope * athwart, self.width.square() + self.slope.square() * athwart
        factor = 2 * order
        first, second, cross = 1 + factor * along, 1 + factor * athwart, factor * across
        area = first * second - cross.square()
        crossed = self.first * (second * self.first - 2 * cross * self.second)
        exponent = -order * (crossed + first * self.second.square()) / area
        return (self.log_weights.exp() * exponent.exp() / area.sqrt()).sum(dim=-1)


def mean_axis(plane: GaussianMixture) -> Float[Tensor, "galaxy component 2"]:
    """The direction in which each component's mean lies."""
    size = torch.linalg.vector_norm(plane.means, dim=-1, keepdim=True)
    axis = plane.means.new_tensor([1.0, 0.0]).expand_as(plane.means)
    return torch.where(size > SMALLEST, plane.means / size.clamp(min=SMALLEST), axis)


def long_axis(plane: GaussianMixture) -> Float[Tensor, "galaxy component 2"]:
    """The direction in which each component is widest."""
    xx, xy, yy = entries(plane)
    angle = torch.atan2(2 * xy, xx - yy) / 2
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def told_in(
    plane: GaussianMixture, axis: Float[Tensor, "galaxy component 2"]
) -> tuple[Float[Tensor, "galaxy component"], ...]:
    """Means, deviation, slope and width of components in frames of these first axes."""
    (cosine, sine), (x, y) = axis.unbind(-1), plane.means.unbind(-1)
    along, athwart, across = variances(plane, axis)
    width = (along - across.square() / athwart).clamp(min=SMALLEST**2).sqrt()
    means = cosine * x + sine * y, cosine * y - sine * x
    return *means, athwart.sqrt(), across / athwart, width


def variances(
    plane: GaussianMixture, axis: Float[Tensor, "galaxy component 2"]
) -> tuple[Float[Tensor, "galaxy component"], ...]:
    """The variances of components along an axis and athwart, and their covariance."""
    (cosine, sine), (xx, xy, yy) = axis.unbind(-1), entries(plane)
    along = cosine**2 * xx + 2 * cosine * sine * xy + sine**2 * yy
    athwart = sine**2 * xx - 2 * cosine * sine * xy + cosine**2 * yy
    across = cosine * sine * (yy - xx) + (cosine**2 - sine**2) * xy
    return along, athwart.clamp(min=SMALLEST**2), across


def entries(plane: GaussianMixture) -> tuple[Float[Tensor, "galaxy component"], ...]:
    """The three entries of each component's covariance."""
    covariance = plane.covariances
    return covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]


def normal(values: Tensor, deviation: Tensor | float) -> Tensor:
    """The normal density of a mean of nought."""
    return (-0.5 * (values / deviation).square()).exp() / (deviation * math.sqrt(2 * math.pi))
