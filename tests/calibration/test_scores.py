"""Scores against scipy."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst
from scipy import stats

from gampen.calibration.scores import errors, rank_correlation, scatter
from gampen.parameters import MORPHOLOGY

numbers = st.integers(-8, 8).map(float)


@given(nst.arrays(np.float64, (2, 12), elements=numbers))
def test_rank_correlation_is_that_of_spearman_also_with_ties(values):
    assume(all(len(set(row)) > 1 for row in values))
    expected = stats.spearmanr(*values).statistic
    assert rank_correlation(*values) == pytest.approx(expected, abs=1e-12)


@given(st.permutations(range(20)))
def test_ranks_do_not_change_with_the_scale(places):
    values = np.array(places, dtype=float)
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)


def test_what_never_changes_follows_nothing():
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_errors_are_relative_for_lengths_and_fluxes_alone():
    truth = np.array([[0.5, 2.0, 100.0]])
    estimate = np.array([[0.6, 3.0, 90.0]])
    np.testing.assert_allclose(errors(estimate, truth, MORPHOLOGY), [[0.1, 0.5, -0.1]])


def test_scatter_of_normal_errors_is_their_deviation():
    count = 20_000
    sample = np.random.default_rng(2).normal(5.0, [0.5, 2.0], size=(count, 2))
    # a quantile scatters by sqrt(p (1 - p) / N) / density; half of a difference of two by less
    error = np.sqrt(0.16 * 0.84 / count) / stats.norm.pdf(1)
    np.testing.assert_allclose(scatter(sample), [0.5, 2.0], rtol=4 * error)


def test_scatter_does_not_mind_a_few_lost_galaxies():
    sample = np.random.default_rng(3).normal(size=(1000, 1))
    lost = sample.copy()
    lost[:20] = 1e6
    assert scatter(lost)[0] < 1.1 * scatter(sample)[0]
