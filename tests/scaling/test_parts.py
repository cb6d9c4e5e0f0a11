"""A part is there whole, and of its own run, or it is not there."""

import subprocess
import sys

import pytest

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.scaling.parts import Parts, alone_in
from gampen.storage.tables import read_catalog

ROWS = Catalog.of(object_id=["a", "b"], flags=[0, 1])


def test_a_part_that_was_written_is_there(tmp_path):
    parts = Parts(tmp_path, "run")
    assert not parts.has(3, 2)
    parts.write(3, ROWS)
    assert parts.has(3, 2)
    assert read_catalog(parts.path(3))["object_id"].text() == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["part-00003.parquet"]


def test_a_part_of_another_run_or_length_or_torn_is_not_there(tmp_path):
    parts = Parts(tmp_path, "run")
    parts.write(0, ROWS)
    assert not Parts(tmp_path, "other").has(0, 2)
    assert not parts.has(0, 3)
    content = parts.path(0).read_bytes()
    for torn in (content[:-9], content[: len(content) // 2], b""):
        parts.path(0).write_bytes(torn)
        assert not parts.has(0, 2)


def test_two_runs_do_not_work_in_one_folder(tmp_path):
    other = pytest.raises(UsageError, match="another is at work there")
    with alone_in(tmp_path), other, alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_goes_with_a_process_that_is_killed(tmp_path):
    code = (
        "import os, sys, signal, pathlib\n"
        "from gampen.scaling.parts import alone_in\n"
        "with alone_in(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert ran.returncode == -9
    with alone_in(tmp_path):
        pass
