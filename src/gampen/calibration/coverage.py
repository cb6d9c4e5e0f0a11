"""Coverage: the share of truths inside the central interval of each probability."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
from jaxtyping import Float64

LEVELS = (0.6827, 0.9545, 0.9973)
TOLERANCES = (0.01, 0.005, 0.002)  # of the coverage at each level
NORMAL_95 = 1.96


def coverage(
    ranks: Float64[np.ndarray, "galaxy parameter"], levels: Float64[np.ndarray, " level"]
) -> Float64[np.ndarray, "parameter level"]:
    """Share of truths inside each parameter's equal-tailed interval of each probability."""
    reach = np.abs(ranks - 0.5)[:, :, None]
    found: np.ndarray = (reach <= levels / 2).mean(axis=0)
    return found


def null_band(
    galaxies: int, levels: Float64[np.ndarray, " level"]
) -> Float64[np.ndarray, "2 level"]:
    """Shares between which a perfect posterior's coverage lies in 95 % of sets of this size."""
    error = NORMAL_95 * np.sqrt(levels * (1 - levels) / galaxies)
    return np.stack([levels - error, levels + error]).clip(0, 1)


def deviation_limit(galaxies: int, level: float, tolerance: float) -> float:
    """The largest |coverage - level| to be let pass: a tolerance and three standard errors."""
    return tolerance + 3 * math.sqrt(level * (1 - level) / galaxies)


class Verdict(Enum):
    """What coverage says of a posterior's width."""

    CALIBRATED = "calibrated"
    OVERCONFIDENT = "overconfident"
    CAUTIOUS = "cautious"

    @classmethod
    def of(cls, covered: Float64[np.ndarray, " level"], galaxies: int) -> Verdict:
        """The verdict on one parameter's coverage at `LEVELS`; too little at any weighs most."""
        deviations = covered - np.array(LEVELS)
        checks = zip(LEVELS, TOLERANCES, strict=True)
        limits = np.array([deviation_limit(galaxies, *check) for check in checks])
        if (deviations < -limits).any():
            return cls.OVERCONFIDENT
        return cls.CAUTIOUS if (deviations > limits).any() else cls.CALIBRATED
