"""Where results go: seen to be writable before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from gampen.errors import UsageError


def claim_folder(path: Path) -> Path:
    """The folder, made if it is not there yet; `UsageError` where it cannot be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} must be a folder, old or new; got: {reason}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"{path} must be a folder that can be written to; it is read-only")
    return path


def claim_file(path: Path) -> Path:
    """The file, with its folder made where need be; `UsageError` where it cannot be written."""
    claim_folder(path.parent)
    if path.is_dir():
        raise UsageError(f"{path} must be a file; it is a folder")
    return path
