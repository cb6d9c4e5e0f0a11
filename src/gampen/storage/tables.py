"""Catalogues on disk: the suffix of the file decides its format; a folder is a dataset of parts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gampen.catalog import Catalog
from gampen.errors import GampenError, UsageError, reason_of
from gampen.storage.atomic import whole_file
from gampen.storage.streams import Stream

TABLE_SUFFIXES = (".parquet", ".csv", ".fits", ".ecsv", ".vot", ".xml")


@dataclass(frozen=True)
class Format:
    """How one format is read, and how a stream of parts is written in it."""

    read: Callable[[Path], Catalog]
    write: Callable[[Stream, Path], None]


def format_of(path: Path) -> Format:
    """The format that a file's suffix names; `UsageError` for any other suffix."""
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise UsageError(
            f"a table's name must end in one of {', '.join(TABLE_SUFFIXES)}; got {path.name!r}"
        )
    # Loaded on first use: each of these libraries takes as long to load as a small run takes.
    if suffix == ".csv":
        from gampen.storage import delimited

        return Format(delimited.read_csv, delimited.write_csv)
    if suffix == ".parquet":
        from gampen.storage import parquet

        return Format(parquet.read_parquet, parquet.write_parquet)
    if suffix == ".fits":
        from gampen.storage import binary_tables

        return Format(binary_tables.read_fits_table, binary_tables.write_fits_table)
    from gampen.storage import astronomical

    if suffix == ".ecsv":
        return Format(astronomical.read_ecsv, astronomical.write_ecsv)
    return Format(astronomical.read_votable, astronomical.write_votable)


def read_catalog(path: Path) -> Catalog:
    """The catalogue in a file, or in a folder of Parquet parts.

    `UsageError` where it is missing, damaged or of another kind.
    """
    path = Path(path)
    if path.is_dir():
        from gampen.storage import datasets

        return datasets.read_dataset(path)
    chosen = format_of(path)
    if not path.is_file():
        raise UsageError(f"the table must exist; there is no file {path}")
    with sound(path):
        return chosen.read(path)


def write_catalog(catalog: Catalog, path: Path) -> None:
    """Write a catalogue in the format of the suffix: whole or not at all, the same bytes each time.

    FITS holds text as ASCII, with other letters escaped; CSV holds values only.
    `UsageError` for an unknown suffix, a value that the format cannot hold, or a folder that cannot
    be written.
    """
    write_stream(Stream.of(catalog), Path(path))


def write_stream(stream: Stream, path: Path) -> None:
    """Write the parts of a stream as `write_catalog` would their whole.

    Parquet, FITS and CSV take the memory of one part; VOTable and ECSV are made in memory.
    """
    chosen = format_of(path)
    with whole_file(path) as temporary:
        chosen.write(stream, temporary)


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """A place to read a table: whatever another library says of it is one `UsageError`."""
    try:
        with warnings.catch_warnings():
            # Whatever is odd about a table is either harmless or ends in the one line below.
            warnings.simplefilter("ignore")
            yield
    except GampenError:
        raise
    except Exception as error:  # each library raises its own kinds on damaged files
        reason = reason_of(error)
        kind = path.suffix or "Parquet"
        raise UsageError(f"{path} must be a sound {kind} table; got: {reason}") from error
