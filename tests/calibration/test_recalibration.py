"""What an estimator carries: corrections in a row and levels, whole or refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from arms import CAUTIOUS, evidence
from gampen.calibration.conformal import CredibleLevels
from gampen.calibration.corrections import Correction
from gampen.calibration.fitting import begun
from gampen.calibration.recalibration import Recalibration
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY as SPACE

ANSWERS, _ = evidence(CAUTIOUS, 30)
LEVELS = CredibleLevels.of(np.linspace(0, 1, 60) ** 2)
NETWORK = {"head.weight": torch.ones(2), "recalibrated": torch.zeros(1)}


def constant(scale, shift=0.2):
    """A correction alike for all parameters."""
    whole = torch.ones(3, dtype=torch.float64)
    return Correction(scale * whole, shift * whole)


def conditional():
    """A correction by galaxy."""
    network = begun(ANSWERS.features, 3, torch.Generator().manual_seed(0))
    weight = torch.randn(6, len(network.hidden_bias), generator=torch.Generator().manual_seed(1))
    return replace(constant(0.3), conditional=replace(network, last_weight=weight.double()))


WHOLE = Recalibration((constant(0.1), conditional()), LEVELS)


@pytest.mark.parametrize(
    "recalibration",
    [Recalibration(), Recalibration((constant(1.0),)), WHOLE, Recalibration((), LEVELS)],
)
def test_what_goes_into_a_file_comes_out(recalibration):
    tensors = {**NETWORK, **recalibration.tensors}
    again, rest = Recalibration.of_file(tensors, {"name": "x", **recalibration.metadata})
    assert rest == NETWORK
    assert again.stages == recalibration.stages
    one, other = (
        again.applied(ANSWERS, SPACE).mixture,
        recalibration.applied(ANSWERS, SPACE).mixture,
    )
    assert torch.equal(one.means, other.means)
    if recalibration.levels is None:
        assert again.levels is None
    else:
        assert np.array_equal(again.levels.level, LEVELS.level)
        assert again.levels.galaxies == 60


def test_none_leaves_no_trace_and_changes_nothing():
    none = Recalibration()
    assert (none.tensors, none.metadata, none.stages) == ({}, {}, ())
    assert none.applied(ANSWERS, SPACE) is ANSWERS


def test_a_further_correction_is_of_what_the_one_before_gave():
    both = Recalibration((constant(0.1),)).then(conditional(), LEVELS)
    assert both.stages == (1, 2)
    expected = conditional().applied(constant(0.1).applied(ANSWERS))
    assert torch.equal(both.applied(ANSWERS, SPACE).mixture.means, expected.mixture.means)


def test_new_levels_take_the_place_of_old_ones_also_without_a_correction():
    newer = CredibleLevels.of(np.linspace(0, 1, 30))
    again = WHOLE.then(None, newer)
    assert again.corrections == WHOLE.corrections
    assert again.levels is newer


def test_tensors_that_are_not_those_described_are_refused():
    tensors, metadata = WHOLE.tensors, WHOLE.metadata
    fewer = {name: value for name, value in tensors.items() if ".0." not in name}
    levelless = {name: value for name, value in tensors.items() if "levels" not in name}
    for found, told in (
        (fewer, metadata),
        (levelless, metadata),
        (tensors, {}),
        (tensors, {"recalibration": '{"stages": [1, 1], "levels": true}'}),
        (tensors, {"recalibration": '{"stages": [1, 2], "levels": false}'}),
        (tensors, {"recalibration": '{"stages": [1], "levels": true}'}),
        ({**tensors, "recalibration.7.shift": torch.ones(3)}, metadata),
    ):
        with pytest.raises((UsageError, KeyError)):
            Recalibration.of_file(found, told)
