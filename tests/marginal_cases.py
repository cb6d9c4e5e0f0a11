"""Marginals by hand: of one galaxy, and of many at once, through each kind of bijection."""

import torch

from gampen.probability.bijections import Exponential, Identity, Logistic
from gampen.probability.marginals import Marginal
from gampen.probability.mixtures import GaussianMixture
from strategies import random_mixture

KINDS = [Identity(), Exponential(0.0), Logistic(0.0, 1.0)]


def of(weights, means, deviations, bijection):
    """The marginal of one galaxy."""
    covariances = torch.tensor(deviations, dtype=torch.float64).square()[None, :, None, None]
    points = torch.tensor(means, dtype=torch.float64)[None, :, None]
    weights = torch.tensor(weights, dtype=torch.float64)[None]
    return Marginal.of(GaussianMixture.from_covariances(weights, points, covariances), bijection)


def many(bijection, galaxies=200, seed=3):
    """The marginals of many random mixtures."""
    return Marginal.of(random_mixture(galaxies, 4, 1, seed), bijection)
