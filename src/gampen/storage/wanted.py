"""Galaxies to be cut out of a mosaic: what is known of each, and in which order they are cut."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from gampen.catalog import Catalog
from gampen.cutouts import Rejection
from gampen.errors import GalaxyError, UsageError
from gampen.storage.fits import Known
from gampen.storage.homes import Homes
from gampen.storage.layouts import FACTS, array_of, folder_of, known_values
from gampen.storage.places import Place
from gampen.storage.positions import column_of, positioned

NAMES = ("object_id", "file_name")

ASKED = "asked_size"
"""The column of each galaxy's side, in the source's unit."""

LONGEST_NAME = 200
"""[letter] of a file; longer ids are cut short, and told apart by a digest."""

WINDOW = 128 << 20
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
    found = positioned(table, path)
    ids = object_ids(found)
    files = array_of([file_name(name) for name in ids])
    known = folder_of(path.parent, array_of(ids), files, found).catalog
    return known.select(name for name in (*NAMES, *FACTS, "psf_file") if name in known)


def object_ids(table: Catalog) -> list[str]:
    """The galaxies' ids: SExtractor's NUMBER where there are none, if no two have the same.

    Else their places in the table.
    """
    column = column_of(table, "object_id")
    if column is not None:
        return column.text()
    number = column_of(table, "number")
    if number is not None and len(set(numbers := number.text())) == len(table):
        return numbers
    return [f"galaxy-{place:07d}" for place in range(len(table))]


def file_name(object_id: str) -> str:
    """The name of a galaxy's cutout: its id, with letters that no file should have as %XX."""
    name = quote(object_id, safe="+ ").replace("~", "%7E") or "%"
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 17] + "-" + hashlib.sha256(object_id.encode()).hexdigest()[:16]
    return f"{name}.fits"


def facts(rows: Catalog, home: Path) -> Iterator[Known | Rejection]:
    """What the rows know of each galaxy, or why it cannot be used; files of PSFs lie in `home`."""
    told = {FACTS[name]: known_values(rows[name]) for name in FACTS if name in rows}
    files = rows["psf_file"].text() if "psf_file" in rows else [""] * len(rows)
    texts = zip(rows["object_id"].text(), rows["file_name"].text(), files, strict=True)
    homes = Homes.of(home)
    for (object_id, name, file), row in zip(texts, zip(*told.values(), strict=True), strict=True):
        own = Known(object_id, name, **dict(zip(told, row, strict=True)))
        try:
            yield replace(own, psf_file=Path(homes.find(file))) if file else own
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
    """The galaxies of a window that each tile has, by the first row of their stamps."""
    rows = {
        galaxy: entry.place.y - entry.side / 2
        for galaxy in window
        if isinstance(entry := planned[galaxy], Wanted)
    }
    grouped: dict[int, list[int]] = defaultdict(list)
    for galaxy in sorted(rows, key=lambda galaxy: (rows[galaxy], galaxy)):
        entry = planned[galaxy]
        if isinstance(entry, Wanted):
            grouped[entry.place.tile].append(galaxy)
    return grouped


def rejected(known: Known, reason: str) -> Rejection:
    """A galaxy that cannot be cut out, and why."""
    return Rejection(known.object_id or "", known.file_name or "", reason, known.ra, known.dec)
