"""Covariances of values and joint credible levels, against draws and closed forms."""

import math

import torch
from scipy import stats

from gampen.probability.bijections import Exponential, Identity, Logistic
from gampen.probability.joint import conditional_epistemic, joint_level, value_covariance
from strategies import random_mixture


def generator():
    """The random stream of these tests."""
    return torch.Generator().manual_seed(4)


def test_the_covariance_of_values_is_that_of_many_draws():
    mixture, draws = random_mixture(8), 100_000
    bijections = [Identity(), Exponential(0.0), Logistic(0.0, 1.0)]
    points = mixture.sample(draws, generator())
    values = torch.stack(
        [kind.forward(points[..., index]) for index, kind in enumerate(bijections)], dim=-1
    )
    covariance = value_covariance(mixture, bijections)
    scale = covariance.diagonal(dim1=1, dim2=2).sqrt()
    for galaxy in range(len(mixture)):
        estimate = torch.cov(values[:, galaxy].T)
        difference = (estimate - covariance[galaxy]) / torch.outer(scale[galaxy], scale[galaxy])
        # Products of deviations have a heavy tail behind an exponential: variance below 40.
        assert difference.abs().max() < 5 * math.sqrt(40 / draws)


def test_without_bounds_the_covariance_is_the_mixtures_own():
    mixture = random_mixture(5)
    torch.testing.assert_close(value_covariance(mixture, [Identity()] * 3), mixture.covariance)


def test_many_galaxies_are_worked_on_in_parts():
    mixture = random_mixture(1500, 2, 2)
    bijections = [Exponential(0.0), Logistic(0.0, 1.0)]
    alone = value_covariance(mixture.select([1400]), bijections)
    torch.testing.assert_close(value_covariance(mixture, bijections)[1400:1401], alone)


def test_the_level_of_one_gaussian_is_a_chi_squared():
    mixture = random_mixture(6, components=1)
    points = mixture.sample(1, generator())[0]
    offset = (points - mixture.means[:, 0]).unsqueeze(-1)
    square = (offset.mT @ torch.linalg.solve(mixture.covariances[:, 0], offset)).flatten()
    expected = torch.from_numpy(stats.chi2(3).cdf(square.numpy()))
    torch.testing.assert_close(joint_level(mixture, points, 10, generator()), expected)


def test_drawn_levels_agree_with_the_exact_ones_within_their_error():
    single = random_mixture(40, components=1)
    # The same Gaussian twice is a mixture of two, for which the level is drawn.
    twice = type(single)(
        torch.full((40, 2), math.log(0.5), dtype=torch.float64),
        single.means.repeat(1, 2, 1),
        single.precision_cholesky.repeat(1, 2, 1, 1),
    )
    points = single.sample(1, generator())[0]
    exact = joint_level(single, points, 1, generator())
    drawn = joint_level(twice, points, 4000, generator())
    error = (exact * (1 - exact) / 4000).sqrt()
    assert ((drawn - exact).abs() < 4 * error + 1e-3).all()


def test_levels_of_draws_of_the_posterior_itself_are_uniform():
    mixture = random_mixture(1000)
    points = mixture.sample(1, generator())[0]
    levels = joint_level(mixture, points, 500, torch.Generator().manual_seed(5))
    # The Kolmogorov-Smirnov distance of 1000 uniform numbers exceeds 0.062 once in a thousand.
    assert stats.kstest(levels.numpy(), "uniform").statistic < 0.062


def test_the_conditional_epistemic_covariance_is_exact_for_one_gaussian():
    mixture = random_mixture(3, components=1)
    moves = 0.1 * torch.randn(500, 3, 3, generator=generator(), dtype=torch.float64)
    epistemic = torch.einsum("dgp,dgq->gpq", moves, moves) / 500
    given = torch.tensor([[0.2], [0.1], [-0.5]], dtype=torch.float64)
    conditional = [
        mixture.affine(torch.ones(1, 3, dtype=torch.float64), move).condition([1], given).mean
        for move in moves
    ]
    offsets = torch.stack(conditional) - mixture.condition([1], given).mean
    expected = torch.einsum("dgp,dgq->gpq", offsets, offsets) / 500
    found = conditional_epistemic(epistemic, mixture.covariance, [1])
    torch.testing.assert_close(found, expected)
