"""Coverage: the share of truths inside the central interval of each probability."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64

LEVELS = (0.6827, 0.9545, 0.9973)
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
    return np.stack([levels - error, levels + error])


def deviation_limit(galaxies: int, level: float, tolerance: float) -> float:
    """The largest |coverage - level| to be let pass: a tolerance and three standard errors."""
    return tolerance + 3 * math.sqrt(level * (1 - level) / galaxies)
