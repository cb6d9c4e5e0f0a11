"""`gampen cutout`: galaxies of a catalogue cut out of a mosaic, in the layout that verbs read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import gampen
from gampen.catalog import Catalog, Column
from gampen.cutouts import CardValue, Flag, Rejection
from gampen.errors import GalaxyError, UsageError
from gampen.storage.atomic import write_bytes
from gampen.storage.homes import CUTOUTS
from gampen.storage.layouts import INFO
from gampen.storage.mosaics import Cutting, MosaicSource, open_mosaics
from gampen.storage.positions import column_of
from gampen.storage.settling import settle, write_unless_same
from gampen.storage.stamps import NOTHING, Shares, Stamp
from gampen.storage.tables import read_catalog, write_catalog
from gampen.verbs.outputs import claim_folder

Progress = Callable[[int, int], None]

TABLE = f"{INFO}.parquet"
PLAN = "cutout.json"
OK = "ok"
STEP = 64
"""Galaxies between two words on how far it is."""


@dataclass(frozen=True)
class CutoutRequest:
    """Which galaxies to cut out of which tiles, how, and into which folder."""

    mosaics: Sequence[Path]
    catalog: Path
    out: Path
    cutting: Cutting = field(default_factory=Cutting)


@dataclass(frozen=True)
class CutoutsMade:
    """What came of it: the info table, how many galaxies it lists, and how many are not usable."""

    table: Path
    galaxies: int
    failed: int


@dataclass(frozen=True)
class Shown:
    """What the info table says of one galaxy's cutout."""

    status: str
    flags: Flag = Flag.UNREADABLE
    tile: str = ""
    place: tuple[float, float] = (np.nan, np.nan)
    side: int = 0
    shares: Shares = NOTHING

    @property
    def cells(self) -> tuple[str | float, ...]:
        """A value for each column of `ABOUT`."""
        return (
            self.tile,
            *self.place,
            self.side,
            *vars(self.shares).values(),
            self.flags,
            self.status,
        )


ABOUT = (
    ("tile", str, "", "file of the tile"),
    ("x", np.float64, "pixel", "column of the galaxy in the tile, from 0"),
    ("y", np.float64, "pixel", "row of the galaxy in the tile, from 0"),
    ("side", np.int32, "pixel", "side of the cutout"),
    ("covered", np.float32, "", "share of the cutout that lies in the tile"),
    ("nan", np.float32, "", "share of the cutout that lies in the tile and is no number there"),
    ("masked", np.float32, "", "share of the cutout that lies in the tile and is called bad there"),
    ("flags", np.int32, "", "what is unusual, a bit mask"),
    ("status", str, "", "ok, or why there is no usable cutout"),
)
"""Names, after `cutout_`, types, units and descriptions of what the info table says of cutouts."""


def cutout(request: CutoutRequest, progress: Progress = lambda *_: None) -> CutoutsMade:
    """Write the cutout of every galaxy and an info table of all of them.

    One row a galaxy, always: of one that no tile shows, the reason. Started again it goes on: a
    cutout that is there as it should be is left alone, and the table is written last. `UsageError`
    where the call is wrong, before any work is done.
    """
    source = open_mosaics(request.mosaics, request.catalog, request.cutting)
    table = read_catalog(request.catalog)
    claim(request.out, source)
    shown = []
    for entry in source.each(lambda stamp: write_stamp(stamp, request.out / CUTOUTS)):
        shown.append(Shown(entry.reason) if isinstance(entry, Rejection) else entry)
        if len(shown) % STEP == 0 or len(shown) == len(source):
            progress(len(shown), len(source))
    settle()
    write_catalog(info(table, source, shown), request.out / TABLE)
    failed = sum(row.status != OK for row in shown)
    return CutoutsMade(request.out / TABLE, len(source), failed)


def claim(out: Path, source: MosaicSource) -> None:
    """Make the folder, or see that it holds the same cutouts; `UsageError` for any other."""
    plan = json.dumps({"cutouts_of": source.fingerprint()}, indent=2).encode() + b"\n"
    claim_folder(out)
    kept = out / PLAN
    if kept.is_file() and kept.read_bytes() == plan:
        claim_folder(out / CUTOUTS)
        return
    if any(not path.name.startswith(".") for path in out.iterdir()):
        raise UsageError(
            f"{out} must be a new folder, or hold a part of these cutouts; it holds something "
            "else: choose another folder"
        )
    claim_folder(out / CUTOUTS)
    write_bytes(plan, kept)


def write_stamp(stamp: Stamp, folder: Path) -> Shown:
    """Write a galaxy's cutout, and say what it shows.

    One that has too few good pixels for a posterior is written all the same, and says so.
    """
    content = stamp.file(origin(stamp))
    write_unless_same(content, folder / (stamp.known.file_name or ""))
    place = (stamp.place.x, stamp.place.y)
    try:
        status, flags = OK, stamp.cutout().flags
    except GalaxyError as error:
        status, flags = str(error), Flag.UNREADABLE
    return Shown(status, flags, stamp.tile, place, stamp.box.width, stamp.shares)


def origin(stamp: Stamp) -> dict[str, CardValue]:
    """The cards that say where a cutout comes from, in pixels of the tile that count from 0.

    CUTX0 and CUTY0 are the cutout's first pixel there, CUTX and CUTY the galaxy's place.
    """
    return {
        "CUTID": stamp.known.object_id or "",
        "CUTTILE": stamp.tile,
        "CUTX0": stamp.box.column,
        "CUTY0": stamp.box.row,
        "CUTX": stamp.place.x,
        "CUTY": stamp.place.y,
        "CUTBY": f"gampen {gampen.__version__}",
    }


def info(table: Catalog, source: MosaicSource, shown: Sequence[Shown]) -> Catalog:
    """The catalogue with names and positions first, what the cutouts show last."""
    known = ("object_id", "file_name", "ra", "dec")
    first = [source.rows[name] for name in known]
    taken = {column.name for name in known if (column := column_of(table, name)) is not None}
    others = [column for column in table if column.name not in taken]
    catalog = Catalog((*first, *others), table.metadata)
    if "psf_file" in catalog:
        catalog = catalog.with_columns([carried(catalog["psf_file"], source, shown)])
    return catalog.with_columns(columns_of(shown)).with_metadata(gampen_version=gampen.__version__)


def carried(psf_file: Column, source: MosaicSource, shown: Sequence[Shown]) -> Column:
    """The files of PSFs once they are in the cutouts: each galaxy's own cutout."""
    rows = zip(psf_file.text(), source.file_names, shown, strict=True)
    names = [name if file and row.tile else "" for file, name, row in rows]
    return Column("psf_file", np.array(names), description="the cutout itself, which holds its PSF")


def columns_of(shown: Sequence[Shown]) -> Iterator[Column]:
    """What the cutouts show, a column each."""
    cells = zip(*(row.cells for row in shown), strict=True)
    for (name, kind, unit, description), values in zip(ABOUT, cells, strict=True):
        yield Column(f"cutout_{name}", np.array(values, dtype=kind), unit, "", description)
