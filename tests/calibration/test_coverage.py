"""Coverage, its scatter and the ranks behind it, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst
from scipy import stats

from gampen.calibration.coverage import coverage, null_band
from gampen.calibration.ranks import uniform_distance

LEVELS = np.array([0.02, 0.3, 0.6827, 0.9545, 0.98])
unit = st.floats(0, 1)


def test_coverage_counts_the_truths_inside_central_intervals():
    ranks = np.array([[0.5, 0.01], [0.2, 0.99], [0.9, 0.5], [0.4, 0.0]])
    found = coverage(ranks, np.array([0.5, 0.9]))
    np.testing.assert_array_equal(found, [[0.5, 1.0], [0.25, 0.25]])


def test_truths_that_are_not_known_do_not_count():
    ranks = np.array([[0.5, np.nan], [0.1, np.nan], [np.nan, np.nan], [0.6, np.nan]])
    np.testing.assert_array_equal(coverage(ranks, np.array([0.5])), [[2 / 3], [np.nan]])
    assert uniform_distance(ranks[:, 0]) == uniform_distance(np.array([0.1, 0.5, 0.6]))


@given(nst.arrays(np.float64, (20, 2), elements=unit), unit, unit)
def test_wider_intervals_hold_no_fewer_truths(ranks, first, second):
    low, high = coverage(ranks, np.array(sorted((first, second)))).T
    assert (low <= high).all()


@pytest.mark.parametrize("galaxies", [100, 2000, 50_000])
def test_the_band_of_chance_is_that_of_the_binomial(galaxies):
    expected = np.stack(stats.binom.interval(0.95, galaxies, LEVELS)) / galaxies
    # counts are whole numbers, and their tails a little skewed
    np.testing.assert_allclose(null_band(galaxies, LEVELS), expected, rtol=0, atol=1.5 / galaxies)


def test_no_band_leaves_what_a_share_can_be():
    band = null_band(4, LEVELS)
    assert band.min() >= 0
    assert band.max() <= 1


@given(nst.arrays(np.float64, st.integers(1, 60), elements=unit))
def test_the_distance_from_uniform_is_that_of_kolmogorov_and_smirnov(ranks):
    assert uniform_distance(ranks) == pytest.approx(stats.kstest(ranks, "uniform").statistic)
