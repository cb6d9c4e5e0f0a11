"""From a catalogue to what other libraries read, by the command line."""

import shutil
import sys
import warnings
from dataclasses import replace

import arviz_stats
import hats
import numpy as np
import pytest
import qp
from astropy.io import votable
from astropy.io.votable.ucd import check_ucd
from hats.io.validation import is_valid_catalog

from gampen.catalog import Column
from gampen.interchange.arviz import read_netcdf
from gampen.posterior import Posterior
from gampen.storage.datasets import write_dataset_metadata
from gampen.storage.tables import read_catalog, write_catalog


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


def test_the_votable_of_a_prediction_is_valid(gampen, predicted, tmp_path):
    out = tmp_path / "catalogue.vot"
    assert gampen("export", predicted[1], "--out", out).status == 0
    with out.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert votable.validate(file, output=None)
    fields = {field.name: field for field in votable.parse_single_table(str(out)).fields}
    for column in read_catalog(predicted[1]):
        field = fields[column.name]
        assert (str(field.unit or ""), field.ucd or "") == (column.unit, column.ucd)
        assert not column.ucd or check_ucd(column.ucd, check_controlled_vocabulary=True)


@pytest.mark.parametrize("suffix", [".fits", ".csv", ".parquet", ".vot"])
def test_a_dataset_is_exported_as_its_file_is(gampen, predicted, tmp_path, suffix):
    catalog = read_catalog(predicted[1])
    folder = tmp_path / "parts"
    folder.mkdir()
    parts = [folder / f"part-{number:05d}.parquet" for number in range(3)]
    for part, galaxies in zip(parts, np.array_split(np.arange(len(catalog)), 3), strict=True):
        write_catalog(catalog.take(galaxies), part)
    write_dataset_metadata(folder, parts, catalog.metadata)
    for source, name in ((predicted[1], "file"), (folder, "folder")):
        ran = gampen("export", source, "--out", tmp_path / f"{name}{suffix}")
        assert ran.out.splitlines() == ["20 galaxies", str(tmp_path / f"{name}{suffix}")]
    found, expected = (tmp_path / f"{name}{suffix}" for name in ("folder", "file"))
    if suffix == ".parquet":  # which has the parts as row groups
        assert Posterior.load(found).median.equal(Posterior.load(expected).median)
        return
    assert found.read_bytes() == expected.read_bytes()


def test_lsdb_finds_the_galaxies_on_the_sky_and_those_without_a_place_are_counted(
    gampen, spoiled, tmp_path
):
    rows = read_catalog(spoiled)
    places = {"ra": np.linspace(0, 359, len(rows)), "dec": np.linspace(-90, 90, len(rows))}
    places["dec"][3] = np.nan
    columns = [replace(rows[name], values=values) for name, values in places.items()]
    write_catalog(rows.with_columns(columns), tmp_path / "placed.parquet")
    out = tmp_path / "sky.hats"
    for _ in range(2):  # the second takes the first one's place
        ran = gampen("export", tmp_path / "placed.parquet", "--out", out)
        assert ran.out.splitlines() == [
            "11 galaxies",
            "1 without ra and dec are left out",
            str(out),
        ]
    assert is_valid_catalog(out, strict=True)
    found = hats.read_hats(out)
    assert len(found) == 11
    assert set(rows.names) <= set(found.schema.names)


def test_a_catalogue_without_places_has_none_on_the_sky(gampen, predicted, tmp_path):
    rows = read_catalog(predicted[1])
    nowhere = Column("ra", np.full(len(rows), np.nan))
    write_catalog(rows.with_columns([nowhere]), tmp_path / "catalogue.parquet")
    ran = gampen("export", tmp_path / "catalogue.parquet", "--out", tmp_path / "sky.hats")
    assert (ran.status, ran.complaint) == (
        2,
        "a galaxy must have ra and dec to be placed on the sky; none has both",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["catalogue.parquet"]


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
    folder, truths = tmp_path / "parts", predicted[0] / "info.csv"
    folder.mkdir()
    shutil.copy(catalogue, folder / "part-00000.parquet")
    (tmp_path / "taken.hats").mkdir()
    for arguments, reason in {
        (tmp_path / "no.parquet", "-o", nc): "must exist",
        (predicted[0] / "info.csv", "-o", nc): "must have a column 'status'",
        (catalogue, "-o", tmp_path / "draws.pdf"): "must end in one of .nc, .hdf5, .hats",
        (catalogue, "-o", catalogue): "must not be the catalogue itself",
        (folder, "-o", folder / "all.fits"): "nor lie in it",
        (folder, "-o", tmp_path / "taken.hats"): "must be a new name, or a folder with hats.prop",
        (truths, "-o", tmp_path / "sky.hats"): "must have a column 'ra'",
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
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "catalogue.parquet",
        "parts",
        "taken.hats",
    ]
