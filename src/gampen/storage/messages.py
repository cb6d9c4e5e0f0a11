"""What an Arrow file says of a batch before any of it is unpacked: whether it is compressed.

A few compressed bytes can stand for more than memory holds, and Arrow's reader believes them. The
places are those of Arrow's flatbuffers (Footer, Message and RecordBatch of format version 5).
"""

from __future__ import annotations

import struct
from mmap import mmap

END = b"ARROW1"
BLOCK = 24  # [byte] offset, length of metadata, length of body
BATCHES, HEADER, COMPRESSION = 3, 2, 3  # the numbers of fields in their tables


def is_compressed(file: mmap | bytes, number: int) -> bool:
    """Whether a record batch of an Arrow file is; `ValueError` where the file does not say."""
    content = memoryview(file)
    try:
        message = _message(content, number)
        batch = _follow(content, _field(content, _follow(content, message), HEADER))
        return _place(content, batch, COMPRESSION) is not None
    except struct.error:
        raise ValueError("what it says of its batches leads out of the file") from None


def _message(content: memoryview, number: int) -> int:
    """The place of the message of a batch, from the file's footer."""
    length = _number(content, "<i", len(content) - len(END) - 4)
    footer = _follow(content, len(content) - len(END) - 4 - length)
    blocks = _follow(content, _field(content, footer, BATCHES))
    # A message begins with a mark and its length.
    return _number(content, "<q", blocks + 4 + BLOCK * number) + 8


def _field(content: memoryview, table: int, number: int) -> int:
    """The place of a field of a table, which must be there."""
    place = _place(content, table, number)
    if place is None:
        raise ValueError("what it says of its batches is not whole")
    return place


def _place(content: memoryview, table: int, number: int) -> int | None:
    """The place of a field of a table, None where it is not there."""
    names = table - _number(content, "<i", table)
    at = 4 + 2 * number
    if at >= _number(content, "<H", names):
        return None
    offset = _number(content, "<H", names + at)
    return table + offset if offset else None


def _follow(content: memoryview, place: int) -> int:
    """Where an offset leads."""
    return place + _number(content, "<I", place)


def _number(content: memoryview, kind: str, place: int) -> int:
    """The number at a place; `struct.error` outside of the file."""
    found: int = struct.unpack_from(kind, content, place)[0]
    return found
