"""Folders of galaxies: an info table (`info.csv`, .parquet, ...) beside `cutouts/`, or bare FITS.

Names in a catalogue are data from elsewhere: none may lead outside of its folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Entry, Rejection
from gampen.errors import GalaxyError, UsageError
from gampen.storage.fits import Known, read_cutout, stem, write_cutout
from gampen.storage.tables import TABLE_SUFFIXES, read_catalog, write_catalog

FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fits.fz", ".fz")
INFO = "info"
CUTOUTS = "cutouts"
NUMBERS = (
    "ra",
    "dec",
    "psf_fwhm_arcsec",
    "psf_concentration",
    "zero_point",
    "pixel_scale_arcsec",
)


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
        return Folder(self.root, self.catalog.take(np.array(list(galaxies), dtype=np.int64)))

    def read(self, known: Known | None = None) -> Iterator[Entry]:
        """Each galaxy's cutout, in order, or why there is none; see `read_cutouts`."""
        return read_cutouts(self, known)

    def fingerprint(self) -> str:
        """A digest of the catalogue and of each file's size and time of change."""
        digest = hashlib.sha256()
        for column in self.catalog:
            digest.update(json.dumps([column.name, column.unit, column.text()]).encode())
        homes = (self.root / CUTOUTS, self.root)
        for name in self.file_names:
            digest.update(version_of(homes, name).encode())
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
        return listed(path) if is_table else bare(path.parent, [path])
    tables = [path / f"{INFO}{suffix}" for suffix in TABLE_SUFFIXES]
    tables = [table for table in tables if table.is_file()]
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise UsageError(f"{path} must hold one info table; it holds {names}")
    return listed(tables[0]) if tables else bare(path, fits_files(path))


def listed(table: Path) -> Folder:
    """The galaxies that an info table lists."""
    catalog = read_catalog(table)
    if "file_name" not in catalog:
        raise UsageError(
            f"{table} must have a column 'file_name'; it has {', '.join(catalog.names)}"
        )
    if not len(catalog):
        raise UsageError(f"{table} must list at least one galaxy; it lists none")
    files = catalog["file_name"].text()
    stems = [stem(Path(name)) for name in files]
    ids = catalog["object_id"].text() if "object_id" in catalog else stems
    return folder_of(table.parent, ids, files, catalog)


def bare(root: Path, files: list[Path]) -> Folder:
    """The galaxies of loose FITS files."""
    if not files:
        raise UsageError(
            f"{root} must hold FITS files or an info table; there are none there or in {CUTOUTS}/"
        )
    names = [file.relative_to(root).as_posix() for file in files]
    ids = [stem(file) for file in files]
    return folder_of(root, ids if len(set(ids)) == len(ids) else names, names, Catalog(()))


def folder_of(root: Path, ids: list[str], files: list[str], catalog: Catalog) -> Folder:
    """The folder whose catalogue begins with ids and file names; `UsageError` for a repeated id."""
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    if repeated:
        raise UsageError(
            f"object ids must be distinct; {len(repeated)} are not, the first is {repeated[0]!r}"
        )
    first = (
        Column("object_id", np.array(ids, dtype=str), ucd="meta.id;meta.main"),
        Column("file_name", np.array(files, dtype=str), ucd="meta.id;meta.file"),
    )
    return Folder(root, Catalog(first, catalog.metadata).with_columns(others(catalog)))


def others(catalog: Catalog) -> Iterator[Column]:
    """The columns beside the ids and file names."""
    return (column for column in catalog if column.name not in ("object_id", "file_name"))


def fits_files(root: Path) -> list[Path]:
    """The FITS files of a folder and of its `cutouts/`, in the order of their names."""
    folders = [folder for folder in (root, root / CUTOUTS) if folder.is_dir()]
    files = (file for folder in folders for file in folder.iterdir())
    return sorted(
        file
        for file in files
        if file.name.lower().endswith(FITS_SUFFIXES) and not file.name.startswith(".")
    )


def read_cutouts(folder: Folder, known: Known | None = None) -> Iterator[Entry]:
    """Each galaxy's cutout, in order, or a `Rejection` that says why there is none.

    `known` holds for every galaxy and goes before the catalogue's columns `ra`, `dec`,
    `psf_fwhm_arcsec`, `psf_concentration`, `psf_file`, `zero_point` and `pixel_scale_arcsec`; those
    go before the files' headers. Never raises for one bad galaxy.
    """
    columns = {
        name: folder.catalog[name].numbers().tolist() for name in NUMBERS if name in folder.catalog
    }
    psfs = folder.catalog["psf_file"].text() if "psf_file" in folder.catalog else None
    homes = ((folder.root / CUTOUTS).resolve(), folder.root.resolve())
    for galaxy, (object_id, file_name) in enumerate(
        zip(folder.object_ids, folder.file_names, strict=True)
    ):
        row = {name: finite(values[galaxy]) for name, values in columns.items()}
        try:
            psf = inside(homes, psfs[galaxy]) if psfs and psfs[galaxy] else None
            own = Known(
                object_id=object_id,
                file_name=file_name,
                ra=row.get("ra"),
                dec=row.get("dec"),
                psf_fwhm=row.get("psf_fwhm_arcsec"),
                psf_concentration=row.get("psf_concentration"),
                psf_file=psf,
                zero_point=row.get("zero_point"),
                pixel_scale=row.get("pixel_scale_arcsec"),
            )
            path = inside(homes, file_name)
            yield read_cutout(path, known.over(own) if known else own)
        except GalaxyError as error:
            yield Rejection(object_id, file_name, str(error), row.get("ra"), row.get("dec"))


def finite(value: float) -> float | None:
    """The value, None where it is not finite."""
    return value if math.isfinite(value) else None


def inside(homes: tuple[Path, ...], name: str) -> Path:
    """The path of a file named in a catalogue, in the first of the folders that has it.

    `homes` are resolved: they may have been links. `GalaxyError` for a name that leads out of them.
    """
    if not name:
        raise GalaxyError("file_name must be given; it is empty")
    if "\0" in name:
        raise GalaxyError("file_name must be a name; it holds a null character")
    for path in (home / name for home in homes):
        target = path.resolve()
        if not any(target.is_relative_to(home) for home in homes):
            raise GalaxyError(f"file_name must stay inside of its folder; got {name!r}")
        if is_file(target):
            return path
    raise GalaxyError("the file must exist; it is missing")


def version_of(homes: tuple[Path, ...], name: str) -> str:
    """Size and time of change of the first file of a name, empty where there is none."""
    for home in homes:
        try:
            found = os.stat(os.path.join(home, name))  # noqa: PTH118, PTH116 - ten times as fast
        except (OSError, ValueError):
            continue
        return f"{found.st_size} {found.st_mtime_ns};"
    return ";"


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
