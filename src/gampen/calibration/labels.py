"""Labels with errors: a fitted or human label is not the truth, and its error is accounted for.

The posterior of the label is that of the truth convolved with the label's error. To first order
(the delta method) an error of `sigma` in a value is one of `sigma / slope` in unconstrained space,
with the slope of the parameter's bijection at the mean of each component: components stay Gaussian,
and their covariances grow by it. The slope is never that at the label itself, on which the
distribution of the label must not depend.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture

MOST_BEND = 0.3
"""The largest change of ln slope over one error at which the first order is trusted.

The nearest bound is then more than three errors away, so that labels seldom fall outside.
"""


def predictive(posterior: Posterior, errors: Float64[np.ndarray, "galaxy parameter"]) -> Posterior:
    """The posterior of labels with these one-sigma errors [parameters' units], of first order."""
    noisy = np.flatnonzero(errors.any(axis=1))
    if not len(noisy):
        return posterior
    before, rows = posterior.mixture, torch.from_numpy(noisy)
    spread = _spread(posterior, errors)[rows]
    wider = GaussianMixture.from_covariances(
        before.log_weights[rows].exp(),
        before.means[rows],
        before.select(rows).covariances + torch.diag_embed(spread.square()),
    )
    parts = ("log_weights", "means", "precision_cholesky")
    merged = [getattr(before, part).index_copy(0, rows, getattr(wider, part)) for part in parts]
    return replace(posterior, mixture=GaussianMixture(*merged))


def linear(
    posterior: Posterior, errors: Float64[np.ndarray, "galaxy parameter"]
) -> Bool[np.ndarray, "galaxy parameter"]:
    """Whether labels with these errors are small enough to be accounted for at first order.

    It depends on posterior and error alone, so that what is left out is not chosen by its label.
    """
    means, weights = posterior.mixture.means, posterior.mixture.log_weights.exp()
    columns = zip(posterior.space, means.unbind(-1), strict=True)
    gradient = torch.stack([p.bijection.log_slope_gradient(column) for p, column in columns], -1)
    bend = (weights.unsqueeze(-1) * gradient.abs() * _spread(posterior, errors)).sum(dim=1)
    small: np.ndarray = (bend <= MOST_BEND).numpy()
    return small


def _spread(
    posterior: Posterior, errors: Float64[np.ndarray, "galaxy parameter"]
) -> Float[Tensor, "galaxy component parameter"]:
    """The labels' errors in unconstrained space, at each component's mean."""
    columns = zip(posterior.space, posterior.mixture.means.unbind(-1), strict=True)
    log_slope = torch.stack([p.bijection.log_slope(column) for p, column in columns], dim=-1)
    return torch.from_numpy(errors).unsqueeze(1) * (-log_slope).exp()
