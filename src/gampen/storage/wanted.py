"""Galaxies to be cut out of a mosaic: what is known of each, and in which order they are cut."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.cutouts import Rejection
from gampen.errors import GalaxyError, UsageError
from gampen.storage.fits import Known
from gampen.storage.layouts import NUMBERS, finite, inside
from gampen.storage.places import Place
from gampen.storage.planes import Band
from gampen.storage.positions import column_of, position_columns

ASKED = "asked_size"
"""The column of each galaxy's side, in the source's unit."""

LONGEST_NAME = 200
"""[letter] of a file; longer ids are cut short, and told apart by a digest."""

WINDOW = 64 << 20
"""[byte] of stamps that wait their turn: they are cut tile by tile, and come in the rows' order."""

PIXEL_BYTES = 5
"""[byte] of a pixel that waits: its value, and whether it is bad."""


@dataclass(frozen=True)
class Wanted:
    """A galaxy that is to be cut out: what is known of it, its place, side [pixel] and PSF."""

    known: Known
    place: Place
    side: int
    psf: int | None


def source_rows(table: Catalog, path: Path) -> Catalog:
    """What reading must know of a catalogue's galaxies: names, positions, PSFs and zero points."""
    if not len(table):
        raise UsageError(f"{path} must list at least one galaxy; it lists none")
    ra, dec = position_columns(table, path)
    ids = object_ids(table)
    told = [table[name] for name in (*NUMBERS, "psf_file") if name in table]
    names = [file_name(object_id) for object_id in ids]
    columns = [Column("object_id", np.array(ids)), Column("file_name", np.array(names))]
    told = [column for column in told if column.name not in ("ra", "dec")]
    for column in told:
        column.text() if column.name == "psf_file" else column.numbers()
    return Catalog((*columns, Column("ra", ra, "deg"), Column("dec", dec, "deg"), *told))


def object_ids(table: Catalog) -> list[str]:
    """The galaxies' ids, or their numbers where there are none; `UsageError` for a repeated one."""
    column = column_of(table, "object_id")
    if column is None:
        return [f"galaxy-{number:07d}" for number in range(len(table))]
    ids = column.text()
    repeated = [name for name, count in Counter(ids).items() if count > 1 or not name]
    if repeated:
        raise UsageError(
            f"object ids must be distinct and not empty; {len(repeated)} are not, "
            f"the first is {repeated[0]!r}"
        )
    return ids


def file_name(object_id: str) -> str:
    """The name of a galaxy's cutout: its id, with letters that no file should have as %XX."""
    name = quote(object_id, safe="+ ").replace("~", "%7E")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 17] + "-" + hashlib.sha256(object_id.encode()).hexdigest()[:16]
    return f"{name}.fits"


def facts(rows: Catalog, home: Path, band: Band) -> Iterator[Known | Rejection]:
    """What the rows know of each galaxy, or why it cannot be used; files of PSFs lie in `home`."""
    names = [name for name in NUMBERS if name in rows]
    numbers = zip(*(rows[name].numbers().tolist() for name in names), strict=True)
    files = rows["psf_file"].text() if "psf_file" in rows else [""] * len(rows)
    texts = zip(rows["object_id"].text(), rows["file_name"].text(), files, strict=True)
    homes = (home.resolve(),)
    for (object_id, file_name, file), row in zip(texts, numbers, strict=True):
        told = dict(zip(names, map(finite, row), strict=True))
        own = Known(
            object_id=object_id,
            file_name=file_name,
            ra=told["ra"],
            dec=told["dec"],
            psf_fwhm=told.get("psf_fwhm_arcsec"),
            psf_concentration=told.get("psf_concentration"),
            zero_point=told.get("zero_point"),
            pixel_scale=told.get("pixel_scale_arcsec"),
            band=band,
        )
        try:
            yield replace(own, psf_file=inside(homes, file)) if file else own
        except GalaxyError as error:
            yield rejected(own, f"the PSF file {file}: {error}")


def windows(planned: Sequence[Wanted | Rejection]) -> Iterator[range]:
    """The galaxies in runs whose stamps may wait together."""
    start = held = 0
    for galaxy, entry in enumerate(planned):
        size = PIXEL_BYTES * entry.side**2 if isinstance(entry, Wanted) else 0
        if galaxy > start and held + size > WINDOW:
            yield range(start, galaxy)
            start, held = galaxy, 0
        held += size
    yield range(start, len(planned))


def by_tile(planned: Sequence[Wanted | Rejection], window: range) -> dict[int, list[int]]:
    """The galaxies of a window that each tile has, by rows of the tile."""
    places = {g: entry.place for g in window if isinstance(entry := planned[g], Wanted)}
    grouped: dict[int, list[int]] = defaultdict(list)
    for galaxy in sorted(places, key=lambda g: (places[g].tile, places[g].y, g)):
        grouped[places[galaxy].tile].append(galaxy)
    return grouped


def rejected(known: Known, reason: str) -> Rejection:
    """A galaxy that cannot be cut out, and why."""
    return Rejection(known.object_id or "", known.file_name or "", reason, known.ra, known.dec)
