"""Facts about the bytes of files: ordinary ones of sensible size, unzipped, and nothing else."""

import gzip
import os
import socket
import tracemalloc

import pytest

from gampen.errors import GalaxyError
from gampen.storage import content as storage

SOUND = b"SIMPLE  =" + bytes(range(256)) * 40


def refused(path):
    """The one line with which a file is refused."""
    with pytest.raises(GalaxyError) as refusal:
        storage.read_content(path)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_file_is_read_whole_zipped_or_not(tmp_path):
    (tmp_path / "plain").write_bytes(SOUND)
    (tmp_path / "zipped").write_bytes(gzip.compress(SOUND))
    (tmp_path / "members").write_bytes(gzip.compress(SOUND[:99]) + gzip.compress(SOUND[99:]))
    (tmp_path / "padded").write_bytes(gzip.compress(SOUND) + bytes(512))
    for path in tmp_path.iterdir():
        assert storage.read_content(path) == SOUND


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "it is a named pipe" in refused(tmp_path / "pipe")


def test_only_ordinary_files_are_read(tmp_path):
    assert "it is a folder" in refused(tmp_path)
    assert "it is a device" in refused("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tmp_path)  # the name of a socket may be no longer than this one
        listener.bind("socket")
    assert "must be readable" in refused(tmp_path / "socket")
    (tmp_path / "loop").symlink_to("loop")
    assert "must be readable" in refused(tmp_path / "loop")
    assert "missing" in refused(tmp_path / "none")
    assert "a disk can hold" in refused("a\0b")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert f"at most {storage.LARGEST_FILE} bytes; it has {2**40}" in refused(tmp_path / "sparse")


def test_a_bomb_is_not_unpacked_beyond_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "LARGEST_FILE", 2**20)
    (tmp_path / "bomb").write_bytes(gzip.compress(SOUND + bytes(2**26)))
    tracemalloc.start()
    try:
        assert "unzipped it has more: cut the galaxies out" in refused(tmp_path / "bomb")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_file_of_just_the_largest_size_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "LARGEST_FILE", len(SOUND))
    (tmp_path / "zipped").write_bytes(gzip.compress(SOUND))
    assert storage.read_content(tmp_path / "zipped") == SOUND
    (tmp_path / "zipped").write_bytes(gzip.compress(SOUND + b"x"))
    assert "unzipped it has more" in refused(tmp_path / "zipped")


def test_endless_members_are_refused():
    with pytest.raises(GalaxyError, match="at most 10000 members"):
        storage.inflate(gzip.compress(b"") * 10_001, 100)


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(SOUND)[:-9],
        gzip.compress(SOUND) + b"more",
        gzip.compress(SOUND)[:200] + b"\xff" * 50,
        gzip.compress(SOUND)[:-8] + bytes(8),
        b"\x1f\x8b",
    ],
)
def test_a_damaged_stream_is_refused(damaged):
    with pytest.raises(GalaxyError, match="damaged or truncated"):
        storage.inflate(damaged, 10**6)
