"""Turning a galaxy from the command line."""

import pytest

from gampen.storage.tables import read_catalog


@pytest.fixture
def cutout(folder):
    """The first galaxy."""
    return min((folder / "cutouts").iterdir())


@pytest.mark.parametrize(("name", "start"), [("turn.gif", b"GIF89a"), ("turn.png", b"\x89PNG")])
def test_a_galaxy_is_turned(gampen, model, cutout, tmp_path, name, start):
    picture = tmp_path / "pictures" / name
    done = gampen("rotate", cutout, "--estimator", model, "--out", picture, "--turns", 4)
    assert done.status == 0, done.err
    assert picture.read_bytes().startswith(start)
    assert [path.name for path in picture.parent.iterdir()] == [name]
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["bulge_to_total", "effective_radius", "flux"]


def test_an_animation_has_a_frame_a_turn(gampen, model, cutout, tmp_path):
    from PIL import Image

    assert gampen("rotate", cutout, "--estimator", model, "-o", tmp_path / "t.gif", "--turns", 5)
    with Image.open(tmp_path / "t.gif") as picture:
        assert picture.n_frames == 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--turns", 1), "turns must be at least 2"),
        (("--out", "picture.jpg"), "must end in .gif"),
    ],
)
def test_a_wrong_call_is_one_line(gampen, cutout, options, words):
    done = gampen("rotate", cutout, *options)
    assert done.status == 2
    assert words in done.complaint


def test_a_galaxy_that_cannot_be_read_is_one_line(gampen, model, tmp_path):
    path = tmp_path / "nothing.fits"
    path.write_bytes(b"")
    done = gampen("rotate", path, "--estimator", model, "--out", tmp_path / "turn.png")
    assert done.status == 1
    assert done.complaint


def test_categories_have_the_thresholds_that_were_asked_for(gampen, model, folder, tmp_path):
    out, spoilt = tmp_path / "catalogue.parquet", min((folder / "cutouts").iterdir())
    spoilt.write_bytes(b"")
    limits = ("--disk-below", 0.5, "--bulge-above", 0.5, "--confidence", 0.51)
    done = gampen("predict", folder, "--estimator", model, "-o", out, "--passes", 4, *limits)
    assert done.status == 0, done.err
    catalog = read_catalog(out)
    labels = catalog["category"].text()
    assert labels[0] == ""
    for label, disk in zip(labels[1:], catalog["p_disk_dominated"].numbers()[1:], strict=True):
        sure = "disk-dominated" if disk >= 0.51 else "indeterminate"
        assert label == (sure if disk > 0.49 else "bulge-dominated")


def test_thresholds_that_cross_are_refused_before_any_work(gampen, folder):
    done = gampen("predict", folder, "--disk-below", 0.7)
    assert done.status == 2
    assert "thresholds must be" in done.complaint
