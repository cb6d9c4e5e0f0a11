"""Misfits: any figure beyond its limit is flagged, and a galaxy that was not fitted is not."""

import numpy as np
import torch

from gampen.cutouts import Flag
from gampen.inference.explanation import FIGURES, Explanation
from gampen.inference.misfit import MISFITS, misfit_flags, misfit_scores
from gampen.network.guard import MISFITS as JUDGED
from gampen.network.guard import Guard, Kind


def explanation(**figures):
    """What was found of some galaxies; what is not given is nought."""
    count = len(next(iter(figures.values())))
    nothing = {name: np.zeros(count) for name in FIGURES if name != "coordinates"}
    values = nothing | {name: np.array(v, dtype=float) for name, v in figures.items()}
    return Explanation(np.zeros((count, 3)), shapes=((9, 9),) * count, **values)


def guard():
    built = Guard(4, [Kind("one", Flag.TRAIL)])
    built.misfit_limits.copy_(torch.tensor([5.0, 3.0, 0.5]))
    return built


def test_a_guard_has_a_limit_for_each_figure():
    assert len(MISFITS) == JUDGED == len(guard().misfit_limits)


def test_each_figure_is_flagged_beyond_its_limit_to_either_side():
    found = explanation(
        chi_square=[1, 6, 1, 1, 1], psf_surprise=[0, 0, 4, -4, 0], neighbour_share=[0, 0, 0, 0, 0.6]
    )
    misfit = int(Flag.MODEL_MISFIT)
    assert misfit_flags(guard(), found).tolist() == [0, misfit, misfit, misfit, misfit]


def test_a_galaxy_that_was_not_fitted_is_not_flagged():
    found = explanation(chi_square=[np.nan], psf_surprise=[np.nan], neighbour_share=[np.nan])
    assert misfit_flags(guard(), found).tolist() == [0]
    assert misfit_scores(found).isneginf().all()


def test_a_guard_without_limits_flags_nothing():
    found = explanation(chi_square=[1e9])
    assert misfit_flags(Guard(4, [Kind("one", Flag.TRAIL)]), found).tolist() == [0]
