"""Calibration tells true posteriors from overconfident and from cautious ones."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import stats

from arms import stretched
from gampen.calibration.calibration import Calibration
from gampen.calibration.coverage import LEVELS, TOLERANCES, Verdict
from gampen.calibration.null import Null
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from strategies import random_mixture

GALAXIES = 4000


def calibration(stretch=1.0, components=4, galaxies=GALAXIES):
    """The judgement on posteriors whose covariance is `stretch` times that of their truths."""
    true = random_mixture(galaxies, components)
    truth = MORPHOLOGY.constrain(true.sample(1, torch.Generator().manual_seed(11))[0])
    told = stretched(true, stretch)
    ids, unknown = np.arange(galaxies).astype(str), torch.full((galaxies,), torch.nan)
    posterior = Posterior(MORPHOLOGY, told, 0.1 * told.covariance, ids, unknown)
    return posterior, truth.numpy(), Calibration.of(posterior, truth.numpy())


@pytest.fixture(scope="module")
def arms():
    return {verdict: calibration(stretch)[2] for verdict, stretch in ARMS.items()}


ARMS = {Verdict.CALIBRATED: 1.0, Verdict.OVERCONFIDENT: 0.5, Verdict.CAUTIOUS: 2.0}


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_is_true(arms, verdict):
    assert arms[verdict].verdicts == (verdict,) * 3


def test_a_true_posterior_covers_its_levels(arms):
    levels = np.array(LEVELS)
    error = np.sqrt(levels * (1 - levels) / GALAXIES)
    assert (np.abs(arms[Verdict.CALIBRATED].coverage - levels) < 4 * error).all()


@pytest.mark.parametrize("verdict", [Verdict.OVERCONFIDENT, Verdict.CAUTIOUS])
def test_one_gaussian_of_wrong_width_covers_as_its_width_says(verdict):
    _, _, found = calibration(ARMS[verdict], components=1)
    half = stats.norm.ppf(0.5 + np.array(LEVELS) / 2) * math.sqrt(ARMS[verdict])
    expected = 2 * stats.norm.cdf(half) - 1
    error = np.sqrt(expected * (1 - expected) / GALAXIES)
    assert (np.abs(found.coverage - expected) < 4 * error + 1e-3).all()


def test_ranks_of_a_true_posterior_are_uniform_and_no_others(arms):
    # the Kolmogorov distance of N uniform numbers is above 2.0 / sqrt(N) once in 1,500 sets
    limit = 2.0 / math.sqrt(GALAXIES)
    assert (arms[Verdict.CALIBRATED].distance < limit).all()
    assert (arms[Verdict.OVERCONFIDENT].distance > 2 * limit).all()
    assert (arms[Verdict.CAUTIOUS].distance > 2 * limit).all()


def test_the_true_posterior_has_the_best_likelihood(arms):
    best = arms[Verdict.CALIBRATED].nll
    assert best < arms[Verdict.CAUTIOUS].nll
    assert best < arms[Verdict.OVERCONFIDENT].nll


def test_likelihood_is_that_of_the_joint_density():
    posterior, truth, found = calibration(galaxies=50)
    expected = -posterior.log_prob(torch.from_numpy(truth)).mean().item()
    assert found.nll == pytest.approx(expected)


def test_scatter_and_bias_are_those_of_the_medians():
    posterior, truth, found = calibration(galaxies=50)
    error = (posterior.median.numpy() - truth) / np.stack([np.ones(50), *truth.T[1:]], axis=1)
    np.testing.assert_allclose(found.bias, np.median(error, axis=0))
    low, high = np.quantile(error, [0.15865, 0.84135], axis=0)
    np.testing.assert_allclose(found.scatter, (high - low) / 2)


def test_the_report_is_json_of_plain_numbers(arms):
    report = json.loads(json.dumps(arms[Verdict.CAUTIOUS].report(), allow_nan=False))
    assert report["galaxies"] == GALAXIES
    row = report["parameters"]["effective_radius"]
    assert row["verdict"] == "cautious"
    assert row["coverage_68.27"] == arms[Verdict.CAUTIOUS].coverage[1, 0]
    assert list(report["parameters"]) == list(MORPHOLOGY.names)


@pytest.mark.parametrize("galaxies", [0, 3])
def test_posteriors_and_truths_must_be_equally_many(galaxies):
    posterior, truth, _ = calibration(galaxies=4)
    with pytest.raises(UsageError, match=f"equally many, at least one; got 4 and {galaxies}"):
        Calibration.of(posterior, truth[:galaxies])


@pytest.mark.parametrize("galaxies", [100, 10**6])
def test_a_verdict_leaves_room_for_chance_and_no_more(galaxies):
    levels, null = np.array(LEVELS), Null(galaxies, 3)
    chance = np.array([null.share(level) for level in LEVELS])
    limit = np.maximum(chance, TOLERANCES)
    assert Verdict.of(levels - 0.99 * limit, chance) is Verdict.CALIBRATED
    assert Verdict.of(levels - 1.01 * limit, chance) is Verdict.OVERCONFIDENT
    assert Verdict.of(levels + 1.01 * limit, chance) is Verdict.CAUTIOUS


def test_what_is_not_known_is_left_out_of_each_figure():
    posterior, truth, whole = calibration(galaxies=60)
    known = truth.copy()
    known[:20, 1] = np.nan
    found = Calibration.of(posterior, known)
    rest = Calibration.of(posterior.select(range(20, 60)), truth[20:])
    assert found.known.tolist() == [60, 40, 60]
    assert found.nll == rest.nll
    for figure in ("coverage", "distance", "scatter", "bias"):
        row, kept, all_ = (getattr(each, figure) for each in (found, rest, whole))
        np.testing.assert_array_equal(row[1], kept[1])
        np.testing.assert_array_equal(row[[0, 2]], all_[[0, 2]])
    assert found.report()["parameters"]["effective_radius"]["galaxies"] == 40
