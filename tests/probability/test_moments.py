"""Moments of values against scipy's quadrature and distributions."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.special import expit

from gampen.probability.bijections import Exponential, Identity, Logistic
from gampen.probability.moments import (
    Moments,
    gaussian_covariance,
    gaussian_moments,
    mixture_moments,
)


def moments_of(bijection, mean, deviation):
    """The four moments of one Gaussian point, as numbers."""
    found = gaussian_moments(
        bijection,
        torch.tensor(mean, dtype=torch.float64),
        torch.tensor(deviation, dtype=torch.float64),
    )
    return [part.item() for part in (found.mean, found.second, found.third, found.fourth)]


def expected_moments(value, mean, deviation):
    """The same by adaptive quadrature, cut where the value bends."""

    def expectation(function):
        low, high = mean - 14 * deviation, mean + 14 * deviation
        cuts = [point for point in (-4.0, 0.0, 4.0, mean) if low < point < high]
        density = stats.norm(mean, deviation).pdf
        return integrate.quad(
            lambda u: function(value(u)) * density(u), low, high, points=cuts, limit=400, epsabs=0
        )[0]

    centre = expectation(lambda v: v)
    return [centre, *(expectation(lambda v, n=n: (v - centre) ** n) for n in (2, 3, 4))]


@pytest.mark.parametrize("deviation", [0.01, 0.5, 1.5, 4.0])
@pytest.mark.parametrize("mean", [-6.0, -1.0, 0.5, 3.0])
def test_logistic_moments_are_those_of_quadrature(mean, deviation):
    found = moments_of(Logistic(0.0, 1.0), mean, deviation)
    expected = expected_moments(expit, mean, deviation)
    scale = expected[1] ** (np.arange(1, 5) / 2)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=1e-6, atol=1e-6)


def test_the_mean_of_a_wide_logistic_keeps_its_relative_precision():
    found = moments_of(Logistic(0.0, 1.0), -12.0, 4.0)[0]
    assert math.isclose(found, expected_moments(expit, -12.0, 4.0)[0], rel_tol=1e-8)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.3), (3.0, 1e-4), (-2.0, 1.2)])
def test_exponential_moments_are_those_of_the_log_normal(mean, deviation):
    mean_, variance, skewness, kurtosis = stats.lognorm(deviation, scale=math.exp(mean)).stats(
        "mvsk"
    )
    found = moments_of(Exponential(2.0), mean, deviation)
    assert math.isclose(found[0], 2 + mean_)
    assert math.isclose(found[1], variance, rel_tol=1e-6)
    if deviation > 1e-3:  # below, scipy's own skewness loses its digits
        assert math.isclose(found[2] / found[1] ** 1.5, skewness, rel_tol=1e-9)
        assert math.isclose(found[3] / found[1] ** 2 - 3, kurtosis, rel_tol=1e-9)
    else:
        assert math.isclose(found[2] / found[1] ** 1.5, 3 * deviation, rel_tol=1e-6)


def test_the_moments_of_a_mixture_are_those_of_its_parts_pooled():
    values = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 11.0]])
    parts = [
        torch.from_numpy(np.array([[part.mean()], [other.mean()]]))
        if order == 1
        else torch.from_numpy(np.array([[stats.moment(row, order)] for row in (part, other)]))
        for order in (1, 2, 3, 4)
        for part, other in [values]
    ]
    weights = torch.tensor([[0.5], [0.5]], dtype=torch.float64)
    pooled = mixture_moments(Moments(*parts), weights)
    assert math.isclose(pooled.mean.item(), values.mean())
    found = (pooled.second, pooled.third, pooled.fourth)
    for order, moment in zip((2, 3, 4), found, strict=True):
        assert math.isclose(moment.item(), stats.moment(values.ravel(), order))


KINDS = {"identity": Identity(), "exponential": Exponential(1.0), "logistic": Logistic(0.0, 1.0)}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("rho", [-0.95, 0.4])
def test_covariances_of_values_are_those_of_a_product_grid(first, second, rho):
    means, deviations = np.array([0.4, -0.7]), np.array([0.8, 1.1])
    covariance = np.outer(deviations, deviations) * np.array([[1, rho], [rho, 1]])
    # Gauss-Hermite in two independent normals: another rule than the package's.
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    factor = np.linalg.cholesky(covariance)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1) @ factor.T + means
    one = KINDS[first].forward(torch.from_numpy(grid[..., 0])).numpy()
    two = KINDS[second].forward(torch.from_numpy(grid[..., 1])).numpy()
    outer = np.outer(weights, weights)
    expected = (outer * one * two).sum() - (outer * one).sum() * (outer * two).sum()
    found = gaussian_covariance(
        (KINDS[first], KINDS[second]), torch.from_numpy(means), torch.from_numpy(covariance)
    )
    assert math.isclose(found.item(), expected, rel_tol=1e-6)
