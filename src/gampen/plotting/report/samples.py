"""The sample as a whole: medians counted in bins, beside the mean of all posteriors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64

from gampen.probability.bijections import Exponential, Logistic
from gampen.probability.marginals import Marginal

FEWEST_BINS, MOST_BINS, POINTS = 6, 28, 100
TAIL = 0.005  # of the sample's values left out at each end of an axis
MARGIN = 0.02  # of an axis, at each of its ends
FEWEST = 2


@dataclass(frozen=True, eq=False)
class Sample:
    """The distribution of one quantity over galaxies, twice.

    `bars` between `edges` count medians; `stacked` at `grid` is the mean of all marginals, each
    averaged around its point, so that none is too narrow to be seen. Both are densities per unit,
    or of log10 where `log`, and integrate to the share of the sample that lies on the axis.
    """

    log: bool
    galaxies: int
    edges: Float64[np.ndarray, " edge"]
    bars: Float64[np.ndarray, " bin"]
    grid: Float64[np.ndarray, " point"]
    stacked: Float64[np.ndarray, " point"]

    @classmethod
    def of(cls, marginal: Marginal, known: Bool[np.ndarray, " galaxy"]) -> Sample | None:
        """The distribution of the galaxies that are `known`, None where they are too few.

        The others' marginals may be NaN.
        """
        median = marginal.median.numpy()
        known = known & np.isfinite(median)
        if known.sum() < FEWEST:
            return None
        axis = Axis.of(marginal, known)
        bins = math.ceil(2 * known.sum() ** (1 / 3))  # Rice's rule
        edges = axis.spaced(min(MOST_BINS, max(FEWEST_BINS, bins)) + 1)
        counts, _ = np.histogram(median[known], edges)
        between = axis.spaced(2 * POINTS + 1)
        below = shares_below(marginal, known, between[::2])
        return cls(
            log=axis.log,
            galaxies=int(known.sum()),
            edges=edges,
            bars=counts / known.sum() / axis.widths(edges),
            grid=between[1::2],
            stacked=np.diff(below) / axis.widths(between[::2]),
        )


@dataclass(frozen=True)
class Axis:
    """The values between which a quantity is drawn, evenly or by even factors."""

    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, marginal: Marginal, known: Bool[np.ndarray, " galaxy"]) -> Axis:
        """All values between two bounds, else those of nearly all of the 95 % intervals."""
        bijection = marginal.bijection
        if isinstance(bijection, Logistic):
            return cls(bijection.low, bijection.high, log=False)
        log = isinstance(bijection, Exponential) and bijection.low == 0
        levels = torch.tensor([[0.025], [0.975]], dtype=torch.float64)
        below, above = marginal.ppf(levels).numpy()[:, known]
        ends = np.array([np.quantile(below, TAIL), np.quantile(above, 1 - TAIL)])
        places = np.log(ends) if log else ends
        places += MARGIN * (places[1] - places[0]) * np.array([-1, 1])
        low, high = np.exp(places) if log else places
        return cls(float(low), float(high), log)

    def spaced(self, count: int) -> Float64[np.ndarray, " point"]:
        """Points from end to end."""
        space = np.geomspace if self.log else np.linspace
        return space(self.low, self.high, count)

    def widths(self, edges: Float64[np.ndarray, " edge"]) -> Float64[np.ndarray, " bin"]:
        """The distances between values, of their log10 where the axis has that."""
        return np.diff(np.log10(edges) if self.log else edges)


def shares_below(
    marginal: Marginal, known: Bool[np.ndarray, " galaxy"], values: Float64[np.ndarray, " point"]
) -> Float64[np.ndarray, " point"]:
    """The mean probability of a smaller value; one value after the other, so memory stays flat."""
    everyone = len(marginal)
    rows = (marginal.cdf(value.expand(everyone)).numpy() for value in torch.from_numpy(values))
    return np.array([float(row[known].mean()) for row in rows])
