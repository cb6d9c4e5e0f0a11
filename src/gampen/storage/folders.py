"""Writing a folder whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gampen.errors import UsageError
from gampen.storage.atomic import flush


@contextmanager
def whole_folder(path: Path, mark: str) -> Iterator[Path]:
    """A hidden temporary folder beside `path`, which takes its name once the block is done.

    It takes the place of an older folder that has a file called `mark`. `UsageError` where there is
    anything else of the name, or where it cannot be written.
    """
    check_replaceable(path, mark)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    older = temporary.with_suffix(".old")
    try:
        temporary.mkdir()
        yield temporary
        for file in sorted(temporary.rglob("*")):
            flush(file)
        exchange(temporary, path, older)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} must be writable; got: {reason}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(older, ignore_errors=True)


def exchange(new: Path, path: Path, older: Path) -> None:
    """Give a folder its name; what had it before is there again where that fails."""
    if path.exists():
        path.rename(older)
    try:
        new.rename(path)
    except OSError:
        if older.exists():
            older.rename(path)
        raise
    flush(path.parent)


def check_replaceable(path: Path, mark: str) -> None:
    """Refuse, with a `UsageError`, to write over what is not an older folder of the same kind."""
    if not path.parent.is_dir():
        raise UsageError(f"the folder of {path} must exist; make {path.parent} first")
    if path.exists() and not (path / mark).is_file():
        raise UsageError(f"{path} must be a new name, or a folder with {mark}; choose another name")
