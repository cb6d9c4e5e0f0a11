"""qp reads what is written, and its probabilities and quantiles are the posterior's."""

from dataclasses import replace

import numpy as np
import pytest
import qp
import torch

from arms import arm
from gampen import UsageError
from gampen.interchange.qp import to_qp, write_ensemble
from gampen.parameters import Parameter, ParameterSpace

LEVELS = np.concatenate([[0.001, 0.01], np.linspace(0.05, 0.95, 19), [0.99, 0.999]])
GALAXIES = 24
NAMES = ["bulge_to_total", "effective_radius", "flux", "magnitude", "flux_njy"]


@pytest.fixture(scope="module")
def posterior():
    """Posteriors of many shapes, most of several peaks, with zero points."""
    found, _ = arm(1.0, GALAXIES, components=4)
    return replace(found, zero_points=torch.linspace(24, 30, GALAXIES))


def marginal_of(posterior, name):
    """The exact marginal."""
    derived = {"magnitude": posterior.magnitude, "flux_njy": posterior.flux_njy}
    return derived[name]() if name in derived else posterior[name]


def exact(posterior, name):
    """The exact quantiles at the levels, and the density there: galaxy after galaxy."""
    marginal = marginal_of(posterior, name)
    values = marginal.ppf(torch.from_numpy(LEVELS)[:, None])
    return values.T.numpy(), marginal.pdf(values).T.numpy()


@pytest.mark.parametrize("points", [None, 401])
@pytest.mark.parametrize("name", NAMES)
def test_cumulative_probabilities_are_within_a_thousandth(posterior, name, points):
    ensemble = to_qp(posterior, name, points)
    values, density = exact(posterior, name)
    found = ensemble.cdf(values)
    assert np.abs(found - LEVELS).max() < (1e-12 if ensemble.gen_class is qp.mixmod else 1e-3)
    off = np.abs(ensemble.pdf(values) - density) / density.max(axis=1, keepdims=True)
    assert off.max() < 0.02
    assert np.median(off.max(axis=1)) < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_leave_what_they_should_below_them(posterior, name):
    found = to_qp(posterior, name, points=401).ppf(LEVELS)
    below = marginal_of(posterior, name).cdf(torch.from_numpy(found.T.copy())).T
    assert np.abs(below.numpy() - LEVELS).max() < 1e-3


def test_a_quantity_without_bounds_stays_a_mixture(posterior):
    assert to_qp(posterior, "magnitude").gen_class is qp.mixmod
    free = ParameterSpace((Parameter("colour"), *list(posterior.space)[1:]))
    ensemble = to_qp(replace(posterior, space=free), "colour")
    assert ensemble.gen_class is qp.mixmod
    np.testing.assert_allclose(ensemble.objdata["means"], posterior.mixture.means[..., 0])


def test_no_value_lies_beyond_the_bounds(posterior):
    ends = to_qp(posterior, "bulge_to_total").ppf(np.array([1e-12, 1 - 1e-12]))
    assert (ends > 0).all()
    assert (ends < 1).all()
    assert (to_qp(posterior, "flux").ppf(np.array([1e-12])) > 0).all()


@pytest.mark.parametrize("name", ["effective_radius", "magnitude"])
def test_a_file_holds_the_ensemble_and_its_ids(posterior, name, tmp_path):
    ensemble = to_qp(posterior, name)
    write_ensemble(ensemble, tmp_path / "ensemble.hdf5")
    assert [path.name for path in tmp_path.iterdir()] == ["ensemble.hdf5"]
    again = qp.read(str(tmp_path / "ensemble.hdf5"))
    assert again.ancil["object_id"].tolist() == posterior.object_ids.tolist()
    np.testing.assert_array_equal(again.ancil["zero_point"], posterior.zero_points)
    values, _ = exact(posterior, name)
    np.testing.assert_allclose(again.cdf(values), ensemble.cdf(values), rtol=1e-12)


def test_the_same_posterior_makes_the_same_bytes(posterior, tmp_path):
    for name in ("a.hdf5", "b.hdf5"):
        write_ensemble(to_qp(posterior, "flux"), tmp_path / name)
    assert (tmp_path / "a.hdf5").read_bytes() == (tmp_path / "b.hdf5").read_bytes()


def test_one_galaxy_can_be_written(posterior, tmp_path):
    one = posterior.select([5])
    write_ensemble(to_qp(one, "effective_radius"), tmp_path / "one.hdf5")
    again = qp.read(str(tmp_path / "one.hdf5"))
    assert again.npdf == 1
    assert float(np.squeeze(again.ppf(0.5))) == pytest.approx(float(one["effective_radius"].median))


def test_a_quantity_that_there_is_not_is_refused(posterior):
    with pytest.raises(UsageError, match=r"must be one of bulge_to_total, .*; got 'size'"):
        to_qp(posterior, "size")
    nameless = replace(posterior, zero_points=torch.full((GALAXIES,), torch.nan))
    with pytest.raises(UsageError, match="got 'magnitude'"):
        to_qp(nameless, "magnitude")


def test_a_magnitude_needs_the_zero_point_of_every_galaxy(posterior):
    zero_points = posterior.zero_points.clone()
    zero_points[3] = torch.nan
    with pytest.raises(UsageError, match="needs the zero point of every galaxy"):
        to_qp(replace(posterior, zero_points=zero_points), "magnitude")


def test_too_few_points_are_refused(posterior):
    with pytest.raises(UsageError, match="points must be at least 5; got 4"):
        to_qp(posterior, "flux", points=4)
