"""Recalibration mends what is wrong, leaves alone what is true, and says which it was."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy import stats

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, evidence
from gampen.calibration.comparison import Comparison, ranks_of
from gampen.calibration.coverage import LEVELS, TOLERANCES, coverage
from gampen.calibration.fitting import Points, fit_constant
from gampen.calibration.null import Null
from gampen.calibration.stages import (
    LEAST,
    Split,
    corrected_by_labels,
    judged,
    levels_of,
    recalibrate,
)
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY

FRESH = 10_000
NAMES = MORPHOLOGY.names


def covered(answers, points):
    return coverage(ranks_of(answers, points), np.array(LEVELS))


@functools.cache
def covered_by_the_trained():
    return covered(*evidence(CALIBRATED, FRESH, 2, seed=77))


def off_the_trained(stretch, found, correct):
    """By how much coverage of other galaxies is off that of true posteriors, by level."""
    answers, points = evidence(stretch, FRESH, 2, seed=77)
    answers = found.applied(answers) if correct else answers
    return np.abs(covered(answers, points) - covered_by_the_trained()).max(axis=0)


@pytest.mark.parametrize("galaxies", [500, 5000])
@pytest.mark.parametrize("stretch", [CAUTIOUS, OVERCONFIDENT])
def test_wrong_widths_are_mended_to_within_t1_of_the_trained(stretch, galaxies):
    found = recalibrate(*evidence(stretch, galaxies, 2))
    room = Null(galaxies, len(NAMES))
    limits = [max(limit, room.share(x)) for x, limit in zip(LEVELS, TOLERANCES, strict=True)]
    assert found.stage == 1
    assert (off_the_trained(stretch, found, correct=True) <= limits).all()
    assert not (off_the_trained(stretch, found, correct=False) <= limits).all()
    # An error of 1 / sqrt(2 n) in the ln of a Gaussian's width, twice that for mixtures.
    expected = torch.full((3,), -0.5 * math.log(stretch), dtype=torch.float64)
    room = 4 * 2 / math.sqrt(2 * len(found.split.fitted))
    torch.testing.assert_close(found.correction.log_scale, expected, rtol=0, atol=room)


@pytest.mark.parametrize("galaxies", [500, 5000])
def test_true_posteriors_are_left_alone(galaxies):
    found = recalibrate(*evidence(CALIBRATED, galaxies, 2))
    assert (found.stage, found.correction) == (0, None)
    assert [trial.accepted for trial in found.trials] == [True, False, False]


def test_an_unneeded_constant_is_seldom_accepted():
    sets, accepted = 100, 0
    for seed in range(sets):
        answers, points = evidence(CALIBRATED, 240, 2, seed=1000 + seed)
        fitted, judges = torch.arange(160), torch.arange(160, 240)
        offered = iter([fit_constant(answers.select(fitted), Points(points[fitted]))])
        correction, _ = judged(offered, answers.select(judges), Points(points[judges]))
        accepted += correction is not None
    # Three standard errors leave 0.14 %, and gains are negative on average: more than two of 100
    # would come less than once in 1,000 times.
    assert accepted <= stats.binom(sets, 0.00135).isf(1e-3)


def test_an_unneeded_network_is_not_accepted():
    for seed in range(8):
        assert recalibrate(*evidence(CALIBRATED, 300, 2, seed=2000 + seed), seed).stage == 0


def told_apart(galaxies, seed=5):
    """Posteriors that are too wide on one side of a mean and too narrow on the other."""
    answers, points = evidence(CALIBRATED, galaxies, 2, seed)
    wrong = torch.where(answers.mixture.mean[:, 2:] > 0, 0.5, -0.5).expand(-1, 3)
    return answers.corrected(wrong, torch.zeros_like(wrong)), points


def test_widths_that_are_wrong_for_some_galaxies_need_the_second_stage():
    found = recalibrate(*told_apart(4000))
    assert found.stage == 2
    assert found.trials[2].gain > 0.2
    answers, points = told_apart(FRESH, seed=6)
    for side in (answers.mixture.mean[:, 2] > 0, answers.mixture.mean[:, 2] < 0):
        chosen = torch.nonzero(side)[:, 0]
        part = answers.select(chosen), points[chosen]
        before = np.abs(covered(*part)[:, 0] - LEVELS[0])
        after = np.abs(covered(found.applied(part[0]), part[1])[:, 0] - LEVELS[0])
        assert (before > 0.13).all()
        assert (after < 0.06).all()


def test_a_shift_is_mended_in_deviations():
    answers, points = evidence(CALIBRATED, 2000, 2)
    found = recalibrate(answers, points + answers.deviations)
    assert found.stage == 1
    torch.testing.assert_close(found.correction.shift, torch.ones(3).double(), rtol=0, atol=0.15)


def test_the_levels_hold_on_galaxies_that_had_no_part():
    # Heavy tails, which no scale mends: the table is what is left.
    answers, points = evidence(CALIBRATED, 3600, 2)
    factor = torch.from_numpy(np.random.default_rng(3).choice([0.2, 2.5], size=(3600, 1)))
    points = answers.mixture.mean + factor * (points - answers.mixture.mean)
    used, fresh = torch.arange(1600), torch.arange(1600, 3600)
    found = recalibrate(answers.select(used), points[used])
    joint = levels_of(found.applied(answers.select(fresh)), points[fresh])
    for share in (0.3, 0.6, 0.9):
        # Of the table from 400 galaxies and of the 2,000 here.
        error = math.sqrt(share * (1 - share) * (1 / 400 + 1 / 2000))
        assert abs((joint <= found.levels.level_of(share)).mean() - share) < 4 * error
    # Without it, the innermost regions hold far more.
    assert (joint <= 0.3).mean() > 0.3 + 4 * math.sqrt(0.21 * (1 / 400 + 1 / 2000))


def test_galaxies_are_split_three_ways_without_overlap():
    split = Split.of(1003, seed=3)
    sizes = [len(part) for part in (split.fitted, split.judged, split.levelled)]
    assert sizes == [501, 251, 251]
    everyone = torch.cat([split.fitted, split.held_out])
    assert torch.equal(everyone.sort().values, torch.arange(1003))
    assert torch.equal(split.fitted, Split.of(1003, seed=3).fitted)
    assert not torch.equal(split.fitted, Split.of(1003, seed=4).fitted)


def test_the_same_seed_gives_the_same_recalibration():
    found = [recalibrate(*told_apart(600), seed=4) for _ in range(2)]
    assert found[0].trials == found[1].trials
    assert np.array_equal(found[0].levels.level, found[1].levels.level)


def test_one_galaxy_far_off_changes_nothing():
    answers, points = evidence(CALIBRATED, 600, 2)
    points[Split.of(600, 0).fitted[0]] += 50.0
    found = recalibrate(answers, points)
    assert found.stage == 0
    assert found.trials[1].gain < 0


def test_too_few_galaxies_are_refused():
    recalibrate(*evidence(CALIBRATED, LEAST))
    with pytest.raises(UsageError, match=f"at least {LEAST} galaxies; got {LEAST - 1}"):
        recalibrate(*evidence(CALIBRATED, LEAST - 1))


def test_a_comparison_is_of_the_galaxies_held_out():
    answers, points = evidence(OVERCONFIDENT, 1000, 2)
    found = recalibrate(answers, points)
    compared = Comparison.of(found, answers, points, NAMES)
    held = found.split.held_out
    expected = covered(answers.select(held), points[held])
    for row, name in zip(expected, NAMES, strict=True):
        sides = compared.coverage[name]
        assert list(sides["before"].values()) == row.tolist()
        assert list(sides["before"]) == ["68.27", "95.45", "99.73"]
        assert sides["before"]["68.27"] < 0.6 < sides["after"]["68.27"]
    joint = compared.joint_coverage
    assert list(joint) == ["before", "after", "by the table"]
    # Of 250 judges and a table from 250 galaxies.
    assert abs(joint["by the table"]["68.27"] - 0.6827) < 4 * math.sqrt(0.217 * 2 / 250)
    assert joint["before"]["68.27"] < 0.55


def test_a_comparison_without_a_correction_has_one_side_twice():
    answers, points = evidence(CALIBRATED, 400)
    compared = Comparison.of(recalibrate(answers, points), answers, points, NAMES)
    assert compared.after is compared.before


def noisy(stretch, galaxies=2000):
    """An arm whose labels are off by half or once the deviation of the true posteriors."""
    answers, points = evidence(stretch, galaxies)
    generator = torch.Generator().manual_seed(9)
    share, noise = torch.rand((2, *points.shape), generator=generator, dtype=torch.float64)
    noise = torch.erfinv(2 * noise - 1) * math.sqrt(2)
    spread = (0.5 + 0.5 * share) * answers.deviations / math.sqrt(stretch)
    return answers, Points(points + spread * noise, spread)


@pytest.mark.parametrize("stretch", [CALIBRATED, CAUTIOUS, OVERCONFIDENT])
def test_labels_with_errors_mend_what_is_wrong_with_posteriors_and_not_the_errors(stretch):
    answers, labels = noisy(stretch)
    correction, trials = corrected_by_labels(answers, labels)
    assert [trial.stage for trial in trials] == [0, 1, 2]
    if stretch == CALIBRATED:
        assert correction is None
        return
    # Noise as large as the posterior hides half of what a label tells: an error of the width twice
    # that of truths, 1 / sqrt(2 n) for each of 1,000 galaxies.
    expected = torch.full((3,), -0.5 * math.log(stretch), dtype=torch.float64)
    room = 4 * 2 / math.sqrt(2 * len(labels) / 2)
    torch.testing.assert_close(correction.log_scale, expected, rtol=0, atol=room)


def test_the_same_labels_taken_for_truths_would_widen_true_posteriors():
    answers, labels = noisy(CALIBRATED)
    correction, _ = corrected_by_labels(answers, Points(labels.values))
    assert correction is not None
    assert bool((correction.log_scale > 0.15).all())


def test_few_labels_mend_nothing():
    answers, points = evidence(CALIBRATED, LEAST - 1)
    with pytest.raises(UsageError, match="recalibration needs at least"):
        corrected_by_labels(answers, Points(points))
