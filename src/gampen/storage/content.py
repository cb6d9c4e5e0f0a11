"""The bytes of a file: of an ordinary one, of sensible size, unzipped; anything else is refused."""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path

from gampen.errors import GalaxyError

LARGEST_FILE = 2**28
"""[byte] Also once it is unzipped: a float32 image of 8192 x 8192, far larger than any cutout."""

MOST_MEMBERS = 10_000
CHUNK = 2**16
GZIP_MAGIC = b"\x1f\x8b"
GZIP = 31  # zlib's number for a gzip header and checksum
AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a named pipe must not wait for its other end."""

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_content(path: Path | str) -> bytes:
    """The bytes of a FITS file, unzipped; `GalaxyError` where they are not those of a FITS file."""
    try:
        content = read_bytes(path)
    except GalaxyError:  # which is a ValueError, too
        raise
    except FileNotFoundError:
        raise GalaxyError("the file must exist; it is missing") from None
    except ValueError:  # a null character in the name
        raise GalaxyError("the file must have a name that a disk can hold") from None
    except OSError as error:
        raise GalaxyError(f"the file must be readable; got: {error.strerror}") from None
    if content.startswith(GZIP_MAGIC):
        content = inflate(content, LARGEST_FILE)
    if not content:
        raise GalaxyError("the file must be a FITS file; it is empty")
    if not content.startswith(b"SIMPLE  ="):
        raise GalaxyError("the file must be a FITS file; it does not begin like one")
    return content


def read_bytes(path: Path | str) -> bytes:
    """The bytes of an ordinary file that is not too large; `GalaxyError` for any other."""
    descriptor = os.open(path, os.O_RDONLY | AT_ONCE)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
            raise GalaxyError(f"the file must be an ordinary one; it is {kind}")
        if found.st_size > LARGEST_FILE:
            raise too_large(f"it has {found.st_size}")
        content = os.read(descriptor, found.st_size)
        while len(content) < found.st_size and (more := os.read(descriptor, found.st_size)):
            content += more
        return content
    finally:
        os.close(descriptor)


def inflate(zipped: bytes, most: int) -> bytes:
    """What gzip packed; `GalaxyError` where that is damaged, truncated or more than `most` bytes.

    Nothing is trusted: a megabyte of gzip may hold a gigabyte, and a file any number of members.
    """
    unzipped, place, members = bytearray(), 0, 0
    try:
        while place < len(zipped):
            members += 1
            if members > MOST_MEMBERS:
                raise GalaxyError(
                    f"a gzip stream must have at most {MOST_MEMBERS} members; it has more"
                )
            place = inflate_member(zipped, place, unzipped, most)
            if zipped.startswith(b"\0", place) and not zipped[place:].strip(b"\0"):
                break  # padding, as tapes have it
    except zlib.error:
        raise damaged() from None
    return bytes(unzipped)


def inflate_member(zipped: bytes, place: int, unzipped: bytearray, most: int) -> int:
    """Append what one gzip member holds; comes back as the place where the next one begins."""
    stream = zlib.decompressobj(GZIP)
    while not stream.eof:
        chunk = zipped[place : place + CHUNK]
        if not chunk:
            raise damaged()
        unzipped += stream.decompress(chunk, most + 1 - len(unzipped))
        if len(unzipped) > most:
            raise too_large("unzipped it has more")
        place += len(chunk) - len(stream.unused_data)
    return place


def damaged() -> GalaxyError:
    """The error for a gzip stream that cannot be followed to its end."""
    return GalaxyError("the file must be whole; its gzip stream is damaged or truncated")


def too_large(found: str) -> GalaxyError:
    """The error for more bytes than any cutout has."""
    return GalaxyError(
        f"the file of a cutout must have at most {LARGEST_FILE} bytes; {found}: "
        f"cut the galaxies out of it first"
    )
