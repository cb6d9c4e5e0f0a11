"""Modes and highest-density regions: their laws, dense grids, and arviz-stats on many draws."""

import math

import numpy as np
import pytest
import torch
from arviz_stats.base import array_stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from gampen.probability.bijections import Exponential, Identity, Logistic
from gampen.probability.highest_density import Landscape
from gampen.probability.marginals import Marginal
from marginal_cases import KINDS, many, of
from strategies import marginals, random_mixture


def masses(marginal, region):
    """The probability of each galaxy's region, from unconstrained segments."""
    edges = marginal.density.below(region.flatten(1)).unflatten(1, (4, 2))
    return (edges[..., 1] - edges[..., 0]).nansum(dim=1)


def region_of(marginal, level):
    """The unconstrained region, in which nothing is rounded to the bounds."""
    return Landscape.of(marginal.density).region(level)


@settings(max_examples=20)
@given(marginals(), st.floats(0.05, 0.99))
def test_a_region_holds_its_level(marginal, level):
    found = masses(marginal, region_of(marginal, level))
    torch.testing.assert_close(found, torch.full_like(found, level), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("bijection", KINDS)
@pytest.mark.parametrize("level", [0.1, 0.6827, 0.9973])
def test_the_density_is_equal_at_every_edge(bijection, level):
    marginal = many(bijection, 500)
    region = region_of(marginal, level).flatten(1)
    heights = marginal.density.log_value_density(region)
    spread = np.nanmax(heights.numpy(), axis=1) - np.nanmin(heights.numpy(), axis=1)
    assert spread.max() < 1e-8
    torch.testing.assert_close(
        masses(marginal, region.unflatten(1, (4, 2))), torch.full((500,), level).double()
    )


@pytest.mark.parametrize("bijection", KINDS)
def test_every_point_inside_is_denser_than_every_point_outside(bijection):
    marginal = many(bijection, 100)
    region = region_of(marginal, 0.6827)
    low, high = marginal.density.search_range(5.0)
    steps = torch.linspace(0, 1, 4001, dtype=torch.float64)
    grid = low.amin(dim=0)[:, None] + (high.amax(dim=0) - low.amin(dim=0))[:, None] * steps
    inside = (
        (grid[..., None] > region[:, None, :, 0]) & (grid[..., None] < region[:, None, :, 1])
    ).any(-1)
    heights = marginal.density.log_value_density(grid)
    least = torch.where(inside, heights, torch.inf).amin(dim=1)
    most = torch.where(inside, -torch.inf, heights).amax(dim=1)
    assert bool((least >= most - 1e-8).all())


@settings(max_examples=20)
@given(marginals(max_components=1), st.floats(0.1, 0.95))
def test_a_region_is_no_longer_than_the_equal_tailed_interval(marginal, level):
    interval, region = marginal.interval(level), marginal.hdi(level)
    length = (region[..., 1] - region[..., 0]).nansum(dim=1)
    assert bool((length <= (interval[:, 1] - interval[:, 0]) * (1 + 1e-9)).all())


def test_one_gaussian_has_the_region_of_scipy():
    region = of([1.0], [2.0], [0.3], Identity()).hdi(0.6827)[0, 0].numpy()
    np.testing.assert_allclose(region, stats.norm(2, 0.3).interval(0.6827), rtol=1e-9)


def test_a_log_normal_has_the_shortest_region():
    value = stats.lognorm(0.6, scale=math.exp(0.4))

    def length(tail):
        return value.ppf(tail + 0.6827) - value.ppf(tail)

    best = optimize.minimize_scalar(
        length, bounds=(0, 0.3), method="bounded", options={"xatol": 1e-12}
    )
    region = of([1.0], [0.4], [0.6], Exponential(0.0)).hdi(0.6827)[0, 0]
    assert math.isclose((region[1] - region[0]).item(), best.fun, rel_tol=1e-9)


@pytest.mark.parametrize("bijection", KINDS)
def test_regions_are_those_of_arviz_on_many_draws(bijection):
    marginal = of([0.45, 0.55], [-1.2, 1.6], [0.35, 0.3], bijection)
    levels = torch.from_numpy((np.arange(200_000) + 0.5) / 200_000)[:, None]
    draws = marginal.ppf(levels)[:, 0].numpy()
    expected = array_stats.hdi(draws, prob=0.6827, method="multimodal")
    found = marginal.hdi(0.6827)[0, : len(expected)].numpy()
    # A kernel density estimate blurs: one bin of its grid is as much as can be asked.
    np.testing.assert_allclose(found, expected, atol=0.02 * np.ptp(draws))
    interval = array_stats.eti(draws, prob=0.6827)
    np.testing.assert_allclose(marginal.interval(0.6827)[0].numpy(), interval, rtol=1e-3)


@pytest.mark.parametrize("bijection", KINDS)
def test_the_mode_is_the_top_of_a_dense_grid(bijection):
    marginal = many(bijection, 100)
    low, high = marginal.density.search_range(4.0)
    steps = torch.linspace(0, 1, 5001, dtype=torch.float64)
    grid = low.amin(dim=0)[:, None] + (high.amax(dim=0) - low.amin(dim=0))[:, None] * steps
    top = marginal.density.log_value_density(grid).amax(dim=1)
    found = marginal.density.log_value_density(Landscape.of(marginal.density).mode)
    assert bool((found >= top - 1e-12).all())
    assert (found - top).max() < 1e-4


def test_the_mode_of_a_log_normal_is_in_the_value_and_not_its_logarithm():
    mode = of([1.0], [1.0], [0.5], Exponential(0.0)).mode.item()
    assert math.isclose(mode, math.exp(1 - 0.25), rel_tol=1e-12)


def test_a_wide_logistic_piles_up_at_both_bounds():
    marginal = of([1.0], [0.0], [4.0], Logistic(0.0, 1.0))
    region = marginal.hdi(0.6827)[0]
    assert int(region[:, 0].isfinite().sum()) == 2
    assert region[0, 0] < 1e-9
    assert region[1, 1] > 1 - 1e-9
    assert math.isclose(masses(marginal, region_of(marginal, 0.6827)).item(), 0.6827, rel_tol=1e-9)
    torch.testing.assert_close(region[0, 1] + region[1, 0], torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("mean", [-30.0, -8.0, 8.0, 30.0])
def test_a_logistic_at_one_bound_has_its_mode_and_region_there(mean):
    marginal = of([1.0], [mean], [0.5], Logistic(0.0, 1.0))
    near = marginal.mode if mean < 0 else 1 - marginal.mode
    assert near.item() < 1e-3
    assert math.isclose(masses(marginal, region_of(marginal, 0.95)).item(), 0.95, rel_tol=1e-9)


def test_four_peaks_give_four_segments():
    marginal = of([0.25] * 4, [0.0, 10.0, 20.0, 30.0], [1.0] * 4, Identity())
    expected = np.array(stats.norm.interval(0.5)) + 10 * np.arange(4)[:, None]
    np.testing.assert_allclose(marginal.hdi(0.5)[0].numpy(), expected, atol=1e-7)


def test_more_than_four_segments_are_joined_across_the_narrowest_gaps():
    places = [0.0, 10.0, 18.0, 30.0, 40.0, 47.0]
    marginal = of([1 / 6] * 6, places, [1.0] * 6, Identity())
    region = marginal.hdi(0.5)[0]
    middles = region.mean(dim=1)
    torch.testing.assert_close(
        middles, torch.tensor([0, 14, 30, 43.5], dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_segments_are_in_order_and_padded_with_nan():
    region = Marginal.of(random_mixture(400, 4, 1, 5), Logistic(0.0, 1.0)).hdi(0.6827)
    flat = region.flatten(1)
    missing = flat.isnan()
    assert bool((missing.diff(dim=1).to(torch.int8) >= 0).all())
    assert bool((flat.diff(dim=1)[~missing[:, 1:]] > 0).all())
