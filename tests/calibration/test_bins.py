"""Coverage in bins: equal counts, faults found where they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gampen.calibration.bins import LEVEL, MOST_CATEGORIES, OTHERS, BinnedCoverage

GALAXIES = 5000


def ranks(seed=0, galaxies=GALAXIES):
    return np.random.default_rng(seed).uniform(size=(galaxies, 2))


def test_bins_hold_equal_numbers_in_order_of_the_column():
    column = np.random.default_rng(1).lognormal(size=1003)
    binned = BinnedCoverage.of(ranks(galaxies=1003), column)
    assert sorted(binned.count) == [100] * 7 + [101] * 3
    assert binned.count.sum() == 1003
    assert (np.diff(binned.middle) > 0).all()
    assert binned.middle[0] == np.median(np.sort(column)[: binned.count[0]])


def test_coverage_is_counted_in_each_bin():
    column = np.arange(40.0)
    inside = np.where(column % 4 == 0, 0.99, 0.5)
    found = BinnedCoverage.of(np.stack([inside, np.full(40, 0.5)], axis=1), column)
    np.testing.assert_allclose(found.covered, [[0.75] * 10, [1.0] * 10])
    np.testing.assert_allclose(found.rms, [0.75 - LEVEL, 1 - LEVEL])


def test_true_posteriors_cover_each_bin_within_its_noise():
    column = np.random.default_rng(2).normal(size=GALAXIES)
    found = BinnedCoverage.of(ranks(), column)
    assert found.noise == pytest.approx(np.sqrt(LEVEL * (1 - LEVEL) / 500))
    # 20 cells, each outside of four standard errors once in 15,000 sets
    assert (np.abs(found.deviation) < 4 * found.noise).all()


@pytest.mark.parametrize(("width", "side"), [(0.6, 1), (1.8, -1)])
def test_a_fault_in_a_tenth_of_the_galaxies_is_found_in_its_bin(width, side):
    column = np.random.default_rng(2).normal(size=GALAXIES)
    rank, worst = ranks(), column > np.quantile(column, 0.9)
    rank[worst] = np.clip(0.5 + width * (rank[worst] - 0.5), 0, 1)
    found = BinnedCoverage.of(rank, column)
    assert (side * found.deviation[:, -1] > 8 * found.noise[:, -1]).all()
    assert (np.abs(found.deviation[:, :-1]) < 4 * found.noise[:, :-1]).all()


def test_categories_are_bins_with_the_most_frequent_first():
    column = np.array(["b"] * 30 + ["a"] * 60 + [""] * 10)
    found = BinnedCoverage.of(ranks(galaxies=100), column)
    assert found.labels == ("a", "b", "(empty)")
    assert found.count.tolist() == [60, 30, 10]
    assert found.categorical
    inside = np.abs(ranks(galaxies=100)[:30] - 0.5) <= LEVEL / 2
    np.testing.assert_allclose(found.covered[:, 1], inside.mean(axis=0))


def test_the_rarest_of_many_categories_are_one():
    column = np.repeat([f"field {number:02}" for number in range(30)], range(1, 31))
    found = BinnedCoverage.of(ranks(galaxies=465), column)
    assert len(found.labels) == MOST_CATEGORIES
    assert found.labels[0] == "field 29"
    assert found.labels[-1] == OTHERS
    assert found.count.sum() == 465
    assert found.count[-1] == sum(range(1, 12))


def test_a_parameter_is_counted_where_it_is_known():
    rank = ranks(galaxies=100)
    rank[:7, 1] = np.nan
    found = BinnedCoverage.of(rank, np.arange(100.0))
    assert found.known.tolist() == [[10] * 10, [3] + [10] * 9]
    assert found.noise[1, 0] == pytest.approx(np.sqrt(LEVEL * (1 - LEVEL) / 3))


def test_galaxies_of_which_nothing_is_known_are_left_out():
    column = np.where(np.arange(GALAXIES) % 2 == 0, np.nan, np.arange(GALAXIES))
    found, half = BinnedCoverage.of(ranks(), column), ranks()[1::2]
    np.testing.assert_array_equal(found.covered, BinnedCoverage.of(half, column[1::2]).covered)


@given(st.integers(1, 25))
def test_a_few_galaxies_are_as_many_bins_at_most(galaxies):
    found = BinnedCoverage.of(ranks(galaxies=galaxies), np.ones(galaxies))
    assert len(found.count) == min(10, galaxies)
    assert found.count.min() >= 1
    assert np.isfinite(found.covered).all()
