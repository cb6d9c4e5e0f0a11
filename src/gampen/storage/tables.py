"""Catalogues on disk: the suffix of the file decides its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gampen.catalog import Catalog
from gampen.errors import GampenError, UsageError
from gampen.storage.atomic import whole_file

TABLE_SUFFIXES = (".parquet", ".csv", ".fits", ".ecsv", ".vot", ".xml")


@dataclass(frozen=True)
class Format:
    """How one format is read and written."""

    read: Callable[[Path], Catalog]
    write: Callable[[Catalog, Path], None]


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
    from gampen.storage import astronomical

    if suffix == ".fits":
        return Format(astronomical.read_fits_table, astronomical.write_fits_table)
    if suffix == ".ecsv":
        return Format(astronomical.read_ecsv, astronomical.write_ecsv)
    return Format(astronomical.read_votable, astronomical.write_votable)


def read_catalog(path: Path) -> Catalog:
    """The catalogue in a file; `UsageError` where it is missing, damaged or of another kind."""
    path = Path(path)
    chosen = format_of(path)
    if not path.is_file():
        raise UsageError(f"the table must exist; there is no file {path}")
    try:
        return chosen.read(path)
    except GampenError:
        raise
    except Exception as error:  # each library raises its own kinds on damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{path} must be a sound {path.suffix} table; got: {reason}") from error


def write_catalog(catalog: Catalog, path: Path) -> None:
    """Write a catalogue in the format of the suffix: whole or not at all, the same bytes each time.

    FITS holds text as ASCII, with other letters escaped; CSV holds values only.
    `UsageError` for an unknown suffix, a value that the format cannot hold, or a folder that cannot
    be written.
    """
    path = Path(path)
    chosen = format_of(path)
    with whole_file(path) as temporary:
        chosen.write(catalog, temporary)
