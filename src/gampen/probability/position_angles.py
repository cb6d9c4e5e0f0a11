"""The position angle of an elongation that follows a Gaussian mixture: half of its angle.

Of each component the density of the angle is known in closed form (the projected normal: Mardia
1972, Statistics of Directional Data). It is summed on a grid around the circle that is the finer
the nearer to the mean, fine enough for the narrowest component. An angle has no end, so all is
counted from the mean: nothing tells 0 from 180 degrees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.errors import UsageError
from gampen.probability.axis_ratios import mean_axis, variances
from gampen.probability.densities import slices
from gampen.probability.mixtures import GaussianMixture

STEPS = 1024
ROUGH_STEPS = 256  # on a first circle, from which the mean angle is read
TOGETHER = 256  # galaxies worked on at a time
COUNTS = 0.01  # the least weight of a component that decides how fine the grid is
HALF_TURN = 180.0  # [degree]


@dataclass(frozen=True)
class PositionAngles:
    """The distribution of the position angle [degree] of every galaxy.

    `heading`: the mean angle of the elongation [radian]; `length`: that of the mean unit vector;
    `places` [radian] from the heading, and the probability `below` each.
    """

    heading: Float[Tensor, " galaxy"]
    length: Float[Tensor, " galaxy"]
    places: Float[Tensor, "galaxy place"]
    below: Float[Tensor, "galaxy place"]

    @classmethod
    def of(cls, plane: GaussianMixture) -> PositionAngles:
        """That of a mixture of two parameters, the elongation's."""
        plane = plane.to(torch.float64)
        parts = [cls._of(plane.select(part)) for part in slices(len(plane), TOGETHER)]
        return cls(*(torch.cat([getattr(part, n) for part in parts]) for n in vars(parts[0])))

    @classmethod
    def _of(cls, plane: GaussianMixture) -> PositionAngles:
        mean = plane.mean
        heading, scale = torch.atan2(mean[:, 1], mean[:, 0]), finest(plane)
        rough = Circle.about(plane, heading, scale, ROUGH_STEPS).mean_vector
        heading = heading + torch.atan2(rough[1], rough[0])
        circle = Circle.about(plane, heading, scale, STEPS)
        cosine, sine = circle.mean_vector
        return cls(heading, torch.hypot(cosine, sine).clamp(max=1), circle.places, circle.below)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.heading)

    @property
    def mean(self) -> Float[Tensor, " galaxy"]:
        """The direction of the mean unit vector, from 0 to below 180."""
        degrees = torch.rad2deg(self.heading / 2).remainder(HALF_TURN)
        return torch.where(degrees < HALF_TURN, degrees, 0.0)

    @property
    def std(self) -> Float[Tensor, " galaxy"]:
        """The circular standard deviation, sqrt(-2 ln length) of the doubled angle, halved.

        That of the angle where it is narrow; without limit where all angles are alike.
        """
        return torch.rad2deg((-2 * self.length.clamp(min=1e-300).log()).sqrt() / 2)

    def offset(
        self, levels: float | Float[Tensor, "*draw #galaxy"]
    ) -> Float[Tensor, "*draw galaxy"]:
        """How far from the mean, from -90 to 90, the probability below is `levels`."""
        wanted = torch.as_tensor(levels, dtype=torch.float64)
        if bool(((wanted < 0) | (wanted > 1)).any()):
            raise UsageError(f"levels must be probabilities between 0 and 1; got {levels}")
        wanted = wanted + torch.zeros(len(self), dtype=torch.float64)
        flat = wanted.reshape(-1, len(self)).T.contiguous()
        found = interpolated(self.below, self.places, flat)
        return torch.rad2deg(found.T.reshape(wanted.shape) / 2)

    def interval(self, level: float) -> Float[Tensor, "galaxy edge"]:
        """The equal-tailed interval about the mean that holds a probability of `level`.

        Its ends may lie below 0 or beyond 180, so that the mean lies between them.
        """
        tails = torch.tensor([[(1 - level) / 2], [(1 + level) / 2]], dtype=torch.float64)
        return (self.mean + self.offset(tails)).T

    def cdf(self, degrees: Float[Tensor, "*draw galaxy"]) -> Float[Tensor, "*draw galaxy"]:
        """The probability of lying between the direction across the mean and this angle.

        Counted counter-clockwise; of true angles it is uniform, whatever side of 0 they lie on.
        """
        from_mean = torch.deg2rad(2 * degrees.to(torch.float64)) - self.heading
        wrapped = (from_mean + math.pi).remainder(2 * math.pi) - math.pi
        flat = wrapped.reshape(-1, len(self)).T.contiguous()
        return interpolated(self.places, self.below, flat).T.reshape(degrees.shape)


@dataclass(frozen=True)
class Circle:
    """Places around a circle, counted from a heading [radian], and the probability at each."""

    places: Float[Tensor, "galaxy place"]
    steps: Float[Tensor, "galaxy place"]
    density: Float[Tensor, "galaxy place"]

    @classmethod
    def about(
        cls,
        plane: GaussianMixture,
        heading: Float[Tensor, " galaxy"],
        scale: Float[Tensor, " galaxy"],
        number: int,
    ) -> Circle:
        """A grid of so many steps, which are of that scale at the heading and grow away from it."""
        growth = (1 + 1 / scale).log()[:, None]
        even = torch.linspace(-1, 1, number + 1, dtype=torch.float64)
        reach = math.pi / growth.sinh()
        places = reach * (growth * even).sinh()
        steps = reach * growth * (growth * even).cosh() * (2 / number)
        return cls(places, steps, projected(plane, places + heading[:, None]))

    @property
    def mean_vector(self) -> tuple[Float[Tensor, " galaxy"], Float[Tensor, " galaxy"]]:
        """Mean cosine and sine of the places, by the trapezoidal rule."""
        mass = self.density * self.steps
        mass = torch.cat([mass[:, :1] / 2, mass[:, 1:-1], mass[:, -1:] / 2], dim=1)
        waves = (self.places.cos(), self.places.sin())
        cosine, sine = ((mass * wave).sum(dim=1) / mass.sum(dim=1) for wave in waves)
        return cosine, sine

    @cached_property
    def below(self) -> Float[Tensor, "galaxy place"]:
        """The probability below each place."""
        mass = self.density * self.steps
        sums = torch.nn.functional.pad(((mass[:, 1:] + mass[:, :-1]) / 2).cumsum(dim=1), (1, 0))
        return sums / sums[:, -1:]


def finest(plane: GaussianMixture) -> Float[Tensor, " galaxy"]:
    """The angle [radian] that the narrowest component that counts is wide."""
    athwart = variances(plane, mean_axis(plane))[1].sqrt()
    widths = torch.atan2(athwart, torch.linalg.vector_norm(plane.means, dim=-1))
    counts = plane.log_weights.exp() >= COUNTS
    return torch.where(counts, widths, math.pi / 2).amin(dim=-1)


def projected(
    plane: GaussianMixture, angles: Float[Tensor, "galaxy place"]
) -> Float[Tensor, "galaxy place"]:
    """The density of the angle [1 / radian] at angles."""
    factors, means = plane.precision_cholesky, plane.means
    directions = torch.stack([angles.cos(), angles.sin()], dim=-1)
    white = torch.einsum("gpi,gkij->gkpj", directions, factors)
    centre = torch.einsum("gki,gkij->gkj", means, factors)[:, :, None]
    size = torch.linalg.vector_norm(white, dim=-1)
    aligned = (white * centre).sum(dim=-1) / size
    missed = (centre.square().sum(dim=-1) - aligned.square()).clamp(min=0)
    log_area = factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    mass = (plane.log_weights + log_area).exp()[..., None] / (2 * math.pi * size.square())
    ahead = math.sqrt(2 * math.pi) * aligned * torch.special.ndtr(aligned)
    density = ((-0.5 * aligned.square()).exp() + ahead) * (-0.5 * missed).exp()
    # the two terms may cancel where the whole component lies behind
    whole: Tensor = (mass * density.clamp(min=0)).sum(dim=1)
    return whole


def interpolated(
    xs: Float[Tensor, "galaxy place"],
    ys: Float[Tensor, "galaxy place"],
    wanted: Float[Tensor, "galaxy number"],
) -> Float[Tensor, "galaxy number"]:
    """The values of lines between rising places."""
    above = torch.searchsorted(xs.contiguous(), wanted).clamp(1, xs.shape[1] - 1)
    low, high = xs.gather(1, above - 1), xs.gather(1, above)
    part = ((wanted - low) / (high - low).clamp(min=1e-300)).clamp(0, 1)
    start, end = ys.gather(1, above - 1), ys.gather(1, above)
    found: Tensor = start + part * (end - start)
    return found
