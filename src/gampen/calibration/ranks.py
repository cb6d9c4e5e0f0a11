"""Ranks: where each truth lies in its own posterior (the probability integral transform).

Uniform where posteriors are true (Dawid 1984, doi:10.2307/2981683).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from gampen.calibration.labels import Labelled
from gampen.posterior import Posterior
from gampen.probability.bijections import Identity
from gampen.probability.marginals import Marginal

EDGE = 1e-16  # of a rank, beyond which there are no digits left


def ranks(
    posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
) -> Float64[np.ndarray, "galaxy parameter"]:
    """The posterior probability below each truth; NaN where it is not known."""
    found: np.ndarray = posterior.cdf(torch.from_numpy(truth)).numpy()
    return found


def uniform_distance(rank: Float64[np.ndarray, " galaxy"]) -> float:
    """The Kolmogorov-Smirnov distance of ranks from uniform, those that are NaN left out."""
    ordered = np.sort(rank[np.isfinite(rank)])
    count = len(ordered)
    above = np.arange(1, count + 1) / count - ordered
    below = ordered - np.arange(count) / count
    return float(np.maximum(above, below).max())


@dataclass(frozen=True, eq=False)
class ZScores:
    """Truth less posterior mean over posterior deviation, in unconstrained space.

    Of mean 0 and deviation 1 where posteriors are true; NaN where the truth is not known.
    `fourth_moment` is the mean fourth power that they then have: 3 for Gaussians.
    """

    values: Float64[np.ndarray, "galaxy parameter"]
    fourth_moment: Float64[np.ndarray, " parameter"]

    @classmethod
    def of(cls, posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]) -> ZScores:
        """The scores of posteriors given their truths.

        Of labels with errors: the Gaussian deviations of their ranks, which are exact.
        """
        mixture = posterior.mixture
        deviations = mixture.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
        points = posterior.space.unconstrain(torch.from_numpy(truth))
        columns = (mixture.marginal([index]) for index in range(len(posterior.space)))
        kurtosis = torch.stack([Marginal.of(c, Identity()).kurtosis for c in columns], dim=1)
        values, known = (points - mixture.mean) / deviations, points.isfinite()
        if isinstance(posterior, Labelled):
            noisy = posterior.noisy
            values = torch.where(noisy, sigmas(ranks(posterior, truth)), values)
            kurtosis = torch.where(noisy, 0.0, kurtosis)
        moments = 3 + torch.where(known, kurtosis, 0.0).sum(dim=0) / known.sum(dim=0)
        return cls(values.numpy(), moments.numpy())


def sigmas(rank: Float64[np.ndarray, "galaxy parameter"]) -> Float64[Tensor, "galaxy parameter"]:
    """The deviations of a standard Gaussian with these ranks: how many sigmas off truths are."""
    inside = torch.from_numpy(rank).clamp(EDGE, 1 - EDGE)
    found: Tensor = torch.special.ndtri(inside)
    return found
