"""Facts about tensors on disk."""

import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import EstimatorError
from gampen.storage.estimators import content_digest, read_tensors, write_tensors

TENSORS = {
    "weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "bias": torch.tensor([0.5], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "empty": torch.zeros(0, 3),
    "mask": torch.tensor([True, False]),
}
NOTES = {"name": "universal", "settings": '{"a": 1}'}


@pytest.fixture
def path(tmp_path):
    write_tensors(tmp_path / "estimator.safetensors", TENSORS, NOTES)
    return tmp_path / "estimator.safetensors"


def test_tensors_and_metadata_come_back_as_they_were(path):
    tensors, metadata = read_tensors(path)
    assert {name: tensors[name].dtype for name in tensors} == {
        n: t.dtype for n, t in TENSORS.items()
    }
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert metadata == {**NOTES, "sha256": content_digest(TENSORS, NOTES)}


def test_views_are_written_as_they_are_seen(tmp_path):
    write_tensors(tmp_path / "a.safetensors", {"x": torch.arange(6).reshape(2, 3).T}, {})
    assert read_tensors(tmp_path / "a.safetensors")[0]["x"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_the_same_content_is_the_same_bytes_in_any_process(path, tmp_path):
    code = (
        "import sys, torch; from gampen.storage.estimators import read_tensors, write_tensors;"
        "tensors, notes = read_tensors(sys.argv[1]); notes.pop('sha256');"
        "write_tensors(sys.argv[2], dict(reversed(tensors.items())), dict(reversed(notes.items())))"
    )
    again = tmp_path / "again.safetensors"
    subprocess.run([sys.executable, "-c", code, str(path), str(again)], check=True)
    assert again.read_bytes() == path.read_bytes()


def test_a_written_digest_is_not_taken_for_metadata(path, tmp_path):
    tensors, metadata = read_tensors(path)
    write_tensors(tmp_path / "b.safetensors", tensors, metadata)
    assert read_tensors(tmp_path / "b.safetensors")[1] == metadata


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(place, bit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flipped")
    write_tensors(folder / "a.safetensors", TENSORS, NOTES)
    content = bytearray((folder / "a.safetensors").read_bytes())
    content[place % len(content)] ^= 1 << bit
    (folder / "a.safetensors").write_bytes(content)
    with pytest.raises(EstimatorError):
        read_tensors(folder / "a.safetensors")


def test_a_flipped_bit_in_a_tensor_is_named_as_such(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(EstimatorError, match="its content has been altered"):
        read_tensors(path)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(EstimatorError, match="must be a whole safetensors file"):
        read_tensors(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(EstimatorError, match="there is no file"):
        read_tensors(tmp_path / "a.safetensors")


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" + 500 * b"\0"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(EstimatorError, match="must be a whole safetensors file") as refusal:
        read_tensors(tmp_path / "a.pt")
    assert "\n" not in str(refusal.value)


def test_tensors_of_others_are_refused(tmp_path):
    safetensors.torch.save_file({"x": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(EstimatorError, match="lacks gampen's metadata"):
        read_tensors(tmp_path / "a.safetensors")


def tampered(tmp_path, header, data=b"", length=None):
    """A safetensors file with a header of our own, and the one line that refuses it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "tampered.safetensors"
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    with pytest.raises(EstimatorError) as refusal:
        read_tensors(path)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 1000
    return str(refusal.value)


def tensor(shape, end, start=0):
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


def test_a_header_of_endless_length_is_refused(tmp_path):
    for length in (2**60, 2**64 - 1, 2**31, 200):
        assert "must be a whole safetensors file" in tampered(tmp_path, b"{}" * 9, length=length)


@pytest.mark.parametrize(
    "header",
    [
        {"x": tensor([10**6, 10**6], 4 * 10**12)},
        {"x": tensor([2**62, 2**62], 4)},
        {"x": tensor([1], 4), "y": tensor([1], 4)},
        {"x": tensor([2], 4)},
        {"x": tensor([-1], 4)},
        {"x": {**tensor([1], 4), "dtype": "F999"}},
        b'{"x":' * 100_000,
        b"[" * 10**6,
    ],
)
def test_tensors_that_are_not_there_are_refused(tmp_path, header):
    assert "must be a whole safetensors file" in tampered(tmp_path, header, bytes(4))


def test_a_repeated_name_is_refused(tmp_path):
    one, two = (json.dumps(tensor([1], end, end - 4)) for end in (4, 8))
    tampered(tmp_path, f'{{"x":{one},"x":{two}}}'.encode(), bytes(8))
    tampered(tmp_path, f'{{"x":{one},"x":{one}}}'.encode(), bytes(4))


@pytest.mark.parametrize(
    "notes",
    [
        "[" * 10**6,
        "[" * 10**6 + "]" * 10**6,
        '{"a":' * 10**5 + "1" + "}" * 10**5,
        '{"a": {"b": "c"}}',
        '{"a": 1}',
        '{"a": "1", "a": "2"}',
        '[["a", "b"]]',
        '"text"',
        "NaN",
        "",
    ],
)
def test_notes_that_are_not_names_with_texts_are_refused(tmp_path, notes):
    header = {"__metadata__": {"gampen": notes}, "x": tensor([1], 4)}
    assert "metadata have been altered" in tampered(tmp_path, header, bytes(4))


class Trap:
    """What a pickle runs when it is opened."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


@pytest.mark.parametrize("name", ["trap.safetensors", "trap.pt"])
@pytest.mark.parametrize("save", [pickle.dump, torch.save])
def test_a_pickle_is_refused_and_not_opened(tmp_path, monkeypatch, name, save):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / name).open("wb") as file:
        save(Trap(), file)
    with pytest.raises(EstimatorError, match="must be a whole safetensors file") as refusal:
        read_tensors(tmp_path / name)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "sprung").exists()


def test_an_endless_file_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "a.safetensors").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(EstimatorError, match="must have at most 1073741824 bytes"):
        read_tensors(tmp_path / "a.safetensors")


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    for path in (tmp_path, tmp_path / "pipe.safetensors", Path("/dev/zero")):
        with pytest.raises(EstimatorError, match="there is no file"):
            read_tensors(path)
