"""What chance does to a perfect posterior, against scipy and against chance itself."""

import math

import numpy as np
import pytest
from scipy import stats

from gampen.calibration.coverage import GRID, LEVELS, curve
from gampen.calibration.null import Null

NUMBERS = [20, 500, 5000, 50_000]


@pytest.mark.parametrize("galaxies", NUMBERS)
@pytest.mark.parametrize("level", LEVELS)
def test_coverage_is_off_by_more_at_the_rate_of_the_binomial(galaxies, level):
    null = Null(galaxies, parameters=3, false_alarm=0.003)
    limit, share = null.share(level), stats.binom(galaxies, level)
    deviation = np.abs(np.arange(galaxies + 1) / galaxies - level)
    chance = share.pmf(np.arange(galaxies + 1))
    assert chance[deviation > limit + 1e-12].sum() <= 0.001
    # and no smaller limit would do
    assert chance[deviation > limit - 1e-9].sum() > 0.001


@pytest.mark.parametrize("galaxies", NUMBERS)
@pytest.mark.parametrize("rate", [0.05, 0.001, 1e-4])
def test_the_distance_from_uniform_is_that_of_kolmogorov(galaxies, rate):
    expected = stats.kstwo.isf(rate / 3, galaxies)
    assert Null(galaxies, 3, rate).kolmogorov() == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize("galaxies", [30, 500])
def test_a_curve_is_off_by_more_in_that_share_of_sets(galaxies):
    limit = Null(galaxies, 3, false_alarm=0.05).curve(GRID)
    sets = np.random.default_rng(3).uniform(size=(2000, galaxies))
    beyond = np.mean([np.abs(curve(levels) - GRID).max() > limit for levels in sets])
    # Shares are whole numbers of galaxies, so that the rate may be smaller with few of them; four
    # standard errors of 2,000 sets, and of the 400 from which the limit was found.
    error = math.sqrt(0.05 * 0.95 * (1 / 2000 + 1 / 400))
    assert beyond < 0.05 + 4 * error
    assert beyond > (0.01 if galaxies == 30 else 0.05 - 4 * error)


@pytest.mark.parametrize("count", [(50, 50, 51, 51), (400, 30, 5, 1)])
def test_bins_are_off_by_more_in_that_share_of_sets(count):
    counts, null = np.array(count), Null(sum(count), 3, false_alarm=0.05)
    rms = null.rms(counts, 0.6827)
    worst = [null.among(number, len(counts)).share(0.6827) for number in count]
    inside = np.random.default_rng(4).uniform(size=(2000, 3, sum(count))) < 0.6827
    parts = np.split(inside, np.cumsum(counts)[:-1], axis=2)
    deviation = np.stack([part.mean(axis=2) for part in parts], axis=2) - 0.6827
    error = math.sqrt(0.05 * 0.95 * (1 / 2000 + 1 / 400))
    beyond = (np.abs(deviation) > np.array(worst) + 1e-12).any(axis=(1, 2)).mean()
    # Counts are whole numbers, so that small bins may be off less often than they might.
    assert 0.01 < beyond < 0.05 + 4 * error
    spread = np.sqrt((np.square(deviation) * counts).sum(axis=2) / counts.sum()).max(axis=1)
    assert (spread > rms).mean() == pytest.approx(0.05, abs=4 * error)


def test_one_bin_with_one_parameter_is_the_binomial():
    null = Null(500, 1, false_alarm=0.01)
    assert null.rms(np.array([500]), 0.6827) == pytest.approx(null.share(0.6827), rel=0.06)


def test_means_and_deviations_of_z_scores_scatter_as_those_of_samples_do():
    null = Null(300, parameters=2, false_alarm=0.05)
    for law, fourth in ((stats.norm, 3.0), (stats.uniform(-(3**0.5), 12**0.5), 1.8)):
        z = law.rvs(size=(4000, 2, 300), random_state=5)
        error = math.sqrt(0.05 * 0.95 / 4000)
        means = np.abs(z.mean(axis=2)).max(axis=1) > null.mean()
        widths = np.abs(z.std(axis=2) - 1).max(axis=1) > null.deviation(fourth)
        # Half of a percent for the bound that several parameters share, and for few galaxies.
        assert means.mean() == pytest.approx(0.05, abs=4 * error + 0.005)
        assert widths.mean() == pytest.approx(0.05, abs=4 * error + 0.005)


def test_the_area_under_a_curve_has_twice_the_variance_of_mann_and_whitneys_statistic():
    galaxies, null = 200, Null(200, false_alarm=0.05)
    scores = np.random.default_rng(6).normal(size=(2000, 2, galaxies))
    areas = stats.mannwhitneyu(scores[:, 0], scores[:, 1], axis=1).statistic / galaxies**2
    beyond = np.abs(areas - 0.5) > null.area() / math.sqrt(2)
    assert beyond.mean() == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 2000))


def test_limits_shrink_with_the_root_of_the_number():
    few, many = (Null(number, 3) for number in (500, 50_000))
    count = np.full(10, 50), np.full(10, 5000)
    pairs = [
        (few.share(0.6827), many.share(0.6827)),
        (few.kolmogorov(), many.kolmogorov()),
        (few.curve(GRID), many.curve(GRID)),
        (few.mean(), many.mean()),
        (few.deviation(3), many.deviation(3)),
        (few.area(), many.area()),
        (few.rms(count[0], 0.6827), many.rms(count[1], 0.6827)),
    ]
    assert [low / high for low, high in pairs] == pytest.approx([10] * len(pairs), rel=0.1)


def test_the_same_limits_are_found_each_time():
    assert Null(500, 3).curve(GRID) == Null(500, 3).curve(GRID)
