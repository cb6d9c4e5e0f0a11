"""Folders of galaxies: an info table (`info.csv`, .parquet, ...) beside `cutouts/`, or bare FITS.

Names in a catalogue are data from elsewhere: none may lead outside of its folder.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Entry, Rejection
from gampen.errors import LONGEST_REASON, GalaxyError, UsageError
from gampen.storage.facts import in_our_units
from gampen.storage.fits import Known, read_cutout, stem, write_cutout
from gampen.storage.homes import CUTOUTS, Homes, content_of, fits_names, printable, version_of
from gampen.storage.tables import TABLE_SUFFIXES, read_catalog, write_catalog

INFO = "info"
SPLITS = "splits"
SLICE = 4096  # names at once
LONGEST_ID = 255
"""[letter] Ids are repeated in every output."""

FACTS = {
    "ra": "ra",
    "dec": "dec",
    "psf_fwhm_arcsec": "psf_fwhm",
    "psf_concentration": "psf_concentration",
    "zero_point": "zero_point",
    "pixel_scale_arcsec": "pixel_scale",
}
"""The columns of an info table that `Known` has a place for."""

Names = Shaped[np.ndarray, " galaxy"]


@dataclass(frozen=True, eq=False)
class Folder:
    """Galaxies on disk: a folder and a catalogue, with `object_id` and `file_name` first."""

    root: Path
    catalog: Catalog

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.catalog)

    @property
    def object_ids(self) -> list[str]:
        """The galaxies' ids, in order."""
        return self.catalog["object_id"].text()

    @property
    def file_names(self) -> list[str]:
        """The galaxies' file names, in order, relative to the folder or its `cutouts/`."""
        return self.catalog["file_name"].text()

    def take(self, galaxies: Iterable[int]) -> Folder:
        """The chosen galaxies, in the order chosen."""
        chosen = np.fromiter(galaxies, dtype=np.int64)
        return Folder(self.root, self.catalog.take(chosen))

    def lean(self) -> Folder:
        """The same galaxies, without the columns that reading has no use for; names as bytes.

        Of ten million galaxies this is half a gigabyte, where their whole catalogue takes three.
        """
        read = ("object_id", "file_name", "psf_file", *FACTS)
        columns = (as_bytes(column) for column in self.catalog if column.name in read)
        return Folder(self.root, Catalog(tuple(columns)))

    def read(self, known: Known | None = None) -> Iterator[Entry]:
        """Each galaxy's cutout, in order, or why there is none; see `read_cutouts`."""
        return read_cutouts(self, known)

    def fingerprint(self) -> str:
        """A digest of the catalogue and of each file's size and time of change."""
        digest = hashlib.sha256()
        for column in self.catalog:
            digest.update(json.dumps([column.name, column.unit, len(column)]).encode())
            digest.update(content_of(column))
        homes = (str(self.root / CUTOUTS), str(self.root))
        names = self.file_names
        for start in range(0, len(names), SLICE):
            versions = [version_of(homes, name) for name in names[start : start + SLICE]]
            digest.update("".join(versions).encode())
        return digest.hexdigest()


def open_folder(path: Path) -> Folder:
    """The galaxies of a folder, a table or a single FITS file.

    With an info table its order counts, and without one the names', never that of the disk.
    `UsageError` where there is nothing to read, `file_name` is missing, or ids are not distinct.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"the input must exist; there is no {path}")
    if path.is_file():
        is_table = path.suffix in TABLE_SUFFIXES and path.suffix != ".fits"
        return listed(path) if is_table else bare(path.parent, [path.name])
    tables = [path / f"{INFO}{suffix}" for suffix in TABLE_SUFFIXES]
    tables = [table for table in tables if table.is_file()]
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise UsageError(f"{path} must hold one info table; it holds {names}")
    return listed(tables[0]) if tables else bare(path, fits_names(path))


def listed(table: Path) -> Folder:
    """The galaxies that an info table lists."""
    catalog = read_catalog(table)
    if "file_name" not in catalog:
        found = shortened(", ".join(catalog.names))
        advice = advice_on(catalog.names)
        raise UsageError(f"{table} must have a column 'file_name'; it has {found}{advice}")
    if not len(catalog):
        raise UsageError(f"{table} must list at least one galaxy; it lists none")
    files = names_in(catalog["file_name"])
    if "object_id" in catalog:
        ids = names_in(catalog["object_id"])
    else:
        ids = array_of([stem(name) for name in files.tolist()])
    # A split of a labelled set, as the original GaMPEN writes them, lists files of the whole set.
    root = table.parent.parent if table.parent.name == SPLITS else table.parent
    return folder_of(root, ids, files, in_our_units(catalog))


def advice_on(names: Sequence[str]) -> str:
    """What to do about columns of which none is `file_name`; empty where nothing is known."""
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        return ": put commas between the columns"
    near = [name for name in names if name.strip().lower() == "file_name"]
    return f": write '{near[0]}' as 'file_name'" if near else ""


def bare(root: Path, names: list[str]) -> Folder:
    """The galaxies of loose FITS files, named relative to their folder."""
    if not names:
        raise UsageError(
            f"{root} must hold FITS files or an info table; there are none there or in {CUTOUTS}/, "
            "and other folders in it are not searched"
        )
    # What is no text in this machine's encoding could not be written into any catalogue.
    names = [printable(name) for name in names]
    ids = [stem(name) for name in names]
    distinct = len(set(ids)) == len(ids)
    files = array_of(names)
    return folder_of(root, array_of(ids) if distinct else files, files, Catalog(()))


def folder_of(root: Path, ids: Names, files: Names, catalog: Catalog) -> Folder:
    """The folder whose catalogue begins with ids and file names.

    `UsageError` for an id that is repeated or too long.
    """
    check_ids(ids.tolist())
    first = (
        Column("object_id", ids, ucd="meta.id;meta.main"),
        Column("file_name", files, ucd="meta.id;meta.file"),
    )
    return Folder(root, Catalog(first, catalog.metadata).with_columns(others(catalog)))


def check_ids(ids: list[str]) -> None:
    """Refuse ids that are repeated, and those that no output could hold."""
    if len(set(ids)) < len(ids):
        repeated = [name for name, count in Counter(ids).items() if count > 1]
        raise UsageError(
            f"object ids must be distinct; {len(repeated)} are not, the first is "
            f"{shortened(repeated[0])!r}"
        )
    longest = max(ids, key=len)
    if len(longest) > LONGEST_ID:
        raise UsageError(
            f"an object id must have at most {LONGEST_ID} letters; {shortened(longest)!r} has "
            f"{len(longest)}"
        )


def names_in(column: Column) -> Names:
    """The names in a column, one a galaxy."""
    if column.values.ndim != 1:
        raise UsageError(f"{column.name} must hold one name a galaxy; it holds several")
    return column.values if column.values.dtype.kind == "U" else array_of(column.text())


def as_bytes(column: Column) -> Column:
    """The column with plain text as bytes, which take a quarter of the room."""
    values = column.values
    if values.dtype.kind != "U":
        return column
    try:
        return replace(column, values=values.astype("S"))
    except UnicodeEncodeError:
        return column


def array_of(names: list[str]) -> Names:
    """Names as an array; one that is much longer than the others does not lengthen them all."""
    longest = max(map(len, names), default=0)
    return np.array(names, dtype=object if longest > LONGEST_ID else str)


def shortened(text: str) -> str:
    """Text that fits into one line of an error."""
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}..."


def others(catalog: Catalog) -> Iterator[Column]:
    """The columns beside the ids and file names."""
    return (column for column in catalog if column.name not in ("object_id", "file_name"))


def read_cutouts(folder: Folder, known: Known | None = None) -> Iterator[Entry]:
    """Each galaxy's cutout, in order, or a `Rejection` that says why there is none.

    `known` holds for every galaxy and goes before the catalogue's columns `ra`, `dec`,
    `psf_fwhm_arcsec`, `psf_concentration`, `psf_file`, `zero_point` and `pixel_scale_arcsec`; those
    go before the files' headers. Never raises for one bad galaxy.
    """
    facts = {FACTS[name]: known_values(folder.catalog[name]) for name in told_by(folder)}
    psfs = folder.catalog["psf_file"].text() if "psf_file" in folder.catalog else None
    homes = Homes.of(folder.root / CUTOUTS, folder.root)
    rows = zip(*facts.values(), strict=True) if facts else repeat(())
    for galaxy, (object_id, file_name, row) in enumerate(
        zip(folder.object_ids, folder.file_names, rows, strict=False)
    ):
        own = Known(object_id, file_name, **dict(zip(facts, row, strict=True)))
        try:
            if psfs and psfs[galaxy]:
                own = replace(own, psf_file=Path(homes.find(psfs[galaxy])))
            yield read_cutout(homes.find(file_name), known.over(own) if known else own)
        except GalaxyError as error:
            yield Rejection(object_id, file_name, str(error), own.ra, own.dec)


def told_by(folder: Folder) -> list[str]:
    """The columns of a folder's catalogue that say something of each galaxy."""
    return [name for name in FACTS if name in folder.catalog]


def known_values(column: Column) -> list[float | None]:
    """A column's numbers, None where there is none."""
    return [value if math.isfinite(value) else None for value in column.numbers().tolist()]


def is_file(path: Path) -> bool:
    """Whether there is an ordinary file; no name is too long or too odd to be asked about."""
    try:
        return path.is_file()
    except OSError:
        return False


def write_folder(
    root: Path, catalog: Catalog, cutouts: Iterable[Cutout], table: str = "info.csv"
) -> Path:
    """Write galaxies in the layout that `open_folder` reads; comes back as the info table's path.

    Each cutout goes to `cutouts/` under its row's `file_name`; the table is written last, so a
    folder that has one is whole. `UsageError` for a name that leads out of the folder, or where
    catalogue and cutouts differ in number.
    """
    root = Path(root)
    (root / CUTOUTS).mkdir(parents=True, exist_ok=True)
    names = catalog["file_name"].text()
    written = 0
    for written, cutout in enumerate(cutouts, start=1):
        name = names[written - 1] if written <= len(names) else ""
        if not name or Path(name).name != name:
            raise UsageError(f"every cutout must have a plain file_name; got {name!r}")
        write_cutout(cutout, root / CUTOUTS / name)
    if written != len(names):
        raise UsageError(f"catalogue and cutouts must agree; got {len(names)} and {written}")
    write_catalog(catalog, root / table)
    return root / table
