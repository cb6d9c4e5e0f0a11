"""Ranks: where each truth lies in its own posterior (the probability integral transform).

Uniform where posteriors are true (Dawid 1984, doi:10.2307/2981683).
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64

from gampen.posterior import Posterior


def ranks(
    posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
) -> Float64[np.ndarray, "galaxy parameter"]:
    """The posterior probability below each truth."""
    found: np.ndarray = posterior.cdf(torch.from_numpy(truth)).numpy()
    return found


def uniform_distance(rank: Float64[np.ndarray, " galaxy"]) -> float:
    """The Kolmogorov-Smirnov distance of ranks from uniform."""
    ordered, count = np.sort(rank), len(rank)
    above = np.arange(1, count + 1) / count - ordered
    below = ordered - np.arange(count) / count
    return float(np.maximum(above, below).max())
