"""Sources: wherever galaxies come from, as a list that can be cut into slices and read anywhere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from gampen.cutouts import Cutouts, Entry, Rejection
from gampen.storage.fits import Known
from gampen.storage.layouts import open_folder


@runtime_checkable
class Source(Protocol):
    """Galaxies in order: their ids at once, their images only when they are read.

    A slice of a source is a source. It can be pickled and is then small, so that another process on
    another machine, which sees the same files, can read it.
    """

    @property
    def object_ids(self) -> Sequence[str]:
        """The galaxies' ids, distinct, in order."""

    def __len__(self) -> int:
        """The number of galaxies."""

    def take(self, galaxies: range) -> Source:
        """The galaxies of a slice, in order."""

    def lean(self) -> Source:
        """The same galaxies, with no more in memory than reading them takes."""

    def read(self, known: Known | None = None) -> Iterator[Entry]:
        """Each galaxy's cutout, in order, or a `Rejection` that says why there is none.

        What is `known` of all galaxies alike goes before what a source says. Never raises for one
        bad galaxy.
        """

    def fingerprint(self) -> str:
        """A digest that differs where galaxies, or the files that hold them, are others.

        Of names, of what is known of each, and of each file's size and time of change; files are
        not read for it.
        """


def open_source(path: Path, known: Known | None = None) -> Source:
    """The galaxies of a folder, a table, a packed file or a file of images.

    `UsageError` where there are none, or where they cannot heed what will be `known` of them.
    """
    path = Path(path)
    if path.suffix.lower() == ".arrow" and path.is_file():
        from gampen.storage.packed import open_packed

        return open_packed(path, known)
    return open_folder(path)


def load_cutouts(path: Path | str, known: Known | None = None) -> Cutouts:
    """All galaxies of a folder, a table, a packed file or a FITS file that can be read, in memory.

    Those that cannot are left out with a warning that says why; `gampen predict` keeps a row of
    each. `UsageError` where there is nothing to read.
    """
    sound = []
    for entry in open_source(Path(path)).read(known):
        if isinstance(entry, Rejection):
            warnings.warn(f"{entry.file_name} is left out: {entry.reason}", stacklevel=2)
        else:
            sound.append(entry)
    return Cutouts.of(sound)
