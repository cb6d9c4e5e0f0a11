"""`gampen examples`: galaxies to try the commands on, without the repository."""

from gampen.estimator import Estimator
from gampen.storage.sources import load_cutouts
from gampen.storage.tables import read_catalog


def test_the_galaxies_of_the_package_are_written_and_predicted(gampen, model, tmp_path):
    folder, out = tmp_path / "galaxies", tmp_path / "catalogue.parquet"
    ran = gampen("examples", folder)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == f"4 galaxies in {folder}"
    assert "lsst/testdata_deblender" in (folder / "README.md").read_text()
    ran = gampen("predict", folder, "--estimator", model, "--passes", 4, "-o", out)
    assert ran.out.splitlines()[0] == "4 of 4 galaxies have a posterior"
    assert set(read_catalog(out)["status"].text()) == {"ok"}


def test_a_folder_that_holds_something_is_left_as_it_is(gampen, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    ran = gampen("examples", tmp_path)
    assert ran.status == 2
    assert ran.complaint == (
        f"{tmp_path} must be a new or an empty folder; it holds files: name another"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_their_radii_are_those_that_hubble_measured_to_a_factor_of_two(tmp_path, gampen):
    gampen("examples", tmp_path / "galaxies")
    cutouts = load_cutouts(tmp_path / "galaxies")
    posterior = Estimator.load("universal").predict(cutouts)
    table = read_catalog(tmp_path / "galaxies" / "info.csv")
    ratio = (
        posterior["effective_radius"].median.numpy() / table["hst_half_light_radius_arcsec"].values
    )
    assert ((ratio > 0.5) & (ratio < 2)).all()
