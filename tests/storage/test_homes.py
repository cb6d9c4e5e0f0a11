"""Facts about the files that a catalogue names."""

import os

import pytest

from gampen.errors import GalaxyError
from gampen.storage.homes import Homes, fits_names, printable, version_of


@pytest.fixture
def homes(tmp_path):
    """Two homes beside a secret, with links of every kind in them."""
    first, second = tmp_path / "folder" / "cutouts", tmp_path / "folder"
    (first / "deep").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    for path in (first / "a", first / "deep" / "b", second / "c", tmp_path / "secret" / "s"):
        path.write_text(path.name)
    (first / "inner").symlink_to("../c")
    (first / "outer").symlink_to(tmp_path / "secret" / "s")
    (first / "door").symlink_to(tmp_path / "secret")
    (first / "loop").symlink_to("loop")
    (first / "dangling").symlink_to("nothing")
    os.mkfifo(first / "pipe")
    return Homes.of(first, second)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a", "a"),
        ("c", "c"),
        ("cutouts/a", "a"),
        ("deep/b", "b"),
        ("./deep/../a", "a"),
        ("../c", "c"),
        ("inner", "c"),
        ("deep//b", "b"),
    ],
)
def test_a_file_in_a_home_is_found_by_any_of_its_names(homes, name, content):
    for _ in range(2):  # the second time what the folder leads to is known
        with open(homes.find(name)) as file:  # noqa: PTH123
            assert file.read() == content


@pytest.mark.parametrize(
    "name",
    [
        *("../../secret/s", "/etc/passwd", "/", "..", "../..", "outer", "door/s", "door/none"),
        *("door/../../folder/c", "deep/../../../secret/s", "//etc/passwd", "door", "loop"),
    ],
)
def test_no_name_leads_out(homes, name):
    with pytest.raises(GalaxyError, match="must stay inside of its folder"):
        homes.find(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is empty"),
        ("a\0", "null character"),
        ("none", "it is missing"),
        ("none/none", "it is missing"),
        ("a/b", "it is missing"),
        ("dangling", "it is missing"),
        ("x" * 5000, "it is missing"),
        ("x/" * 5000, "it is missing"),
        ("\udcff", "it is missing"),
        ("deep", "must be an ordinary one"),
        (".", "must be an ordinary one"),
        ("deep/", "must be an ordinary one"),
        ("pipe", "must be an ordinary one"),
    ],
)
def test_what_is_no_ordinary_file_is_refused(homes, name, reason):
    with pytest.raises(GalaxyError, match=reason):
        homes.find(name)


@pytest.mark.usefixtures("homes")
def test_homes_may_themselves_be_links(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert Homes.of(tmp_path / "link").find("c") == str(tmp_path / "folder" / "c")


def test_the_version_of_a_file_is_its_size_and_time(homes, tmp_path):
    path = tmp_path / "folder" / "c"
    before = version_of(homes.roots, "c")
    path.write_text("longer")
    assert version_of(homes.roots, "c") != before
    assert version_of(homes.roots, "none") == version_of(homes.roots, "a\0") == ";"


def test_fits_files_are_listed_by_name_first_the_folders_own(tmp_path):
    (tmp_path / "cutouts").mkdir()
    for name in ("b.fits", "cutouts-a.fits", "cutouts/c.fit.gz", ".d.fits", "e.txt", "f.FTS"):
        (tmp_path / name).touch()
    assert fits_names(tmp_path) == ["b.fits", "cutouts/c.fit.gz", "cutouts-a.fits", "f.FTS"]


def test_a_name_that_is_no_text_can_be_printed():
    assert printable(os.fsdecode(b"a\xff.fits")) == "a\\xff.fits"
    assert printable("\u00e4.fits") == "\u00e4.fits"
