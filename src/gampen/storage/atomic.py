"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gampen.errors import UsageError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A hidden temporary path beside `path`, which takes its name once the block is done.

    Readers see the old file or the new one, never a part. `UsageError` where it cannot be written.
    """
    if not path.parent.is_dir():
        raise UsageError(f"the folder of {path} must exist; make {path.parent} first")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} must be writable; got: {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until the disk holds a file, or a folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
