"""Records of an event file: protocol buffers on the wire, each framed by its length and checksums.

The format of TensorFlow's records (https://www.tensorflow.org/tutorials/load_data/tfrecord) and of
protocol buffers (https://protobuf.dev/programming-guides/encoding) is fixed, and a dozen lines; the
libraries that write it are megabytes.
"""

from __future__ import annotations

import struct

CASTAGNOLI = 0x82F63B78  # the polynomial of CRC-32C, its bits reversed
MASK = 0xA282EAD8
VARINT, DOUBLE, MESSAGE, FLOAT = 0, 1, 2, 5


def varint(number: int) -> bytes:
    """A number of at least 0 in groups of seven bits, the lowest first."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def whole(field: int, number: int) -> bytes:
    """A field that holds a whole number, or one of an enumeration."""
    return varint(field << 3 | VARINT) + varint(number)


def double(field: int, number: float) -> bytes:
    """A field that holds a real number in 64 bits."""
    return varint(field << 3 | DOUBLE) + struct.pack("<d", number)


def single(field: int, number: float) -> bytes:
    """A field that holds a real number in 32 bits."""
    return varint(field << 3 | FLOAT) + struct.pack("<f", number)


def part(field: int, content: bytes | str) -> bytes:
    """A field that holds text, bytes, or another message."""
    inside = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | MESSAGE) + varint(len(inside)) + inside


def framed(content: bytes) -> bytes:
    """A record: length, checksum of the length, content, checksum of the content."""
    length = struct.pack("<Q", len(content))
    return length + checksum(length) + content + checksum(content)


def checksum(content: bytes) -> bytes:
    """The CRC-32C, turned and shifted so that a record may hold records."""
    crc = crc32c(content)
    turned = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (turned + MASK) & 0xFFFFFFFF)


def crc32c(content: bytes) -> int:
    """The cyclic redundancy check of Castagnoli (https://doi.org/10.1109/26.231911)."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def remainder(byte: int) -> int:
    """What a byte alone leaves."""
    for _ in range(8):
        byte = byte >> 1 ^ (CASTAGNOLI if byte & 1 else 0)
    return byte


TABLE = tuple(remainder(byte) for byte in range(256))
