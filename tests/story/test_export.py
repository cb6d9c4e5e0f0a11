"""From a catalogue to what other libraries read, by the command line."""

import shutil
import sys

import arviz_stats
import numpy as np
import pytest
import qp

from gampen.interchange.arviz import read_netcdf
from gampen.posterior import Posterior
from gampen.storage.tables import read_catalog


@pytest.fixture
def spoiled(gampen, folder, model, tmp_path):
    """A catalogue of twelve galaxies, of which one has no posterior."""
    sorted((folder / "cutouts").iterdir())[2].write_bytes(b"")
    catalogue = tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", catalogue, "--estimator", model, "--passes", 4)
    assert ran.status == 0
    return catalogue


def test_arviz_reads_the_export_and_galaxies_without_a_posterior_are_left_out(
    gampen, spoiled, tmp_path
):
    out = tmp_path / "new" / "draws.nc"
    ran = gampen("export", spoiled, "--out", out, "--draws", 4000, "--seed", 2)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "11 galaxies",
        "1 without a posterior are left out",
        str(out),
    ]
    tree, posterior = read_netcdf(out), Posterior.load(spoiled)
    assert tree["posterior"]["galaxy"].values.tolist() == posterior.object_ids.tolist()
    assert tree["posterior"].sizes == {"chain": 4, "draw": 1000, "galaxy": 11}
    rows = read_catalog(spoiled)
    ok = np.array(rows["status"].text()) == "ok"
    flags = tree["constant_data"]["flags"].values
    assert flags.tolist() == rows["flags"].values[ok].tolist()
    assert tree.attrs["estimator_sha256"] == rows.metadata["estimator_sha256"]
    found = arviz_stats.summary(tree, var_names=["bulge_to_total"], kind="stats", round_to="none")[
        "mean"
    ]
    mean, spread = posterior["bulge_to_total"].mean, posterior["bulge_to_total"].std
    # The mean of 4,000 independent draws scatters by spread / sqrt(4000).
    assert np.abs((found.to_numpy() - mean.numpy()) / spread.numpy()).max() < 4 / 4000**0.5


def test_truths_ride_along(gampen, predicted, tmp_path):
    simulated, catalogue = predicted
    out = tmp_path / "draws.nc"
    truths = simulated / "info.csv"
    assert gampen("export", catalogue, "-o", out, "--draws", 8, "--truths", truths).status == 0
    found = read_netcdf(out)["constant_data"]["effective_radius_truth"]
    assert found.values.tolist() == read_catalog(truths)["effective_radius"].values.tolist()


def test_qp_reads_the_export(gampen, spoiled, tmp_path):
    out = tmp_path / "radius.hdf5"
    ran = gampen("export", spoiled, "--out", out, "--quantity", "effective_radius")
    assert ran.out.splitlines()[0] == "11 galaxies"
    ensemble, posterior = qp.read(str(out)), Posterior.load(spoiled)
    assert ensemble.ancil["object_id"].tolist() == posterior.object_ids.tolist()
    median = posterior["effective_radius"].median
    np.testing.assert_allclose(ensemble.ppf(0.5).ravel(), median, rtol=1e-3)


def test_another_table_format_keeps_every_row(gampen, spoiled, tmp_path):
    out = tmp_path / "catalogue.vot"
    ran = gampen("export", spoiled, "--out", out)
    assert ran.out.splitlines() == ["12 galaxies", str(out)]
    before, after = read_catalog(spoiled), read_catalog(out)
    assert after.names == before.names
    assert after["status"].text() == before["status"].text()
    assert Posterior.load(out).median.equal(Posterior.load(spoiled).median)


def test_the_same_seed_gives_the_same_file(gampen, predicted, tmp_path):
    for name, seed in (("a.nc", 3), ("b.nc", 3), ("c.nc", 4)):
        out = ("--out", tmp_path / name, "--draws", 40, "--seed", seed)
        assert gampen("export", predicted[1], *out).status == 0
    files = [(tmp_path / name).read_bytes() for name in ("a.nc", "b.nc", "c.nc")]
    assert files[0] == files[1]
    assert files[0] != files[2]


@pytest.mark.parametrize(
    ("out", "library", "more"),
    [("draws.nc", "xarray", ()), ("flux.hdf5", "qp", ("--quantity", "flux"))],
)
def test_a_missing_extra_is_one_line(gampen, predicted, tmp_path, monkeypatch, out, library, more):
    monkeypatch.setitem(sys.modules, library, None)
    ran = gampen("export", predicted[1], "--out", tmp_path / out, *more)
    assert ran.status == 2
    assert ran.complaint == (
        f"{library} must be installed for this; it is not: pip install 'gampen[interchange]'"
    )
    assert list(tmp_path.iterdir()) == []


def test_wrong_exports_are_one_line_each(gampen, predicted, tmp_path):
    catalogue = shutil.copy(predicted[1], tmp_path / "catalogue.parquet")
    nc, hdf5 = tmp_path / "draws.nc", tmp_path / "flux.hdf5"
    for arguments, reason in {
        (tmp_path / "no.parquet", "-o", nc): "must exist",
        (predicted[0] / "info.csv", "-o", nc): "must have a column 'status'",
        (catalogue, "-o", tmp_path / "draws.pdf"): "must end in one of .nc, .hdf5, .parquet",
        (catalogue, "-o", catalogue): "must not be the catalogue itself",
        (catalogue, "-o", nc, "--draws", 0): "draws must be a multiple of 4",
        (catalogue, "-o", nc, "--draws", 10): "draws must be a multiple of 4",
        (catalogue, "-o", nc, "--seed", -1): "seed must be at least 0",
        (catalogue, "-o", nc, "--truths", tmp_path / "no.csv"): "must exist",
        (catalogue, "-o", hdf5): "say --quantity NAME",
        (catalogue, "-o", hdf5, "--quantity", "size"): "must be one of bulge_to_total",
    }.items():
        ran = gampen("export", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["catalogue.parquet"]
