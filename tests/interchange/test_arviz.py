"""ArviZ's own functions read what is written, and say what the posterior says."""

from dataclasses import replace

import arviz_stats
import numpy as np
import pytest
import torch
import xarray

from arms import arm
from gampen import Catalog, LogUniform, Prior, Uniform, UsageError
from gampen.cutouts import Flag
from gampen.interchange.arviz import read_netcdf, to_arviz, write_netcdf
from gampen.parameters import ParameterSpace

GALAXIES, CHAINS, DRAWS = 6, 4, 2500
TOTAL = CHAINS * DRAWS
PRIOR = Prior({"bulge_to_total": Uniform(0, 1), "flux": LogUniform()})


@pytest.fixture(scope="module")
def posterior():
    """Posteriors of six galaxies, the last of which has no zero point."""
    found, _ = arm(1.0, GALAXIES, components=2)
    zero_points = torch.tensor([27.0, 26.0, 25.5, 27.0, 28.0, torch.nan])
    ids = np.array([f"galaxy {letter}" for letter in "abcdéf"])
    return replace(found, zero_points=zero_points, prior=PRIOR, object_ids=ids)


@pytest.fixture(scope="module")
def tree(posterior):
    """Many draws of each galaxy."""
    return to_arviz(posterior, DRAWS, seed=1, chains=CHAINS)


def test_every_quantity_has_its_axes_ids_and_unit(posterior, tree):
    names = [*posterior.space.names, "magnitude", "flux_njy"]
    assert list(tree["posterior"].data_vars) == names
    assert {tree["posterior"][name].dims for name in names} == {("chain", "draw", "galaxy")}
    assert tree["posterior"]["galaxy"].values.tolist() == posterior.object_ids.tolist()
    units = {name: tree["posterior"][name].attrs.get("units") for name in names}
    assert (units["effective_radius"], units["magnitude"], units["flux_njy"]) == (
        "arcsec",
        "mag",
        "nJy",
    )


def test_the_draws_are_the_posteriors_own(posterior, tree):
    drawn = posterior.sample(TOTAL, seed=1)[..., 1].reshape(CHAINS, DRAWS, GALAXIES)
    assert np.array_equal(tree["posterior"]["effective_radius"].values, drawn)


def test_the_density_of_each_draw_is_the_posteriors(posterior, tree):
    point = [tree["posterior"][name].values[2, 7] for name in posterior.space.names]
    expected = posterior.log_prob(torch.tensor(np.stack(point, axis=-1)))
    np.testing.assert_allclose(tree["sample_stats"]["lp"].values[2, 7], expected, rtol=1e-12)


def test_a_magnitude_without_a_zero_point_is_not_a_number(tree):
    magnitude = tree["posterior"]["magnitude"].values
    assert np.isnan(magnitude[..., -1]).all()
    assert np.isfinite(magnitude[..., :-1]).all()


def test_arviz_finds_the_posteriors_means_and_no_fault_in_the_chains(posterior, tree):
    found = arviz_stats.summary(
        tree, var_names=["bulge_to_total", "effective_radius"], kind="all", round_to="none"
    )
    expected = torch.cat([posterior["bulge_to_total"].mean, posterior["effective_radius"].mean])
    spread = torch.cat([posterior["bulge_to_total"].std, posterior["effective_radius"].std])
    # The mean of so many independent draws scatters by spread / sqrt(TOTAL).
    off = (found["mean"].to_numpy() - expected.numpy()) / (spread.numpy() / TOTAL**0.5)
    assert np.abs(off).max() < 4
    assert (found["r_hat"] < 1.01).all()
    # Of independent draws the effective number scatters around their number.
    assert (found["ess_bulk"] > 0.85 * TOTAL).all()


def test_arviz_finds_the_posteriors_highest_density_intervals(posterior, tree):
    found = arviz_stats.hdi(tree, prob=0.6827)["effective_radius"].values
    exact = posterior["effective_radius"].hdi(0.6827)
    one = exact[:, 1].isnan().all(dim=-1).numpy()
    assert one.sum() >= 3
    # Both hold 68.27 %, so they are compared by what each edge leaves below itself: the place of a
    # shortest interval of draws is known to the cube root of their number (Andrews et al. 1972).
    below = posterior["effective_radius"].cdf(torch.from_numpy(found).T).T[one]
    expected = posterior["effective_radius"].cdf(exact[:, 0].T).T[one]
    assert (below - expected).abs().max() < TOTAL ** (-1 / 3)
    inside = (below[:, 1] - below[:, 0]).numpy()
    assert np.abs(inside - 0.6827).max() < 0.02


def test_a_netcdf_file_holds_the_whole_tree(tree, tmp_path):
    write_netcdf(tree, tmp_path / "draws.nc")
    assert read_netcdf(tmp_path / "draws.nc").identical(tree)
    assert [path.name for path in tmp_path.iterdir()] == ["draws.nc"]


def test_prior_and_bounds_are_read_from_the_file(posterior, tree, tmp_path):
    write_netcdf(tree, tmp_path / "draws.nc")
    said = xarray.open_datatree(tmp_path / "draws.nc", engine="h5netcdf")["posterior"].attrs
    assert Prior.from_json(said["prior"]) == PRIOR
    assert ParameterSpace.from_json(said["parameters"]) == posterior.space


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_draws(posterior, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_netcdf(to_arviz(posterior, 20, seed), tmp_path / name)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert files["a"] == files["b"]
    assert files["a"] != files["c"]


def test_what_is_known_is_matched_by_id_and_missing_rows_are_not_numbers(posterior):
    ids = posterior.object_ids[[3, 0, 1]]
    known = Catalog.of(
        {"estimator": "tiny"},
        object_id=ids,
        flags=np.array([4, 1, 2], dtype=np.int32),
        file_name=["x", "y", "z"],
    )
    truths = Catalog.of(object_id=ids[:2], effective_radius=[0.5, 0.7], age=[1.0, 2.0])
    tree = to_arviz(posterior, 5, known=known, truths=truths)
    constants = tree["constant_data"]
    assert list(constants.data_vars) == ["zero_point", "flags", "effective_radius_truth"]
    np.testing.assert_array_equal(constants["flags"], [1, 2, np.nan, 4, np.nan, np.nan])
    nan = np.nan
    expected = [0.7, nan, nan, 0.5, nan, nan]
    np.testing.assert_array_equal(constants["effective_radius_truth"], expected)
    assert constants["effective_radius_truth"].attrs["units"] == "arcsec"
    assert tree.attrs["estimator"] == "tiny"


def test_flags_keep_their_bits_and_say_what_they_mean(posterior):
    bits = np.arange(GALAXIES, dtype=np.int32)
    known = Catalog.of(object_id=posterior.object_ids[::-1], flags=bits)
    flags = to_arviz(posterior, 5, known=known)["constant_data"]["flags"]
    assert flags.dtype == np.int32
    assert flags.values.tolist() == bits[::-1].tolist()
    meanings = dict(
        zip(flags.attrs["flag_meanings"].split(), flags.attrs["flag_masks"], strict=True)
    )
    assert meanings["psf_unknown"] == Flag.PSF_UNKNOWN


@pytest.mark.parametrize("numbers", [{"draws": 0}, {"chains": 0}])
def test_there_is_at_least_one_draw(posterior, numbers):
    with pytest.raises(UsageError, match="must be at least 1; got 0"):
        to_arviz(posterior, **numbers)


@pytest.mark.parametrize("content", [None, b"", b"not netCDF at all"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="must be a netCDF file"):
        read_netcdf(path)
