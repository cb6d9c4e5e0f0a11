"""Where galaxies lie in the tiles of a mosaic, and in which of them each is cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from gampen.errors import UsageError
from gampen.storage.boxes import depths
from gampen.storage.celestial import Footprint, unit_vectors
from gampen.storage.homes import fits_names
from gampen.storage.mosaic_tiles import Beside, Tile, read_tile
from gampen.storage.planes import Band, same_band

OUTSIDE = "the galaxy must lie in a mosaic; it lies outside of all of them"

Positions = Float64[np.ndarray, " galaxy"]


@dataclass(frozen=True)
class Place:
    """A place in a tile: the tile's number, and column and row [pixel, from 0] in it."""

    tile: int
    x: float
    y: float


@dataclass(frozen=True)
class Tiling:
    """Tiles of one band, and the circles on the sky that hold them."""

    paths: tuple[Path, ...]
    footprints: tuple[Footprint, ...]
    band: Band = None
    beside: tuple[Beside, ...] = ()

    def tile(self, number: int) -> Tile:
        """What is known of a tile; `UsageError` where it cannot be read any more."""
        return read_tile(self.paths[number], self.band, self.beside)

    @property
    def files(self) -> list[Path]:
        """All files of the tiles."""
        others = [one.path_of(path) for one in self.beside for path in self.paths]
        return [*self.paths, *others]

    def find(self, ra: Positions, dec: Positions) -> list[Place | str]:
        """The place of each position [deg], or the reason why there is none.

        Where tiles overlap, it is in the one in which the position lies deepest: whose nearest edge
        is farthest, in arcsec; of two alike, in the first. Beyond all edges the nearest tile
        counts: a cutout may still show some of it. All positions near a tile are one call.
        """
        sound = (np.abs(dec) <= 90) & (np.abs(ra) <= 360)
        vectors = unit_vectors(np.where(sound, ra, np.nan), np.where(sound, dec, np.nan))
        deepest = Deepest.none(len(ra))
        unread: dict[int, str] = {}
        for number, circle in enumerate(self.footprints):
            near = np.flatnonzero(circle.near(vectors))
            if not len(near):
                continue
            try:
                deepest.consider(number, self.tile(number), near, (ra[near], dec[near]))
            except UsageError as error:
                unread |= dict.fromkeys(near.tolist(), str(error))
        reasons = [_reason(*position, unread.get(g, OUTSIDE)) for g, position in _numbered(ra, dec)]
        return [place or reason for place, reason in zip(deepest.places, reasons, strict=True)]


@dataclass(frozen=True, eq=False)
class Deepest:
    """The deepest place of each galaxy so far, filled tile by tile."""

    tile: Int64[np.ndarray, " galaxy"]
    depth: Positions
    x: Positions
    y: Positions

    @classmethod
    def none(cls, galaxies: int) -> Deepest:
        """No galaxy has a place yet."""
        empty = np.full((3, galaxies), -np.inf)
        return cls(np.full(galaxies, -1, dtype=np.int64), *empty)

    def consider(
        self,
        number: int,
        tile: Tile,
        galaxies: Int64[np.ndarray, " near"],
        sky: tuple[Positions, Positions],
    ) -> None:
        """Let a tile have those of the galaxies near it that lie deeper in it than before."""
        x, y = tile.places(*sky)
        depth = depths(x, y, tile.shape) * (tile.scale or 1.0)
        deeper = depth > self.depth[galaxies]
        chosen = galaxies[deeper]
        self.tile[chosen] = number
        for own, found in ((self.depth, depth), (self.x, x), (self.y, y)):
            own[chosen] = found[deeper]

    @property
    def places(self) -> list[Place | None]:
        """Each galaxy's place, None where no tile has one."""
        found = zip(self.tile.tolist(), self.x.tolist(), self.y.tolist(), strict=True)
        return [Place(*place) if place[0] >= 0 else None for place in found]


def tiling_of(mosaics: Sequence[Path], band: Band, beside: tuple[Beside, ...] = ()) -> Tiling:
    """The tiles of a band in files, or in folders of them; `UsageError` where one is no tile.

    Files beside tiles are no tiles of their own.
    """
    paths = of_one_band(tile_files(mosaics, beside), band)
    circles = tuple(read_tile(path, band, beside).footprint for path in paths)
    return Tiling(tuple(paths), circles, band, beside)


def tile_files(mosaics: Sequence[Path], beside: tuple[Beside, ...]) -> list[Path]:
    """The files of a mosaic, in the order given, those of a folder by name."""
    found: list[Path] = []
    for mosaic in (Path(mosaic).absolute() for mosaic in mosaics):
        names = fits_names(mosaic) if mosaic.is_dir() else [""]
        found += [mosaic / name for name in names]
    others = {other for path in found for one in beside if (other := one.other_name(path))}
    found = [path for path in dict.fromkeys(found) if path not in others]
    if not found:
        named = ", ".join(map(str, mosaics))
        raise UsageError(f"a mosaic must be FITS files; there are none in {named}")
    return found


def of_one_band(files: Sequence[Path], band: Band) -> list[Path]:
    """The files that hold the chosen band; `UsageError` where none does, or they hold several."""
    if isinstance(band, int):
        return list(files)
    named = {file: band_of(file, band) for file in files}
    if band is None:
        names = sorted({name for name in named.values() if name})
        if len(names) > 1:
            raise UsageError(
                f"a mosaic must be of one band; got several bands ({', '.join(names)}): say --band"
            )
        return list(files)
    chosen = [file for file, name in named.items() if not name or same_band(name, band)]
    if not chosen:
        names = sorted(set(named.values()))
        raise UsageError(f"a mosaic must be of band {band!r}; these are of {', '.join(names)}")
    return chosen


def band_of(file: Path, band: Band) -> str:
    """The band of a file of one, or the chosen one of several; empty where it is not told."""
    try:
        return "".join(read_tile(file, None).bands)
    except UsageError:
        return "".join(read_tile(file, band).bands)


def _numbered(ra: Positions, dec: Positions) -> enumerate[tuple[float, float]]:
    return enumerate(zip(ra.tolist(), dec.tolist(), strict=True))


def _reason(ra: float, dec: float, otherwise: str) -> str:
    """Why a position has no place: it is none, or there is no tile there."""
    if np.isnan(ra) or np.isnan(dec):
        return "ra and dec must be numbers; at least one is missing"
    if not (abs(dec) <= 90 and abs(ra) <= 360):
        return f"ra and dec must be a position in deg; got {ra:g}, {dec:g}"
    return otherwise
