"""Mosaics: galaxies of a catalogue as a source of cutouts, taken out of tiles and never written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.cutouts import Entry, Rejection
from gampen.errors import GalaxyError, UsageError
from gampen.storage.boxes import Box
from gampen.storage.fits import Known, psf_of_file
from gampen.storage.homes import content_of, version_of
from gampen.storage.mosaic_tiles import Beside
from gampen.storage.open_tiles import OpenTile
from gampen.storage.places import Place, Tiling, tiling_of
from gampen.storage.planes import Band
from gampen.storage.psf_maps import Image, PsfMap, open_psf_map, psf_at
from gampen.storage.shelves import Shelf, worth_it
from gampen.storage.sizes import Size, Unit
from gampen.storage.stamps import Stamp, pieces_of
from gampen.storage.tables import read_catalog
from gampen.storage.wanted import ASKED, Wanted, by_tile, facts, rejected, source_rows, windows

Made = TypeVar("Made")


@dataclass(frozen=True)
class Cutting:
    """How galaxies are cut out: their size, the band, a map of PSFs, files beside the tiles."""

    size: Size = field(default_factory=Size)
    band: Band = None
    psf_map: Path | None = None
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, eq=False)
class MosaicSource:
    """Galaxies of a catalogue, cut out of the tiles of a mosaic when they are read.

    `rows` hold what is known of each galaxy, and its side in `unit`; files that they name lie in
    `home`. A pickled source is paths, circles on the sky and rows: no file is open in it.
    """

    tiling: Tiling
    rows: Catalog
    size: Size
    unit: Unit
    home: Path
    psfs: PsfMap | None = None

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.rows)

    @property
    def object_ids(self) -> list[str]:
        """The galaxies' ids, in order."""
        return self.rows["object_id"].text()

    @property
    def file_names(self) -> list[str]:
        """The names that the galaxies' cutouts have, or would have, in order."""
        return self.rows["file_name"].text()

    def lean(self) -> MosaicSource:
        """The same galaxies: what is held of them is what reading takes."""
        return self

    def take(self, galaxies: range) -> MosaicSource:
        """The galaxies of a slice, in order."""
        return replace(self, rows=self.rows.take(np.array(galaxies, dtype=np.int64)))

    def read(self, known: Known | None = None) -> Iterator[Entry]:
        """Each galaxy's cutout, in order, or a `Rejection` that says why there is none.

        They are, bit for bit, those of the files that `gampen cutout` writes.
        """
        yield from self.each(partial(Stamp.cutout, known=known))

    def each(self, make: Callable[[Stamp], Made]) -> Iterator[Made | Rejection]:
        """What is made of each galaxy's stamp, in order, or why nothing is.

        Stamps of a tile are made one after the other, by rows, and wait until it is their turn.
        """
        planned = self.plan()
        with Shelf() as shelf:
            for window in windows(planned):
                made: dict[int, Made | Rejection] = {}
                for number, galaxies in by_tile(planned, window).items():
                    chosen = [planned[galaxy] for galaxy in galaxies]
                    made.update(zip(galaxies, self._made(number, chosen, shelf, make), strict=True))
                for galaxy in window:
                    entry = planned[galaxy]
                    yield made.pop(galaxy) if isinstance(entry, Wanted) else entry

    def plan(self) -> list[Wanted | Rejection]:
        """Where each galaxy is to be cut out, or why it cannot be."""
        ra, dec = (self.rows[name].numbers() for name in ("ra", "dec"))
        psfs = [None] * len(self) if self.psfs is None else self.psfs.nearest(ra, dec).tolist()
        told = facts(self.rows, self.home)
        found = zip(told, self.tiling.find(ra, dec), psfs, strict=True)
        asked = self.rows[ASKED].numbers().tolist()
        return [self._wanted(*item) for item in zip(found, asked, strict=True)]

    def fingerprint(self) -> str:
        """A digest of what is known of the galaxies and of each file's size and time of change."""
        digest = hashlib.sha256()
        for column in self.rows:
            digest.update(json.dumps([column.name, column.unit, len(column)]).encode())
            digest.update(content_of(column))
        files = [(str(file.parent), file.name) for file in self.tiling.files]
        if "psf_file" in self.rows:
            names = filter(None, dict.fromkeys(self.rows["psf_file"].text()))
            files += [(str(self.home), name) for name in names]
        told = [self.tiling.band, self.unit.value, self.size.least, self.size.column]
        told += [None if self.psfs is None else self.psfs.version()]
        told += [f"{name} {version_of((home,), name)}" for home, name in files]
        digest.update(json.dumps(told).encode())
        return digest.hexdigest()

    def _wanted(
        self, found: tuple[Known | Rejection, Place | str, int | None], asked: float
    ) -> Wanted | Rejection:
        known, place, psf = found
        if isinstance(known, Rejection):
            return known
        if isinstance(place, str):
            return rejected(known, place)
        try:
            scale = self.tiling.tile(place.tile).scale
            return Wanted(known, place, self.size.side(asked, self.unit, scale), psf)
        except (GalaxyError, UsageError) as error:
            return rejected(known, str(error))

    def _made(
        self,
        number: int,
        chosen: Sequence[Wanted | Rejection],
        shelf: Shelf,
        make: Callable[[Stamp], Made],
    ) -> Iterator[Made | Rejection]:
        """What is made of stamps of one tile."""
        sides = [wanted.side for wanted in chosen if isinstance(wanted, Wanted)]
        many: bool | None = None
        for wanted in chosen:
            if isinstance(wanted, Rejection):
                yield wanted
                continue
            try:
                tile = self.tiling.tile(number)
                many = worth_it(tile, sides) if many is None else many
                opened = shelf.open(tile, many)
                stamp = self._stamp(opened, wanted)
            except (GalaxyError, UsageError) as error:
                yield rejected(wanted.known, str(error))
                continue
            try:
                yield make(stamp)
            except GalaxyError as error:
                yield rejected(wanted.known, str(error))

    def _stamp(self, opened: OpenTile, wanted: Wanted) -> Stamp:
        place, known = wanted.place, wanted.known
        box = Box.around(place.x, place.y, wanted.side)
        psf = None
        if known.psf_file is not None:
            known, psf = own_psf(known, self.tiling.band)
        elif self.psfs is not None and wanted.psf is not None:
            psf = self.psfs.image(wanted.psf)
        tile = opened.tile
        pieces = pieces_of(opened, box, psf)
        return Stamp(known, tile.path.name, place, box, pieces, tile.shape)


def own_psf(known: Known, band: Band) -> tuple[Known, Image]:
    """The image of the PSF that the catalogue names for a galaxy, which goes before a width.

    `GalaxyError` where it cannot be measured.
    """
    file = known.psf_file or Path()
    psf_of_file(file, band)
    told = replace(known, psf_file=None, psf_fwhm=None, psf_concentration=None)
    return told, psf_at(file, band)


def open_mosaics(
    mosaics: Sequence[Path], catalog: Path, cutting: Cutting | None = None
) -> MosaicSource:
    """The galaxies of a catalogue in the tiles of a mosaic; no pixel is read yet.

    A mosaic is a FITS file, plain or tile-compressed, or a folder of such files. The catalogue has
    columns `ra` and `dec` [deg, ICRS] and may have `object_id` and those of an info table.
    `UsageError` where the call is wrong: no tile, several bands, ids not distinct, no size.
    """
    cutting = cutting or Cutting()
    path = Path(catalog).absolute()  # as it holds in any process
    table = read_catalog(path)
    asked, unit = cutting.size.of(table)
    rows = source_rows(table, path).with_columns([Column(ASKED, asked)])
    tiling = tiling_of(mosaics, cutting.band, cutting.beside)
    psfs = None if cutting.psf_map is None else open_psf_map(cutting.psf_map, cutting.band)
    return MosaicSource(tiling, rows, cutting.size, unit, path.parent, psfs)
