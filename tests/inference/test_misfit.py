"""Misfits: any figure beyond its limit is flagged, and a galaxy that was not fitted is not."""

import numpy as np
import pytest
import torch

from gampen.cutouts import Flag
from gampen.inference.explanation import FIGURES, Explanation
from gampen.inference.misfit import JUDGED, misfit_flags, misfit_scores
from gampen.network.guard import Guard, Kind


def explanation(**figures):
    """What was found of some galaxies; what is not given is nought."""
    count = len(next(iter(figures.values())))
    nothing = {name: np.zeros(count) for name in FIGURES if name != "coordinates"}
    values = nothing | {name: np.array(v, dtype=float) for name, v in figures.items()}
    return Explanation(np.zeros((count, 3)), shapes=((9, 9),) * count, **values)


def guard():
    built = Guard(4, [Kind("one", Flag.TRAIL)])
    built.misfit_limits.copy_(torch.tensor([5.0, 3.0]).expand_as(built.misfit_limits))
    return built


def faint(count):
    return torch.full((count,), 20.0, dtype=torch.float64)


def test_a_guard_has_a_limit_for_each_figure():
    assert len(JUDGED) == guard().misfit_limits.shape[1]


def test_each_figure_is_flagged_beyond_its_limit_to_either_side():
    found = explanation(
        chi_square=[1, 6, 1, 1, 1], psf_surprise=[0, 0, 4, -4, 0], neighbour_share=[0, 0, 0, 0, 9]
    )
    misfit = int(Flag.MODEL_MISFIT)
    assert misfit_flags(guard(), found, faint(5)).tolist() == [0, misfit, misfit, misfit, 0]


def test_a_galaxy_that_was_not_fitted_is_not_flagged():
    found = explanation(chi_square=[np.nan], psf_surprise=[np.nan], neighbour_share=[np.nan])
    assert misfit_flags(guard(), found, faint(1)).tolist() == [0]
    assert misfit_scores(found).isneginf().all()


def test_a_guard_without_limits_flags_nothing():
    found = explanation(chi_square=[1e9])
    assert misfit_flags(Guard(4, [Kind("one", Flag.TRAIL)]), found, faint(1)).tolist() == [0]


def test_limits_are_those_of_the_galaxys_own_signal():
    numbers = torch.Generator().manual_seed(0)
    signal = torch.tensor([20.0, 60.0, 5000.0], dtype=torch.float64).repeat_interleave(2000)
    scores = torch.randn(6000, 2, generator=numbers, dtype=torch.float64) * signal[:, None]
    built = Guard(4, [Kind("one", Flag.TRAIL)])
    built.set_misfit_limits(scores, signal)
    assert built.misfit_limits[2:4].isinf().all()  # nobody was seen there
    beyond = (scores > built.misfit_limits[built.range_of(signal)]).any(dim=1)
    assert beyond.reshape(3, 2000).double().mean(dim=1).tolist() == pytest.approx(
        [0.01] * 3, abs=0.001
    )
