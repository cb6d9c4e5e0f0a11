"""The sample as a whole: medians counted in bins, beside the sum of all posteriors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from gampen.probability.bijections import Exponential, Logistic
from gampen.probability.marginals import Marginal

FEWEST_BINS, MOST_BINS, POINTS = 6, 28, 160
TAIL = 0.005  # of the sample's values left out at each end of an axis
FEWEST = 2


@dataclass(frozen=True, eq=False)
class Sample:
    """The distribution of one quantity over galaxies, each way of density integrating to one.

    `bars` between `edges` count medians; `stacked` at `grid` is the mean of all marginals. Both are
    densities per unit, or of log10 where `log`.
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

        The rest of the marginals may be NaN.
        """
        median = marginal.median.numpy()
        known = known & np.isfinite(median)
        if known.sum() < FEWEST:
            return None
        log = isinstance(marginal.bijection, Exponential) and marginal.bijection.low == 0
        low, high = ends(marginal, known, log=log)
        bins = min(
            MOST_BINS, max(FEWEST_BINS, math.ceil(2 * known.sum() ** (1 / 3)))
        )  # Rice's rule
        between, edges = (spaced(low, high, count + 1, log=log) for count in (POINTS, bins))
        grid = np.sqrt(between[1:] * between[:-1]) if log else (between[1:] + between[:-1]) / 2
        places = np.log10 if log else np.asarray
        counts, _ = np.histogram(median[known], edges)
        bars = counts / known.sum() / np.diff(places(edges))
        stacked = mean_density(marginal, known, grid) * (grid * np.log(10) if log else 1.0)
        return cls(log, int(known.sum()), edges, bars, grid, stacked)


def ends(
    marginal: Marginal, known: Bool[np.ndarray, " galaxy"], *, log: bool
) -> tuple[float, float]:
    """The ends of an axis that holds nearly all of the sample's 95 % intervals."""
    bijection = marginal.bijection
    if isinstance(bijection, Logistic):
        return bijection.low, bijection.high
    levels = torch.tensor([[0.025], [0.975]], dtype=torch.float64)
    below, above = marginal.ppf(levels).numpy()[:, known]
    low, high = float(np.quantile(below, TAIL)), float(np.quantile(above, 1 - TAIL))
    margin = 0.02 * (np.log(high / low) if log else high - low)
    return (
        (low * float(np.exp(-margin)), high * float(np.exp(margin)))
        if log
        else (low - margin, high + margin)
    )


def spaced(low: float, high: float, count: int, *, log: bool) -> Float64[np.ndarray, " point"]:
    """Points from `low` to `high`, evenly spaced or by even factors."""
    return np.geomspace(low, high, count) if log else np.linspace(low, high, count)


def mean_density(
    marginal: Marginal, known: Bool[np.ndarray, " galaxy"], grid: Float64[np.ndarray, " point"]
) -> Float64[np.ndarray, " point"]:
    """The mean of the known galaxies' densities."""
    return np.array([float(row.numpy()[known].mean()) for row in _densities(marginal, grid)])


def _densities(marginal: Marginal, grid: Float64[np.ndarray, " point"]) -> Iterator[Tensor]:
    """The density of every galaxy at one point after the other: memory stays flat."""
    for value in torch.from_numpy(grid):
        yield marginal.pdf(value.expand(len(marginal)))
