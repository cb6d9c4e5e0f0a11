"""Axis ratios of elongations, beside scipy's noncentral law, and beside many draws."""

import numpy as np
import pytest
import torch
from hypothesis import given
from scipy import stats

from gampen.probability.axis_ratios import AxisRatios
from gampen.probability.mixtures import GaussianMixture
from strategies import mixtures, random_mixture

LEVELS = torch.tensor([0.00135, 0.16, 0.5, 0.84, 0.99865], dtype=torch.float64)[:, None]


def round_normal(distance, deviation, angle=0.9):
    """One galaxy whose elongation is as uncertain in any direction."""
    place = distance * torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float64)
    covariance = deviation**2 * torch.eye(2, dtype=torch.float64)
    one = torch.ones(1, 1, dtype=torch.float64)
    return GaussianMixture.from_covariances(one, place[None, None], covariance[None, None])


@pytest.mark.parametrize("distance", [0.0, 0.02, 0.3, 1.3])
@pytest.mark.parametrize("deviation", [0.003, 0.05, 0.5])
def test_quantiles_are_those_of_the_noncentral_chi_square(distance, deviation):
    found = AxisRatios.of(round_normal(distance, deviation)).ppf(LEVELS)[:, 0]
    squares = (-found.log() / deviation**2).numpy()
    below = 1 - stats.ncx2.cdf(squares, 2, max(distance / deviation, 1e-9) ** 2)
    np.testing.assert_allclose(below, LEVELS[:, 0].numpy(), atol=1e-6)


@given(mixtures(3, 2, spread=1.0))
def test_cdf_and_quantiles_are_inverse(mixture):
    found = AxisRatios.of(mixture)
    values = found.ppf(LEVELS)
    assert bool((values.diff(dim=0) >= 0).all())
    inside = (values > 1e-9) & (values < 1 - 1e-9)
    error = (found.cdf(values) - LEVELS).abs()
    assert float(error.where(inside, 0.0).max()) < 1e-6


def test_everything_is_as_many_draws_have_it():
    plane, draws = random_mixture(40, parameters=2, seed=3), 40_000
    points = plane.sample(draws, torch.Generator().manual_seed(5))
    drawn, found = (-points.square().sum(dim=-1)).exp(), AxisRatios.of(plane)
    # four standard errors of a mean of so many draws, over forty galaxies
    error = drawn.std(dim=0) / draws**0.5
    assert float(((drawn.mean(dim=0) - found.mean) / error).abs().max()) < 4.5
    torch.testing.assert_close(found.std, drawn.std(dim=0), rtol=0.03, atol=0)
    shares = (drawn < found.ppf(LEVELS)[:, None]).double().mean(dim=1)
    spread = (LEVELS * (1 - LEVELS) / draws).sqrt()
    assert float(((shares - LEVELS) / spread).abs().max()) < 5


def test_a_component_that_is_narrow_aslant_is_summed_as_well():
    angle = torch.tensor(0.6, dtype=torch.float64)
    axis = torch.stack([angle.cos(), angle.sin()])
    across = torch.stack([-axis[1], axis[0]])
    covariance = 0.3**2 * torch.outer(axis, axis) + 0.002**2 * torch.outer(across, across)
    one = torch.ones(1, 1, dtype=torch.float64)
    mean = torch.tensor([[[0.4, -0.1]]], dtype=torch.float64)
    plane = GaussianMixture.from_covariances(one, mean, covariance[None, None])
    drawn = (-plane.sample(200_000, torch.Generator().manual_seed(1)).square().sum(dim=-1)).exp()
    shares = AxisRatios.of(plane).cdf(torch.quantile(drawn, LEVELS[:, 0], dim=0))
    assert float(((shares - LEVELS) / (LEVELS * (1 - LEVELS) / 200_000).sqrt()).abs().max()) < 5


def test_a_galaxy_does_not_depend_on_its_company_or_on_how_it_is_turned():
    plane = random_mixture(9, parameters=2, seed=3)
    angle = torch.linspace(0, 6, 9, dtype=torch.float64)
    turned = plane.turned(0, torch.stack([angle.cos(), angle.sin()], dim=-1))
    found, other = AxisRatios.of(plane).ppf(LEVELS), AxisRatios.of(turned).ppf(LEVELS)
    torch.testing.assert_close(found, other, rtol=1e-7, atol=1e-9)
    alone = AxisRatios.of(plane.select([4])).ppf(LEVELS)[:, 0]
    assert torch.equal(alone, found[:, 4])


def test_no_axis_ratio_lies_outside_of_nought_and_one():
    found = AxisRatios.of(round_normal(0.5, 0.3))
    values = torch.tensor([[-1.0], [0.0], [1.0], [2.0]], dtype=torch.float64)
    assert found.cdf(values).flatten().tolist() == [0, 0, 1, 1]
    assert found.interval(0.9).shape == (1, 2)
    assert len(found) == 1
