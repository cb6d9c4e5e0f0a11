"""Truths beside posteriors: matched by id, some or all of them, and what is left out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from arms import CALIBRATED, arm
from gampen.calibration.truths import Truths
from gampen.catalog import Catalog
from gampen.errors import UsageError

GALAXIES = 12


def table(order=None, **columns):
    ids = np.arange(GALAXIES).astype(str) if order is None else np.array(order).astype(str)
    return Catalog.of(object_id=ids, **columns)


@pytest.fixture
def posterior():
    return arm(CALIBRATED, GALAXIES)[0]


def test_one_parameter_is_judged_by_its_marginal(posterior):
    radius = np.linspace(0.5, 2, GALAXIES)
    found = Truths.match(posterior, table(effective_radius=radius))
    assert found.posterior.space.names == ("effective_radius",)
    np.testing.assert_array_equal(found.values, radius[:, None])
    assert found.judged is found.posterior


def test_galaxies_are_matched_by_id_in_any_order_and_left_out_where_nothing_is_known(posterior):
    order = np.arange(GALAXIES)[::-1][:10]
    flux, ratio = order + 1.0, np.full(10, 0.5)
    flux[order == 5] = np.nan
    ratio[(order == 5) | (order == 7)] = np.nan
    found = Truths.match(posterior, table(order, flux=flux, bulge_to_total=ratio))
    assert found.places.tolist() == [2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert found.posterior.object_ids.tolist() == [str(place) for place in found.places]
    np.testing.assert_array_equal(found.values[:, 1], found.places + 1.0)
    assert found.complete.sum() == 8
    assert found.left_out == {"not_in_truths": 2, "no_true_value": 1}
    assert found.left_out_of["bulge_to_total"]["missing"] == 2
    assert found.left_out_of["flux"]["missing"] == 1


def test_what_cannot_be_used_is_counted_by_reason(posterior):
    radius, error = np.ones(GALAXIES), np.full(GALAXIES, 0.05)
    radius[:3] = [0.0, -1.0, np.nan]
    error[3:5] = [np.nan, -1.0]
    found = Truths.match(posterior, table(effective_radius=radius, effective_radius_error=error))
    assert found.left_out_of["effective_radius"] == {
        "missing": 1,
        "outside_bounds": 2,
        "error_not_known": 2,
    }
    assert len(found) == GALAXIES - 5


def test_a_magnitude_stands_for_a_flux_where_zero_points_are_known(posterior):
    told = replace(posterior, zero_points=torch.full((GALAXIES,), 25.0))
    magnitude, error = np.linspace(20, 24, GALAXIES), np.full(GALAXIES, 0.1)
    found = Truths.match(told, table(magnitude=magnitude, magnitude_error=error))
    assert found.posterior.space.names == ("flux",)
    np.testing.assert_allclose(25 - 2.5 * np.log10(found.values[:, 0]), magnitude)
    # 0.1 mag are 9.2 % of the flux, seen here of one Gaussian in ln flux
    before, after = (each.mixture.covariance[:, 0, 0] for each in (found.posterior, found.judged))
    np.testing.assert_allclose((after - before).sqrt(), 0.1 * np.log(10) / 2.5, rtol=1e-6)
    with pytest.raises(UsageError, match=r"at least one of .*: give the true values one of these"):
        Truths.match(posterior, table(magnitude=magnitude))


def test_a_table_without_a_usable_value_or_with_an_id_twice_is_refused(posterior):
    with pytest.raises(UsageError, match="must share galaxies"):
        Truths.match(posterior, table(flux=np.full(GALAXIES, -1.0)))
    with pytest.raises(UsageError, match=r"each object_id once; got 1 repeated ones, '3'"):
        Truths.match(posterior, table([*range(11), 3], flux=np.ones(GALAXIES)))


def test_a_parameter_without_any_usable_value_is_not_judged(posterior):
    found = Truths.match(
        posterior, table(flux=np.ones(GALAXIES), bulge_to_total=np.zeros(GALAXIES))
    )
    assert found.posterior.space.names == ("flux",)
    assert found.left_out_of["bulge_to_total"]["outside_bounds"] == GALAXIES
