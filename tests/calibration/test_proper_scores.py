"""Proper scores against scoringrules, and the true posterior against others."""

import numpy as np
import pytest
import scoringrules
import torch
from hypothesis import given
from scipy import stats

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm, stretched
from gampen.calibration.drawing import generator, parts_of
from gampen.calibration.proper_scores import ProperScores, advantage, crps, energy_score
from gampen.parameters import MORPHOLOGY
from strategies import numbers, posteriors

GALAXIES = 2000


@given(posteriors(), numbers((2, 3), -3, 3))
def test_the_crps_is_that_of_scoringrules(posterior, points):
    truth = MORPHOLOGY.constrain(points).numpy()
    mixture = posterior.mixture
    deviations = mixture.covariances.diagonal(dim1=-2, dim2=-1).sqrt().numpy()
    weights = mixture.log_weights.exp().numpy()
    means = mixture.means.numpy()
    expected = [
        scoringrules.crps_mixnorm(points[:, k].numpy(), means[..., k], deviations[..., k], weights)
        for k in range(3)
    ]
    np.testing.assert_allclose(crps(posterior, truth), np.stack(expected, 1), rtol=1e-6, atol=1e-9)


def test_the_energy_score_is_that_of_scoringrules():
    posterior, truth = arm(CALIBRATED, 50, components=3)
    found = energy_score(posterior, truth, seed=6, draws=300)
    assert len(parts_of(50, 300)) == 1
    drawn = posterior.mixture.sample(300, generator(6, "energy")).movedim(0, 1).numpy()
    points = MORPHOLOGY.unconstrain(torch.from_numpy(truth)).numpy()
    np.testing.assert_allclose(found, scoringrules.es_ensemble(points, drawn, estimator="akr"))
    # The estimate by all pairs is less noisy: the same within that of neighbours, about 4 %.
    full = scoringrules.es_ensemble(points, drawn, estimator="fair")
    assert found.mean() == pytest.approx(full.mean(), rel=0.02)


@pytest.mark.parametrize("stretch", [CAUTIOUS, OVERCONFIDENT])
def test_the_true_posterior_has_the_better_scores_by_many_errors(stretch):
    true, truth = arm(CALIBRATED, GALAXIES, components=2)
    wrong, _ = arm(stretch, GALAXIES, components=2)
    ours, theirs = (ProperScores.of(posterior, truth, seed=1) for posterior in (true, wrong))
    gains = ours.advantages(theirs)
    assert list(gains) == ["nll", "crps", "energy"]
    assert min(gains.values()) > 5
    assert max(theirs.advantages(ours).values()) < -5


def test_equal_scores_have_no_advantage():
    posterior, truth = arm(CALIBRATED, 40)
    scores = ProperScores.of(posterior, truth, seed=1)
    assert set(scores.advantages(scores).values()) == {0.0}


def test_an_advantage_is_students_statistic_of_the_pairs():
    first, second = np.random.default_rng(2).normal([[0.0], [0.2]], size=(2, 500))
    expected = stats.ttest_rel(second, first).statistic
    assert advantage(first, second) == pytest.approx(expected, rel=2e-3)


def test_means_name_every_parameter():
    posterior, truth = arm(CALIBRATED, 40)
    scores = ProperScores.of(posterior, truth, seed=1)
    assert list(scores.means)[3:] == [f"crps_{name}" for name in MORPHOLOGY.names]
    parts = [scores.means[f"crps_{name}"] for name in MORPHOLOGY.names]
    assert scores.means["crps"] == pytest.approx(np.mean(parts))


def test_scores_of_a_gaussian_are_known():
    posterior, truth = arm(CALIBRATED, GALAXIES)
    deviation = posterior.mixture.covariance.diagonal(dim1=-2, dim2=-1).sqrt().numpy()
    score = crps(posterior, truth) / deviation
    # A Gaussian's expected score is its deviation over the root of pi; the scatter is 0.4.
    assert score.mean(axis=0) == pytest.approx(1 / np.pi**0.5, abs=4 * 0.45 / GALAXIES**0.5)


def test_stretching_keeps_the_mean():
    posterior, _ = arm(CALIBRATED, 5, components=3)
    other = stretched(posterior.mixture, 2.0)
    torch.testing.assert_close(other.mean, posterior.mixture.mean)
    torch.testing.assert_close(other.covariance, 2 * posterior.mixture.covariance)
