"""How good answers are: bias, scatter, coverage, and proper scores from draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benchmarks.fits.samples import TARGETS

LEVELS = (0.6827, 0.9545)
SIGMA_QUANTILES = (0.15865, 0.84135)
NEAREST = 1e-3  # a bulge-to-total ratio counts as no nearer to 0 and 1


@dataclass(frozen=True)
class Scores:
    """The figures of one target: of the estimates, and NaN without draws, of the posteriors.

    Errors of radius and flux are shares of the truth; so is the CRPS. `log_score` is the mean of
    -ln of the density at the truth, of a normal with the draws' moments in logarithm or log-odds.
    """

    bias: float
    scatter: float
    coverage_68: float
    coverage_95: float
    crps: float
    log_score: float

    @classmethod
    def of(
        cls,
        target: str,
        estimate: Float[np.ndarray, " galaxy"],
        draws: Float[np.ndarray, "galaxy draw"],
        truth: Float[np.ndarray, " galaxy"],
    ) -> Scores:
        """The figures of galaxies that were answered."""
        unit = np.ones_like(truth) if target == "bulge_to_total" else truth
        error = (estimate - truth) / unit
        low, high = np.quantile(error, SIGMA_QUANTILES)
        covered = coverage(draws, truth)
        return cls(
            bias=float(np.median(error)),
            scatter=float(high - low) / 2,
            coverage_68=covered[0],
            coverage_95=covered[1],
            crps=float((crps(draws, truth) / unit).mean()),
            log_score=float(log_score(unbound(target, draws), unbound(target, truth)).mean()),
        )


def coverage(
    draws: Float[np.ndarray, "galaxy draw"], truth: Float[np.ndarray, " galaxy"]
) -> list[float]:
    """Shares of truths within the equal-tailed intervals of `LEVELS`; NaN without draws."""
    if np.isnan(draws).any():
        return [math.nan] * len(LEVELS)
    reach = np.abs((draws < truth[:, None]).mean(axis=1) - 0.5)
    return [float((reach <= level / 2).mean()) for level in LEVELS]


def crps(
    draws: Float[np.ndarray, "galaxy draw"], truth: Float[np.ndarray, " galaxy"]
) -> Float[np.ndarray, " galaxy"]:
    """The continuous ranked probability score: E|X - truth| - E|X - X'| / 2, of draws X and X'."""
    count = draws.shape[1]
    weights = (2 * np.arange(1, count + 1) - count - 1) / count**2
    apart = 2 * (np.sort(draws, axis=1) * weights).sum(axis=1)
    found: np.ndarray = np.abs(draws - truth[:, None]).mean(axis=1) - apart / 2
    return found


def log_score(
    draws: Float[np.ndarray, "galaxy draw"], truth: Float[np.ndarray, " galaxy"]
) -> Float[np.ndarray, " galaxy"]:
    """-ln of the density at the truth of a normal with the draws' mean and variance."""
    mean, sigma = draws.mean(axis=1), draws.std(axis=1)
    found: np.ndarray = ((truth - mean) / sigma) ** 2 / 2 + np.log(sigma * math.sqrt(2 * math.pi))
    return found


def unbound(target: str, values: Float[np.ndarray, " *any"]) -> Float[np.ndarray, " *any"]:
    """Values as logarithms, shares as log-odds."""
    if target != TARGETS[0]:
        found: np.ndarray = np.log(values)
        return found
    share = values.clip(NEAREST, 1 - NEAREST)
    odds: np.ndarray = np.log(share / (1 - share))
    return odds
