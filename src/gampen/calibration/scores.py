"""Scores: how sharp posteriors are, and how well they predict."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64

from gampen.parameters import ParameterSpace
from gampen.posterior import Posterior
from gampen.settings import Scaling

SIGMA_QUANTILES = (0.15865, 0.84135)


def negative_log_likelihood(
    posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
) -> Float64[np.ndarray, " galaxy"]:
    """-ln of the posterior density at each truth, in the parameters' own units."""
    found: np.ndarray = -posterior.log_prob(torch.from_numpy(truth)).numpy()
    return found


def errors(
    estimate: Float64[np.ndarray, "galaxy parameter"],
    truth: Float64[np.ndarray, "galaxy parameter"],
    space: ParameterSpace,
) -> Float64[np.ndarray, "galaxy parameter"]:
    """Estimate minus truth; as a share of the truth for lengths and fluxes."""
    relative = np.array([parameter.scaling is not Scaling.NONE for parameter in space])
    found: np.ndarray = (estimate - truth) / np.where(relative, truth, 1.0)
    return found


def scatter(
    error: Float64[np.ndarray, "galaxy parameter"],
) -> Float64[np.ndarray, " parameter"]:
    """Half of the range that holds the central 68.27 % of the errors that are known."""
    low, high = np.nanquantile(error, SIGMA_QUANTILES, axis=0)
    found: np.ndarray = (high - low) / 2
    return found


def rank_correlation(
    first: Float64[np.ndarray, " galaxy"], second: Float64[np.ndarray, " galaxy"]
) -> float:
    """Spearman's rank correlation, ties sharing their mean rank; 0 where either is constant."""
    ranks = np.stack([mean_ranks(first), mean_ranks(second)])
    if not ranks.std(axis=1).all():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def mean_ranks(values: Float64[np.ndarray, " galaxy"]) -> Float64[np.ndarray, " galaxy"]:
    """The place of each value in ascending order, from 1; equal values share their mean place."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks
