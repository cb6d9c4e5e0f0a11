"""Records against TensorFlow's own protocol buffers and the published values of the checksum."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.io.gfile import GFile  # noqa: F401 - the reader needs it
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c as other_crc32c

from gampen.tracking.records import checksum, crc32c, double, framed, part, single, whole


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_has_the_values_of_rfc_3720(content, check):
    assert crc32c(content) == check


@given(st.binary(max_size=80))
def test_the_checksum_is_tensorboards(content):
    assert crc32c(content) == other_crc32c(content)


@given(
    st.integers(0, 2**62),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, width=32),
    st.text(min_size=1),
)
def test_fields_are_read_by_protocol_buffers(step, seconds, value, name):
    written = double(1, seconds) + whole(2, step)
    written += part(5, part(1, part(1, name.encode(errors="replace")) + single(2, value)))
    event = Event.FromString(written)
    assert (event.wall_time, event.step) == (seconds, step)
    (summary,) = event.summary.value
    assert summary.tag == name.encode(errors="replace").decode()
    assert summary.simple_value == value


def test_a_record_is_framed_by_its_length_and_checksums():
    record = framed(b"abc")
    assert struct.unpack("<Q", record[:8]) == (3,)
    assert record[8:12] == checksum(record[:8])
    assert record[12:15] == b"abc"
    assert record[15:] == checksum(b"abc")
