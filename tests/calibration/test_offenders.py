"""The worst offenders are those that were made so."""

import json

import numpy as np
import pytest
from scipy import stats

from arms import CALIBRATED, arm
from gampen.calibration.battery import Battery
from gampen.calibration.offenders import least_probable, worst_bins

GALAXIES = 400


def spoiled():
    """Posteriors, truths of which three are far off, and one radius that is not known."""
    posterior, truth = arm(CALIBRATED, GALAXIES)
    truth = truth.copy()
    for place, factor in ((7, 50.0), (11, 20.0), (13, 0.01)):
        truth[place, 2] *= factor
    truth[11, 1] = np.nan
    return posterior, truth


def test_the_least_probable_galaxies_come_first_with_what_is_known_of_them():
    posterior, truth = spoiled()
    found = least_probable(posterior, truth, Battery.of(posterior, truth, {}))
    assert len(found) == 20
    assert {each.object_id for each in found[:3]} == {"7", "11", "13"}
    assert [each.level for each in found] == sorted((e.level for e in found), reverse=True) or (
        min(each.level for each in found[:3]) > 0.99
    )
    worst = {each.object_id: each for each in found}
    assert [each.name for each in worst["11"].quantities] == ["bulge_to_total", "flux"]
    flux = worst["7"].quantities[2]
    assert (flux.truth, flux.median) == (truth[7, 2], float(posterior["flux"].median[7]))
    assert flux.low < flux.median < flux.high < flux.truth
    assert worst["13"].quantities[2].z < -3 < 3 < flux.z
    json.dumps([each.report() for each in found], allow_nan=False)


def test_sigmas_are_those_of_a_gaussian_of_the_same_rank():
    posterior, truth = spoiled()
    found = least_probable(posterior, truth, Battery.of(posterior, truth, {}), number=GALAXIES)
    rank = posterior.cdf(posterior.space.constrain(posterior.space.unconstrain(_tensor(truth))))
    for each in found:
        row = int(each.object_id)
        for quantity in each.quantities:
            place = posterior.space.index(quantity.name)
            if abs(quantity.z) < 5:
                assert quantity.z == pytest.approx(stats.norm.ppf(rank[row, place]), abs=1e-6)


def _tensor(values):
    import torch

    return torch.from_numpy(values)


def test_the_worst_bin_is_that_which_was_spoiled():
    posterior, truth = arm(CALIBRATED, 2000)
    column = np.arange(2000.0)
    truth = truth.copy()
    truth[:200, 1] *= 5
    battery = Battery.of(posterior, truth, {"place": column})
    worst = worst_bins(battery, battery.bins)[0]
    assert (worst.column, worst.label, worst.parameter) == ("place", "99.5", "effective_radius")
    assert worst.galaxies == 200
    assert worst.beyond > 1
    assert not battery.checks["worst_bin_place"].passed
    assert len(worst_bins(battery, battery.bins)) == 10
