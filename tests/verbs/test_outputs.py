"""Places for results are seen to be writable before there is a result."""

import os

import pytest

from gampen.errors import UsageError
from gampen.verbs.outputs import claim_file, claim_folder


def test_a_new_folder_is_made_with_those_above_it(tmp_path):
    assert claim_folder(tmp_path / "a" / "b").is_dir()
    assert claim_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"


def test_a_file_gets_its_folder_and_is_not_made_itself(tmp_path):
    path = claim_file(tmp_path / "a" / "file.csv")
    assert path.parent.is_dir()
    assert not path.exists()


def test_a_file_in_the_way_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="must be a folder"):
            claim_folder(place)


def test_a_folder_in_the_way_of_a_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="it is a folder"):
        claim_file(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="read-only"):
        claim_folder(tmp_path)


def test_a_name_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(UsageError, match="too long"):
        claim_folder(tmp_path / ("x" * 300))
