"""Many small files, each whole or not there: written without waiting for the disk, then settled."""

from __future__ import annotations

import os
from pathlib import Path

from gampen.errors import UsageError


def write_unless_same(content: bytes, path: Path) -> bool:
    """Write a file whole unless it holds these bytes already; comes back as whether it was written.

    The disk may not have it yet: see `settle`. `UsageError` where it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise UsageError(f"{path} must be writable; got: {reason}") from error
    return True


def settle() -> None:
    """Wait until the disk holds all files so far: one wait, where one a file would take hours."""
    os.sync()
