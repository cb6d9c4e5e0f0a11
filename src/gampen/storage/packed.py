"""Packed galaxies: one Arrow file of cutouts as they were read, for runs that are made again.

A record a galaxy, in batches of a fixed number, uncompressed: pixels are used where they lie in the
file, mapped into memory. What could not be read is a record too, with the reason.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa

from gampen.cutouts import Entry, Rejection
from gampen.errors import GampenError, UsageError, reason_of
from gampen.storage.atomic import whole_file
from gampen.storage.fits import Known
from gampen.storage.messages import is_compressed
from gampen.storage.records import (
    FORMAT,
    ROWS,
    SCHEMA,
    batch_of,
    check_known,
    checked,
    entry_of,
    images_of,
    rows_of,
)

SUFFIX = ".arrow"


@dataclass(frozen=True)
class Packed:
    """How many galaxies were written, and how many of them have no image."""

    galaxies: int
    rejected: int


def write_packed(entries: Iterable[Entry], path: Path) -> Packed:
    """Write galaxies as they come, whole or not at all: the same galaxies are the same bytes.

    Takes the memory of a batch. `UsageError` for another suffix, and where it cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"a packed file's name must end in {SUFFIX}; got {path.name!r}")
    galaxies = rejected = 0
    remaining = iter(entries)
    with whole_file(path) as temporary, pa.ipc.new_file(temporary, SCHEMA) as file:
        while batch := list(islice(remaining, ROWS)):
            file.write_batch(batch_of(batch))
            galaxies += len(batch)
            rejected += sum(isinstance(entry, Rejection) for entry in batch)
    return Packed(galaxies, rejected)


@dataclass(frozen=True)
class PackedSource:
    """Galaxies of a packed file, from `start` up to `stop`: see `Source`. A pickle is these three.

    What is `known` when they are read goes before what was packed: see `facts_of`.
    """

    path: Path
    start: int
    stop: int

    def __len__(self) -> int:
        """The number of galaxies."""
        return self.stop - self.start

    @property
    def object_ids(self) -> list[str]:
        """The galaxies' ids, in order."""
        return [
            name
            for batch in batches(self.path, self.start, self.stop, ["object_id"])
            for name in batch.column("object_id").to_pylist()
        ]

    def lean(self) -> PackedSource:
        """The same galaxies: what is held of them is what reading takes."""
        return self

    def take(self, galaxies: range) -> PackedSource:
        """The galaxies of a slice, in order."""
        if galaxies.step != 1 or not 0 <= galaxies.start <= galaxies.stop <= len(self):
            raise UsageError(f"a slice must be of galaxies 0 to {len(self)}; got {galaxies}")
        return replace(self, start=self.start + galaxies.start, stop=self.start + galaxies.stop)

    def read(self, known: Known | None = None) -> Iterator[Entry]:
        """Each galaxy's cutout, in order, or a `Rejection` that says why there is none.

        `UsageError` where the file is damaged, or for facts that a packed file cannot heed.
        """
        known = known or Known()
        check_known(known)
        for batch in batches(self.path, self.start, self.stop, SCHEMA.names):
            for row, pixels in zip(rows_of(batch), images_of(batch), strict=True):
                yield entry_of(row, pixels, known)

    def fingerprint(self) -> str:
        """The file's size and time of change, and the galaxies' places in it."""
        found = self.path.stat()
        return json.dumps([found.st_size, found.st_mtime_ns, self.start, self.stop])


@dataclass(frozen=True, eq=False)
class PackedFile:
    """An open packed file: Arrow's reader, over the file mapped into memory."""

    reader: pa.ipc.RecordBatchFileReader
    mapped: mmap.mmap

    def __len__(self) -> int:
        """The number of batches."""
        return int(self.reader.num_record_batches)

    def batch(self, number: int, least: int = 1) -> pa.RecordBatch:
        """A batch of at least so many galaxies; `ValueError` where it is not sound."""
        if is_compressed(self.mapped, number):
            raise ValueError("a compressed batch")
        return checked(self.reader.get_batch(number), least)

    def let_go(self) -> None:
        """Forget the pages that were used: memory stays flat however long the file is."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.mapped.madvise(mmap.MADV_DONTNEED)


def open_packed(path: Path, known: Known | None = None) -> PackedSource:
    """The galaxies of a packed file; `UsageError` where it is not sound or cannot heed `known`."""
    check_known(known or Known())
    with opened(path, SCHEMA.names) as file:
        if not len(file):
            raise UsageError(f"{path} must hold at least one galaxy; it holds none")
        last = len(file) - 1
        source = PackedSource(path, 0, last * ROWS + file.batch(last).num_rows)
    ids = source.object_ids
    if len(set(ids)) < len(ids):
        raise UsageError(f"object ids must be distinct; {len(ids) - len(set(ids))} are not: {path}")
    return source


def batches(path: Path, start: int, stop: int, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The records from one up to another, batch by batch, with the named columns."""
    if start == stop:
        return
    with opened(path, names) as file:
        for number in range(start // ROWS, (stop - 1) // ROWS + 1):
            first, last = max(start - number * ROWS, 0), min(stop - number * ROWS, ROWS)
            yield file.batch(number, last).slice(first, last - first)
            file.let_go()


@contextmanager
def opened(path: Path, names: Sequence[str]) -> Iterator[PackedFile]:
    """A packed file, in memory as far as it is used; `UsageError` where it is damaged.

    What was let go is read again where it is still used, so that
    pixels stay what they are.
    """
    chosen = [SCHEMA.get_field_index(name) for name in names]
    options = pa.ipc.IpcReadOptions(included_fields=chosen, use_threads=False)
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = pa.ipc.open_file(pa.py_buffer(mapped), options=options)
        expected = pa.schema([SCHEMA.field(place) for place in chosen], FORMAT)
        if not reader.schema.equals(expected, check_metadata=True):
            raise UsageError(f"{path} must be a file of gampen pack; it is of another kind")
        yield PackedFile(reader, mapped)
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, GampenError):
            raise
        raise UsageError(
            f"{path} must be a sound packed file; got: {reason_of(error)}; pack the galaxies again"
        ) from error
