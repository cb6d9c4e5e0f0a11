"""Facts about folders that are written whole or not at all."""

from pathlib import Path

import pytest

from gampen.errors import UsageError
from gampen.storage.folders import whole_folder


def names(path):
    return sorted(found.relative_to(path).as_posix() for found in path.rglob("*"))


def write(path, content="new"):
    with whole_folder(path, "mark") as folder:
        (folder / "mark").write_text(content)
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text(content)
        assert not (path / "deep" / content).exists()


def test_a_folder_takes_its_name_once_it_is_whole(tmp_path):
    with whole_folder(tmp_path / "a", "mark") as folder:
        (folder / "mark").touch()
        assert not (tmp_path / "a").exists()
    assert names(tmp_path) == ["a", "a/mark"]


def test_it_takes_the_place_of_an_older_one_of_its_kind(tmp_path):
    write(tmp_path / "a", "old")
    (tmp_path / "a" / "left").touch()
    write(tmp_path / "a")
    assert names(tmp_path) == ["a", "a/deep", "a/deep/file", "a/mark"]
    assert (tmp_path / "a" / "deep" / "file").read_text() == "new"


@pytest.mark.parametrize("accident", [KeyboardInterrupt, ValueError, OSError(28, "No space")])
def test_an_accident_leaves_the_older_one(tmp_path, accident):
    write(tmp_path / "a", "old")
    with (  # noqa: PT012 - an accident within the block
        pytest.raises((KeyboardInterrupt, ValueError), match=r"^$|No space"),
        whole_folder(tmp_path / "a", "mark") as folder,
    ):
        (folder / "mark").write_text("half")
        raise accident
    assert (tmp_path / "a" / "mark").read_text() == "old"
    assert names(tmp_path) == ["a", "a/deep", "a/deep/file", "a/mark"]


def test_the_older_one_is_there_again_where_the_name_cannot_be_given(tmp_path, monkeypatch):
    write(tmp_path / "a", "old")
    rename = Path.rename

    def failing(self, target):
        if self.suffix == ".part":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(UsageError, match="must be writable; got: Input/output error"):
        write(tmp_path / "a")
    assert (tmp_path / "a" / "mark").read_text() == "old"
    assert names(tmp_path) == ["a", "a/deep", "a/deep/file", "a/mark"]


def test_no_other_folder_or_file_is_written_over(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for name in ("folder", "file"):
        with pytest.raises(UsageError, match="must be a new name, or a folder with mark"):
            write(tmp_path / name)
    with pytest.raises(UsageError, match=r"the folder of .* must exist"):
        write(tmp_path / "none" / "a")
    assert names(tmp_path) == ["file", "folder"]
