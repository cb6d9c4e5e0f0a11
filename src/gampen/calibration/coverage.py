"""Coverage: the share of truths inside the central interval of each probability."""

from __future__ import annotations

from enum import Enum

import numpy as np
from jaxtyping import Float64

LEVELS = (0.6827, 0.9545, 0.9973)
TOLERANCES = (0.01, 0.005, 0.002)  # of the coverage at each level
NORMAL_95 = 1.96
GRID = np.linspace(0.05, 0.95, 19)
"""The levels at which a whole curve of coverage is read."""


def coverage(
    ranks: Float64[np.ndarray, "galaxy parameter"], levels: Float64[np.ndarray, " level"]
) -> Float64[np.ndarray, "parameter level"]:
    """Share of truths inside each parameter's equal-tailed interval of each probability.

    Ranks that are NaN, of truths that are not known, do not count; NaN where none is known.
    """
    inside = (np.abs(ranks - 0.5)[:, :, None] <= levels / 2).sum(axis=0)
    known = np.isfinite(ranks).sum(axis=0)[:, None]
    found: np.ndarray = np.where(known > 0, inside / known.clip(1), np.nan)
    return found


def curve(
    found: Float64[np.ndarray, " galaxy"], levels: Float64[np.ndarray, " level"] = GRID
) -> Float64[np.ndarray, " level"]:
    """Share of truths whose own level, uniform where posteriors are true, is at most each level."""
    ordered = np.sort(found)
    shares: np.ndarray = np.searchsorted(ordered, levels, side="right") / len(found)
    return shares


def null_band(
    galaxies: int, levels: Float64[np.ndarray, " level"]
) -> Float64[np.ndarray, "2 level"]:
    """Shares between which a perfect posterior's coverage lies in 95 % of sets of this size."""
    error = NORMAL_95 * np.sqrt(levels * (1 - levels) / galaxies)
    return np.stack([levels - error, levels + error]).clip(0, 1)


class Verdict(Enum):
    """What coverage says of a posterior's width."""

    CALIBRATED = "calibrated"
    OVERCONFIDENT = "overconfident"
    CAUTIOUS = "cautious"

    @classmethod
    def of(
        cls, covered: Float64[np.ndarray, " level"], chance: Float64[np.ndarray, " level"]
    ) -> Verdict:
        """The verdict on one parameter's coverage at `LEVELS`; too little at any weighs most.

        `chance` is the deviation that a perfect posterior seldom exceeds; a release's tolerance is
        left in any case.
        """
        deviations, limits = covered - np.array(LEVELS), np.maximum(chance, TOLERANCES)
        if (deviations < -limits).any():
            return cls.OVERCONFIDENT
        return cls.CAUTIOUS if (deviations > limits).any() else cls.CALIBRATED
