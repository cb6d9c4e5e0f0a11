"""Levels of joint highest-density regions, and how surprising the truth is."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm
from gampen.calibration.drawing import DRAWS
from gampen.calibration.joint import JointDensity

GALAXIES = 1000
# A Kolmogorov distance of uniform numbers is beyond this once in 1,500 sets.
LIMIT = 2.0 / math.sqrt(GALAXIES)


def test_the_level_of_one_gaussian_is_its_chi_squared():
    posterior, truth = arm(CALIBRATED, 300)
    level = JointDensity.of(posterior, truth, seed=3, draws=2000).level
    exact = posterior.hpd_level(torch.from_numpy(truth)).numpy()
    # Four and a half standard errors of a share of 2,000 draws, and its step.
    assert np.abs(level - exact).max() < 4.5 * 0.5 / math.sqrt(2000) + 1 / 2000


@pytest.mark.parametrize("draws", [7, 200])
def test_levels_of_true_posteriors_are_uniform_at_any_number_of_draws(draws):
    posterior, truth = arm(CALIBRATED, GALAXIES, components=3)
    level = JointDensity.of(posterior, truth, seed=3, draws=draws).level
    assert stats.kstest(level, "uniform").statistic < LIMIT


@pytest.mark.parametrize("stretch", [CAUTIOUS, OVERCONFIDENT])
def test_levels_of_a_wrong_width_follow_the_stretched_chi_squared(stretch):
    posterior, truth = arm(stretch, GALAXIES)
    level = JointDensity.of(posterior, truth, seed=3).level
    law = stats.chi2(3)
    assert stats.kstest(level, lambda x: law.cdf(stretch * law.ppf(x))).statistic < LIMIT


@pytest.mark.parametrize("stretch", [CALIBRATED, CAUTIOUS, OVERCONFIDENT])
def test_the_excess_of_a_gaussian_is_what_its_width_says(stretch):
    posterior, truth = arm(stretch, GALAXIES)
    density = JointDensity.of(posterior, truth, seed=3)
    # -ln density is half of a chi-squared of three: of mean 3/2 and variance 3/2 for the draws.
    error = math.sqrt(1.5 / GALAXIES * (1 / stretch**2 + 1 / DRAWS))
    assert density.excess.mean() == pytest.approx(1.5 / stretch - 1.5, abs=4 * error)
    assert density.variance.mean() == pytest.approx(1.5, rel=0.02)
