"""Reports from the command line: one page, always the same, and one line where there is none."""

import numpy as np
import pytest

from gampen.catalog import Column
from gampen.storage.tables import read_catalog, write_catalog

FEW = ("--galaxies", 3)


def without(catalogue, column, path):
    """The catalogue without one of its columns."""
    catalog = read_catalog(catalogue)
    write_catalog(catalog.select(name for name in catalog.names if name != column), path)
    return path


def test_a_report_is_one_file_and_says_which(gampen, predicted, tmp_path):
    simulated, catalogue = predicted
    page = tmp_path / "new" / "page.html"
    ran = gampen("report", catalogue, "--cutouts", simulated, "--out", page, *FEW)
    assert (ran.status, ran.err, ran.out) == (0, "", f"{page}\n")
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]


def test_the_same_input_gives_the_same_bytes(gampen, predicted, tmp_path):
    simulated, catalogue = predicted
    more = ("--cutouts", simulated, "--truths", simulated / "info.csv", *FEW)
    for name in ("one.html", "other.html"):
        assert gampen("report", catalogue, "--out", tmp_path / name, *more).status == 0
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_pictures_that_are_too_many_lie_beside_the_page(gampen, predicted, tmp_path, monkeypatch):
    simulated, catalogue = predicted
    monkeypatch.setattr("gampen.verbs.gallery.INSIDE", 2)
    page = tmp_path / "page.html"
    ran = gampen("report", catalogue, "--cutouts", simulated, "--out", page, *FEW)
    folder = tmp_path / "page-pictures"
    assert ran.out.splitlines() == [str(page), str(folder)]
    expected = [
        f"00000{row}-{part}.png" for row in range(3) for part in ("cutout", "model", "residual")
    ]
    assert sorted(path.name for path in folder.iterdir()) == expected


@pytest.mark.parametrize("suffix", [".fits", ".ecsv", ".vot"])
def test_a_catalogue_of_any_format_that_keeps_metadata_will_do(gampen, predicted, tmp_path, suffix):
    copy = tmp_path / f"copy{suffix}"
    write_catalog(read_catalog(predicted[1]), copy)
    page = tmp_path / "page.html"
    ran = gampen("report", copy, "--cutouts", predicted[0], "--out", page, *FEW)
    assert (ran.status, ran.err) == (0, "")


def test_a_catalogue_without_metadata_is_refused(gampen, predicted, tmp_path):
    copy = tmp_path / "copy.csv"
    write_catalog(read_catalog(predicted[1]), copy)
    ran = gampen("report", copy, "--out", tmp_path / "page.html")
    assert ran.status == 2
    assert ran.complaint.endswith("use a format that keeps metadata")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--out", "page.pdf"), "a report must end in .html; got 'page.pdf'"),
        (("--galaxies", -1), "galaxies must be at least 0; got -1"),
        (("--cutouts", "nowhere"), "the input must exist; there is no nowhere"),
        (("--truths", "nowhere.csv"), "the table must exist; there is no file nowhere.csv"),
    ],
)
def test_a_wrong_call_is_one_line(gampen, predicted, tmp_path, monkeypatch, options, complaint):
    monkeypatch.chdir(tmp_path)
    ran = gampen("report", predicted[1], *options)
    assert (ran.status, ran.complaint) == (2, complaint)
    assert list(tmp_path.iterdir()) == []


def test_cutouts_of_other_galaxies_are_refused(gampen, predicted, folder, tmp_path):
    (folder / "info.csv").write_text((folder / "info.csv").read_text().replace("simulated", "x"))
    ran = gampen("report", predicted[1], "--cutouts", folder, "--out", tmp_path / "page.html")
    assert ran.status == 2
    assert ran.complaint.startswith("catalogue and cutouts must share galaxies; ")
    assert ran.complaint.endswith("is this their folder?")


def test_pictures_need_the_crops_of_a_catalogue(gampen, predicted, tmp_path):
    old = without(predicted[1], "crop_theta", tmp_path / "old.parquet")
    page = tmp_path / "page.html"
    ran = gampen("report", old, "--cutouts", predicted[0], "--out", page)
    assert ran.status == 2
    assert "must have a column 'crop_theta'" in ran.complaint
    assert gampen("report", old, "--out", page).status == 0


def test_truths_of_other_parameters_are_refused(gampen, predicted, tmp_path):
    truths = without(predicted[0] / "info.csv", "flux", tmp_path / "some.csv")
    for name in ("bulge_to_total", "effective_radius"):
        truths = without(truths, name, tmp_path / f"no-{name}.csv")
    ran = gampen("report", predicted[1], "--truths", truths, "--out", tmp_path / "page.html")
    assert ran.status == 2
    assert "must have true values of bulge_to_total or effective_radius or flux" in ran.complaint


def test_a_cutout_that_is_gone_has_no_picture_and_stops_no_other(
    gampen, predicted, folder, tmp_path
):
    catalogue, page = tmp_path / "catalogue.parquet", tmp_path / "page.html"
    ids = read_catalog(folder / "info.csv")["object_id"].text()
    catalog = read_catalog(predicted[1]).take(np.arange(len(ids)))
    write_catalog(catalog.with_columns([Column("object_id", np.array(ids))]), catalogue)
    min((folder / "cutouts").iterdir()).unlink()
    ran = gampen("report", catalogue, "--cutouts", folder, "--out", page)
    assert (ran.status, ran.err) == (0, "")
    assert page.read_text().count("data:image/png;base64,") == 3 * (len(ids) - 1)


def test_truths_of_other_galaxies_are_refused(gampen, predicted, tmp_path):
    truths = read_catalog(predicted[0] / "info.csv")
    names = np.array([f"other-{name}" for name in truths["object_id"].text()])
    write_catalog(truths.with_columns([Column("object_id", names)]), tmp_path / "other.csv")
    page = tmp_path / "page.html"
    ran = gampen("report", predicted[1], "--truths", tmp_path / "other.csv", "--out", page)
    assert ran.status == 2
    assert ran.complaint.endswith("they share none: is this the right table?")


@pytest.mark.parametrize("left", ["bulge_to_total", "flux"])
def test_truths_of_some_parameters_judge_these(gampen, predicted, tmp_path, left):
    truths = without(predicted[0] / "info.csv", left, tmp_path / "some.csv")
    page = tmp_path / "page.html"
    ran = gampen("report", predicted[1], "--truths", truths, "--out", page)
    assert (ran.status, ran.err) == (0, "")
    assert page.read_text().count('<span class="verdict') == 2
