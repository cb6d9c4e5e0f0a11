"""Labels by thresholds, right as often as they say where posteriors are true."""

import numpy as np
import pytest

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm
from gampen.errors import UsageError
from gampen.inference.categories import BULGE, DISK, INDETERMINATE, Accuracy, Categories

GALAXIES = 20_000
CATEGORIES = Categories(0.4, 0.6, 0.8)


def accuracy_of(stretch):
    posterior, truth = arm(stretch, GALAXIES, components=2)
    return Accuracy.of(CATEGORIES, CATEGORIES.of(posterior), truth[:, 0])


def excess(accuracy):
    """How many more of the likely belong to their category than was told, in standard errors."""
    sure = accuracy.expected > 0.6
    number, told = accuracy.number[sure].sum(), accuracy.expected[sure]
    weights = accuracy.number[sure] / number
    gap = (weights * (accuracy.found[sure] - told)).sum()
    spread = (weights * told * (1 - told)).sum()
    return gap / np.sqrt(spread / number)


def test_labels_follow_the_probabilities():
    posterior, _ = arm(CALIBRATED, 300)
    found = CATEGORIES.of(posterior)
    disk = posterior.probability("bulge_to_total", below=0.4)
    bulge = posterior.probability("bulge_to_total", above=0.6)
    assert found.p_disk_dominated.tolist() == disk.tolist()
    assert found.p_bulge_dominated.tolist() == bulge.tolist()
    for label, p_disk, p_bulge in zip(found.labels, disk, bulge, strict=True):
        expected = DISK if p_disk >= 0.8 else BULGE if p_bulge >= 0.8 else INDETERMINATE
        assert label == expected


def test_a_higher_confidence_labels_fewer():
    posterior, _ = arm(CALIBRATED, 500)
    shares = [
        (Categories(confidence=level).of(posterior).labels != INDETERMINATE).mean()
        for level in (0.6, 0.9, 0.99)
    ]
    assert shares[0] > shares[1] > shares[2]


def test_true_values_have_labels():
    ratios = np.array([0.1, 0.4, 0.5, 0.6, 0.7])
    expected = [DISK, INDETERMINATE, INDETERMINATE, INDETERMINATE, BULGE]
    assert CATEGORIES.true(ratios).tolist() == expected


def test_true_posteriors_are_right_as_often_as_they_say():
    found = accuracy_of(CALIBRATED)
    assert found.right >= 0.8
    assert abs(excess(found)) < 3.3
    seen = found.number > 50
    error = np.sqrt(found.expected * (1 - found.expected) / found.number)
    assert (np.abs(found.found - found.expected)[seen] < 4 * error[seen]).all()


def test_overconfident_posteriors_are_right_less_often_than_they_say():
    assert excess(accuracy_of(OVERCONFIDENT)) < -3.3


def test_cautious_posteriors_are_right_more_often_than_they_say():
    assert excess(accuracy_of(CAUTIOUS)) > 3.3


def test_galaxies_without_a_label_leave_nothing_to_be_right_about():
    posterior, truth = arm(CALIBRATED, 50)
    sure = Categories(1e-6, 1 - 1e-6, 0.99)
    found = Accuracy.of(sure, sure.of(posterior), truth[:, 0])
    assert found.determinate == 0
    assert np.isnan(found.right)


@pytest.mark.parametrize("limits", [(0.0, 0.6), (0.7, 0.6), (0.4, 1.0)])
def test_thresholds_that_cross_are_refused(limits):
    with pytest.raises(UsageError, match="0 < disk_below <= bulge_above < 1"):
        Categories(*limits)


@pytest.mark.parametrize("level", [0.5, 1.0])
def test_a_confidence_that_decides_nothing_is_refused(level):
    with pytest.raises(UsageError, match="confidence must be above"):
        Categories(confidence=level)
