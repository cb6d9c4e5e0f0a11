"""The parts of a catalogue on disk: each whole or not there at all, and known by its own footer.

A part is written under a hidden name and renamed, so whatever stops a run, every name that is there
stands for a whole part, and nothing else needs to be remembered.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.storage.footers import read_footer
from gampen.storage.tables import write_catalog

RUN = "run"  # in a part's metadata: the digest of its plan
TRACE = ".trace-{:05d}.json"


@dataclass(frozen=True)
class Parts:
    """Where the parts of a run lie; `kind` is what their names begin with, `run` its digest."""

    folder: Path
    run: str
    kind: str = "part"

    def path(self, number: int) -> Path:
        """The file of a part."""
        return self.folder / f"{self.kind}-{number:05d}.parquet"

    def trace(self, number: int) -> Path:
        """Where whoever works on a part leaves a trace."""
        return self.folder / TRACE.format(number)

    def write(self, number: int, catalog: Catalog) -> None:
        """Write a part: whole or not at all."""
        write_catalog(catalog.with_metadata(**{RUN: self.run}), self.path(number))

    def has(self, number: int, rows: int) -> bool:
        """Whether a part is there, whole and of this run."""
        footer = read_footer(self.path(number))
        return footer is not None and (footer.rows, footer.metadata.get(RUN)) == (rows, self.run)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """A place for work in a folder that no other process may do as well: `UsageError` if one does.

    The lock goes with its process, however that ends.
    """
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(place)
        raise UsageError(
            f"{folder} must belong to one run at a time; another is at work there: "
            f"wait for it, or choose another --out"
        ) from None
    except OSError:
        pass  # some shared disks have no locks; parts are written whole all the same
    try:
        yield
    finally:
        os.close(place)
