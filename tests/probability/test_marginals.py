"""Marginals against scipy, scoringrules, dense grids and the laws of probability."""

import math

import numpy as np
import pytest
import scoringrules
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from gampen.errors import UsageError
from gampen.probability.bijections import Exponential, Identity, Logistic
from gampen.probability.marginals import Marginal
from marginal_cases import KINDS, many, of
from strategies import marginals, random_mixture

LEVELS = torch.tensor([0.00135, 0.025, 0.16, 0.5, 0.84, 0.975, 0.99865], dtype=torch.float64)[
    :, None
]


@pytest.mark.parametrize("level", [1e-9, 0.00135, 0.3, 0.5, 0.99865, 1 - 1e-9])
def test_one_gaussian_has_the_quantiles_of_scipy(level):
    found = of([1.0], [1.3], [0.4], Identity()).ppf(level).item()
    assert math.isclose(found, stats.norm(1.3, 0.4).ppf(level), rel_tol=1e-12)
    found = of([1.0], [1.3], [0.4], Exponential(0.0)).ppf(level).item()
    assert math.isclose(found, stats.lognorm(0.4, scale=math.exp(1.3)).ppf(level), rel_tol=1e-12)


def test_pdf_and_cdf_are_those_of_scipy():
    marginal = of([0.3, 0.7], [-1.0, 2.0], [0.5, 1.0], Exponential(0.0))
    value = 2.2
    parts = [stats.lognorm(0.5, scale=math.exp(-1)), stats.lognorm(1.0, scale=math.exp(2))]
    at = torch.tensor([value], dtype=torch.float64)
    pdf = 0.3 * parts[0].pdf(value) + 0.7 * parts[1].pdf(value)
    cdf = 0.3 * parts[0].cdf(value) + 0.7 * parts[1].cdf(value)
    assert math.isclose(marginal.pdf(at).item(), pdf, rel_tol=1e-12)
    assert math.isclose(marginal.cdf(at).item(), cdf, rel_tol=1e-12)


@given(marginals(), st.floats(0.0005, 0.9995))
def test_the_cdf_of_a_quantile_is_its_level(marginal, level):
    cdf = marginal.cdf(marginal.ppf(level))
    torch.testing.assert_close(cdf, torch.full_like(cdf, level), rtol=1e-10, atol=1e-11)


@given(marginals(max_components=1), st.floats(-3, 3))
def test_the_quantile_of_a_cdf_is_the_value(marginal, deviations):
    points = marginal.density.means[0] + deviations * marginal.density.deviations[0]
    values = marginal.bijection.forward(points)
    torch.testing.assert_close(marginal.ppf(marginal.cdf(values)), values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bijection", KINDS)
def test_extreme_quantiles_are_right_for_many_galaxies_at_once(bijection):
    marginal = many(bijection)
    quantiles = marginal.ppf(LEVELS)
    assert quantiles.shape == (7, 200)
    assert bool((quantiles.diff(dim=0) > 0).all())
    assert (marginal.cdf(quantiles) - LEVELS).abs().max() < 1e-12


def test_quantiles_are_right_across_a_wide_gap():
    marginal = of([0.5, 0.5], [0.0, 1000.0], [1e-3, 1e-3], Identity())
    assert math.isclose(marginal.ppf(0.25).item(), 0, abs_tol=1e-12)
    assert math.isclose(marginal.ppf(0.75).item(), 1000, rel_tol=1e-12)


def test_levels_of_zero_and_one_are_the_bounds():
    marginal = of([1.0], [0.0], [1.0], Logistic(0.0, 1.0))
    assert (marginal.ppf(0.0).item(), marginal.ppf(1.0).item()) == (0, 1)


@pytest.mark.parametrize("bijection", KINDS)
def test_the_density_integrates_to_the_cdf(bijection):
    marginal = many(bijection, 1)
    low, high = (marginal.ppf(level).item() for level in (0.01, 0.9))

    def density(value):
        return marginal.pdf(torch.tensor([value], dtype=torch.float64)).item()

    assert math.isclose(integrate.quad(density, low, high, limit=200)[0], 0.89, rel_tol=1e-7)


def test_beyond_the_bounds_there_is_no_density_and_the_cdf_is_complete():
    marginal = of([1.0], [0.0], [1.0], Logistic(0.0, 1.0))
    for value, cdf in ((-0.5, 0), (0.0, 0), (1.0, 1), (2.0, 1)):
        at = torch.tensor([value], dtype=torch.float64)
        assert (marginal.pdf(at).item(), marginal.cdf(at).item()) == (0, cdf)


@pytest.mark.parametrize("bijection", KINDS)
def test_moments_are_those_of_many_draws(bijection):
    mixture, draws = random_mixture(20, 4, 1), 200_000
    marginal = Marginal.of(mixture, bijection)
    points = mixture.sample(draws, torch.Generator().manual_seed(0))[..., 0]
    values = bijection.forward(points).numpy()
    std = marginal.std.numpy()
    assert np.abs((values.mean(axis=0) - marginal.mean.numpy()) / std).max() < 5 / draws**0.5
    # The standard error of a standard deviation, from the kurtosis itself.
    error = np.sqrt((marginal.kurtosis.numpy() + 2) / (4 * draws))
    assert (np.abs(values.std(axis=0) / std - 1) / error).max() < 5
    skewness, kurtosis = stats.skew(values), stats.kurtosis(values)
    order = np.maximum(1, marginal.kurtosis.numpy()) ** 2
    assert (np.abs(skewness - marginal.skewness.numpy()) / order).max() < 0.05
    assert (np.abs(kurtosis - marginal.kurtosis.numpy()) / order).max() < 0.3


def test_the_crps_is_that_of_scoringrules():
    weights, means, deviations = [0.2, 0.5, 0.3], [-1.0, 0.5, 2.0], [0.3, 1.0, 0.5]
    marginal, truth = of(weights, means, deviations, Identity()), 0.8
    grid = np.linspace(-12, 12, 48_001)
    cdf = marginal.cdf(torch.from_numpy(grid)[:, None])[:, 0].numpy()
    crps = integrate.trapezoid((cdf - (grid >= truth)) ** 2, grid)
    expected = scoringrules.crps_mixnorm(truth, means, deviations, weights)
    # The step of the truth lies on a grid point; half a cell of the step is all that can be off.
    assert math.isclose(crps, expected, abs_tol=3e-4)


@pytest.mark.parametrize("bijection", KINDS)
def test_intervals_leave_equal_tails(bijection):
    marginal = many(bijection, 50)
    low, high = marginal.interval(0.9545).T
    tails = torch.full((50,), 0.02275).double()
    torch.testing.assert_close(marginal.probability(below=low), tails)
    torch.testing.assert_close(marginal.probability(above=high), tails)


def test_the_median_is_the_half_way_quantile():
    marginal = many(Logistic(0.0, 1.0), 5)
    assert torch.equal(marginal.median, marginal.ppf(0.5))


def test_probabilities_of_bounds_add_up():
    marginal = many(Logistic(0.0, 1.0), 50)
    below, above = marginal.probability(below=0.4), marginal.probability(above=0.6)
    between = marginal.probability(above=0.4, below=0.6)
    torch.testing.assert_close(below + between + above, torch.ones(50).double())
    torch.testing.assert_close(below, marginal.cdf(torch.full((50,), 0.4).double()))


def test_small_upper_tails_keep_their_digits():
    found = of([1.0], [0.0], [1.0], Identity()).probability(above=20.0).item()
    assert math.isclose(found, stats.norm.sf(20), rel_tol=1e-10)


def test_wrong_levels_and_missing_bounds_are_refused():
    marginal = many(Identity(), 2)
    for wrong in (
        lambda: marginal.ppf(1.5),
        lambda: marginal.interval(1.0),
        lambda: marginal.hdi(0.0),
        marginal.probability,
    ):
        with pytest.raises(UsageError):
            wrong()


def test_an_affine_map_moves_the_quantiles():
    marginal = many(Identity(), 3)
    slope, offset = (
        torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64),
        torch.tensor([1.0, 0.0, -3.0], dtype=torch.float64),
    )
    moved = marginal.affine(slope, offset, Identity())
    torch.testing.assert_close(moved.median, slope * marginal.median + offset)
    torch.testing.assert_close(moved.std, slope.abs() * marginal.std)


def test_no_galaxies_give_no_statistics():
    none = many(Logistic(0.0, 1.0), 4).density.take(slice(0, 0))
    marginal = Marginal(none)
    assert marginal.median.shape == marginal.mean.shape == marginal.mode.shape == (0,)
    assert (marginal.interval(0.5).shape, marginal.hdi(0.5).shape) == ((0, 2), (0, 4, 2))


def test_a_galaxy_without_a_mixture_is_nan_and_leaves_its_neighbour_alone():
    mixture = random_mixture(2, 3, 1)
    holed = mixture.affine(
        torch.ones(2, 1).double(), torch.tensor([[0.0], [math.nan]], dtype=torch.float64)
    )
    sound, half = (Marginal.of(one, Logistic(0.0, 1.0)) for one in (mixture, holed))
    for statistic in ("median", "mean", "mode", "std", "skewness", "kurtosis"):
        values = getattr(half, statistic)
        assert torch.equal(values[0], getattr(sound, statistic)[0])
        assert math.isnan(values[1])
    assert bool(half.hdi(0.68)[1].isnan().all())


@pytest.mark.parametrize("bijection", KINDS)
def test_the_answer_for_a_galaxy_does_not_depend_on_the_others(bijection):
    everyone = many(bijection, 300)
    few = Marginal(everyone.density.take(torch.tensor([250, 7])))
    for statistic in ("median", "mean", "mode", "kurtosis"):
        together = getattr(everyone, statistic)[[250, 7]]
        torch.testing.assert_close(getattr(few, statistic), together, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(
        few.hdi(0.68), everyone.hdi(0.68)[[250, 7]], rtol=1e-10, atol=1e-11, equal_nan=True
    )
