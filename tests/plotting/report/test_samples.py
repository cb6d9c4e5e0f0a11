"""The sample as a whole: two ways to count the same galaxies."""

import numpy as np
import pytest
import torch

from arms import posterior_of
from gampen.plotting.report.samples import FEWEST_BINS, MOST_BINS, Axis, Sample, shares_below
from strategies import random_mixture

GALAXIES = 200


@pytest.fixture(scope="module")
def posterior():
    return posterior_of(random_mixture(GALAXIES, 3))


def everyone(count=GALAXIES):
    return np.ones(count, dtype=bool)


@pytest.mark.parametrize("name", ["bulge_to_total", "effective_radius", "flux"])
def test_both_distributions_hold_the_sample(posterior, name):
    sample = Sample.of(posterior[name], everyone())
    width = np.diff(np.log10(sample.edges) if sample.log else sample.edges)
    assert (sample.bars * width).sum() == pytest.approx(1, abs=0.03)
    spacing = np.diff(np.log10(sample.grid) if sample.log else sample.grid)
    np.testing.assert_allclose(spacing, spacing[0], rtol=1e-6)
    assert (sample.stacked * spacing[0]).sum() == pytest.approx(1, abs=0.04)


def test_the_stack_is_the_mean_of_all_marginals(posterior):
    marginal = posterior["bulge_to_total"]
    sample = Sample.of(marginal, everyone())
    points = torch.from_numpy(sample.grid)
    density = torch.stack([marginal.pdf(point.expand(GALAXIES)).mean() for point in points])
    inside = slice(5, -5)  # near a bound a density changes within a bin
    np.testing.assert_allclose(sample.stacked[inside], density[inside], rtol=0.02)


def test_no_posterior_is_too_narrow_for_the_stack():
    narrow = posterior_of(random_mixture(GALAXIES, 1))
    scale = 1e3 * narrow.mixture.precision_cholesky
    narrow = posterior_of(
        type(narrow.mixture)(narrow.mixture.log_weights, narrow.mixture.means, scale)
    )
    sample = Sample.of(narrow["bulge_to_total"], everyone())
    assert sample.stacked.mean() == pytest.approx(1, abs=1e-6)


def test_galaxies_that_are_not_known_are_left_out(posterior):
    known = everyone()
    known[50:] = False
    some, alone = Sample.of(posterior["flux"], known), posterior.select(slice(0, 50))
    expected = Sample.of(alone["flux"], everyone(50))
    np.testing.assert_allclose(some.stacked, expected.stacked)
    np.testing.assert_allclose(some.bars, expected.bars)
    assert some.galaxies == 50


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_galaxies_have_no_distribution(posterior, count):
    known = np.arange(GALAXIES) < count
    assert Sample.of(posterior["flux"], known) is None


def test_magnitudes_of_unknown_zero_point_are_left_out(posterior):
    assert Sample.of(posterior.magnitude(), everyone()) is None


def test_bins_are_few_for_few_galaxies_and_many_for_many(posterior):
    few = Sample.of(posterior["flux"], np.arange(GALAXIES) < 5)
    assert len(few.bars) == FEWEST_BINS
    assert len(Sample.of(posterior["flux"], everyone()).bars) == 12
    many = posterior_of(random_mixture(4000, 1))
    assert len(Sample.of(many["flux"], everyone(4000)).bars) == MOST_BINS


def test_an_axis_between_two_bounds_is_all_of_them(posterior):
    axis = Axis.of(posterior["bulge_to_total"], everyone())
    assert (axis.low, axis.high, axis.log) == (0, 1, False)
    below = shares_below(posterior["bulge_to_total"], everyone(), axis.spaced(3))
    assert (below[0], below[-1]) == (0, 1)
