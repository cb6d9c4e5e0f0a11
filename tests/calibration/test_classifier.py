"""A classifier tells draws from truths only where posteriors are wrong."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm, known_columns, posterior_of
from gampen.calibration.classifier import area, features, separation
from gampen.parameters import MORPHOLOGY
from gampen.probability.mixtures import GaussianMixture

GALAXIES = 3000
# Three and a half standard errors of an area: Mann and Whitney's, with twice the variance.
LIMIT = 3.5 / math.sqrt(3 * GALAXIES)


def separated(posterior, truth, seed=0):
    return separation(posterior, truth, known_columns(posterior), seed)


@pytest.mark.parametrize("equal", [False, True])
def test_the_area_is_mann_and_whitneys_statistic(equal):
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.3, 1, 80), rng.normal(0, 1, 60)
    if equal:
        first, second = first.round(), second.round()
    expected = stats.mannwhitneyu(first, second).statistic / (80 * 60)
    assert area(first, second) == pytest.approx(expected)


def test_truths_of_true_posteriors_are_not_told_from_draws():
    assert abs(separated(*arm(CALIBRATED, GALAXIES, components=3)) - 0.5) < LIMIT


@pytest.mark.parametrize("stretch", [CAUTIOUS, OVERCONFIDENT])
def test_a_wrong_width_is_told_as_well_as_it_can_be(stretch):
    found = separated(*arm(stretch, GALAXIES))
    # Squared distances follow chi-squareds of three whose ratio is Fisher's F.
    best = stats.f(3, 3).cdf(2)
    assert best - 0.03 < found < best + LIMIT


def test_a_shape_that_has_the_right_mean_and_width_is_told():
    true = two_sided(0.8)
    truth = MORPHOLOGY.constrain(true.sample(1, torch.Generator().manual_seed(3))[0]).numpy()
    same = GaussianMixture.from_covariances(
        torch.ones(GALAXIES, 1).double(), true.mean[:, None], true.covariance[:, None]
    )
    assert abs(separated(posterior_of(true), truth) - 0.5) < LIMIT
    assert separated(posterior_of(same), truth) > 0.5 + LIMIT


def two_sided(offset):
    """Posteriors of unit covariance with two peaks, `offset` to either side."""
    means = torch.zeros(GALAXIES, 2, 3, dtype=torch.float64)
    means[:, 0], means[:, 1] = -offset, offset
    within = torch.diag(torch.full((3,), 1 - offset**2, dtype=torch.float64))
    weights = torch.ones(GALAXIES, 2, dtype=torch.float64)
    return GaussianMixture.from_covariances(weights, means, within.expand(GALAXIES, 2, 3, 3))


def test_a_fault_that_only_a_column_shows_is_told():
    posterior, truth = arm(CALIBRATED, GALAXIES)
    column = np.random.default_rng(5).normal(size=GALAXIES)
    mean, root = posterior.mixture.mean, torch.linalg.cholesky(posterior.mixture.covariance)
    points = MORPHOLOGY.unconstrain(torch.from_numpy(truth))
    place = torch.linalg.solve(root, (points - mean).unsqueeze(-1))
    # Every error as large as before, but its side that of the column: right on the whole.
    place[:, 1, 0] = place[:, 1, 0].abs() * torch.from_numpy(np.sign(column))
    sided = MORPHOLOGY.constrain(mean + (root @ place).squeeze(-1)).numpy()
    assert abs(separation(posterior, sided, {}, 0) - 0.5) < LIMIT
    assert separation(posterior, sided, {"column": column}, 0) > 0.5 + 2 * LIMIT


def test_the_same_seed_gives_the_same_area():
    once, again = (separated(*arm(CALIBRATED, 60), seed=4) for _ in range(2))
    assert once == again


def test_fewer_galaxies_than_folds_cannot_be_told_apart():
    assert separated(*arm(OVERCONFIDENT, 4)) == 0.5


def test_what_is_unknown_or_never_changes_says_nothing():
    posterior, _ = arm(CALIBRATED, 30)
    column = np.where(np.arange(30) < 10, np.nan, np.arange(30.0))
    known = features(posterior, {"half": column, "constant": np.ones(30)})[:, -2:]
    assert known[:10, 0].tolist() == [0] * 10
    assert known[:, 1].tolist() == [0] * 30
    assert known[10:, 0].std(correction=0).item() == pytest.approx(1, rel=0.01)
