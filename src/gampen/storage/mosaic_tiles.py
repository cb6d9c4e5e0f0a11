"""Tiles of a mosaic: what a file holds, known without its pixels, and the pixels of boxes in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, Shaped

from gampen.errors import GalaxyError, UsageError, reason_of
from gampen.storage.boxes import Box
from gampen.storage.celestial import Footprint, celestial_wcs, footprint, places
from gampen.storage.headers import bands
from gampen.storage.layers import MAPS, Layer, choose_layers, header_of
from gampen.storage.pieces import Piece, kept_lines
from gampen.storage.planes import Band
from gampen.storage.wcs import pixel_scale

if TYPE_CHECKING:
    from astropy.wcs import WCS

GZIP_MAGIC = b"\x1f\x8b"
Positions = Float64[np.ndarray, " galaxy"]


@dataclass(frozen=True, eq=False)
class Tile:
    """What is known of a file before its pixels are: its layers, the image first, and its sky.

    `primary` is the header of the file's first HDU where the image lies in another, `scale` the
    side of a pixel [arcsec], None where no header tells it.
    """

    path: Path
    layers: tuple[Layer, ...]
    primary: Piece | None
    wcs: WCS
    bands: tuple[str, ...]
    scale: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [pixel]."""
        return self.layers[0].shape[0], self.layers[0].shape[1]

    @property
    def maps(self) -> tuple[Layer, ...]:
        """The layers that go along with the image, pixel by pixel, and the image itself."""
        return tuple(
            layer for layer in self.layers if layer is self.layers[0] or layer.role in MAPS
        )

    @property
    def is_plain(self) -> bool:
        """Whether all pixels stand in the file as they are."""
        return all(layer.offset is not None for layer in self.maps)

    @property
    def footprint(self) -> Footprint:
        """The circle on the sky that holds the tile."""
        return footprint(self.wcs, self.shape)

    def places(self, ra: Positions, dec: Positions) -> tuple[Positions, Positions]:
        """Columns and rows [pixel, from 0] of positions [deg]; NaN where there is no such place."""
        return places(self.wcs, ra, dec)


def read_tile(path: Path, band: Band) -> Tile:
    """What a file holds of a band; its pixels are not read. `UsageError` where it is no tile."""
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(f"a mosaic must exist; {path}: {error.strerror}") from None
    return _tile_of_version(path, band, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def _tile_of_version(path: Path, band: Band, size: int, _modified: int) -> Tile:
    with opened(path) as raw:
        try:
            layers = choose_layers(raw, band)
        except GalaxyError as error:
            raise UsageError(f"{path}: {error}") from None
        primary = None if layers[0].number == 0 else Piece.of(kept_lines(header_of(raw[0])), None)
        # The header as it stands, with the sizes that a distortion may need.
        wcs = celestial_wcs(header_of(raw[layers[0].number]), str(path))
    for layer in layers:
        # What fills up the last block may be missing.
        if layer.end >= size:
            raise UsageError(f"{path} must be whole; it ends within its pixels")
    headers = (layers[0].cards, *(() if primary is None else (primary.cards,)))
    return Tile(path, layers, primary, wcs, bands(headers)[:1], pixel_scale(headers))


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A FITS file, open in astropy and read where it is looked at; `UsageError` for any other."""
    from astropy.io import fits

    with warnings.catch_warnings():
        # Whatever is odd about a file is either harmless here or ends in an error below.
        warnings.simplefilter("ignore")
        try:
            refuse_zipped(path)
            # Not mapped into memory: a map ends the process where a file is cut short meanwhile.
            raw = fits.open(path, memmap=False)
            len(raw)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - astropy raises a dozen kinds on damaged files
            raise UsageError(f"{path} must be a sound FITS file; got: {reason_of(error)}") from None
        with raw:
            yield raw


def refuse_zipped(path: Path) -> None:
    """Refuse, with a `UsageError`, a file of which no part can be read without all before it."""
    with path.open("rb") as file:
        if file.read(2) == GZIP_MAGIC:
            raise UsageError(
                f"{path} must be a plain or a tile-compressed FITS file, of which a part can be "
                "read; it is zipped: unzip it first"
            )


class OpenTile:
    """A tile whose file is open: pixels of boxes, read where they lie or from layers held whole."""

    def __init__(self, tile: Tile) -> None:
        """Open the file of a tile; `GalaxyError` where that cannot be done any more."""
        self.tile = tile
        self._whole: dict[int, Shaped[np.ndarray, "height width"]] = {}
        try:
            self._file = tile.path.open("rb", buffering=0)
        except OSError as error:
            raise GalaxyError(f"{tile.path.name} must be readable; got: {error.strerror}") from None
        self._raw: Any = None

    @property
    def size(self) -> int:
        """The bytes of all layers in memory."""
        return sum(layer.size for layer in self.tile.layers)

    @property
    def held(self) -> int:
        """The bytes of the layers that are held whole."""
        return sum(layer.nbytes for layer in self._whole.values())

    def hold(self) -> None:
        """Read all layers that go along with the image whole, unless they are held already."""
        for layer in self.tile.maps:
            self.whole(layer)

    def whole(self, layer: Layer) -> Shaped[np.ndarray, "height width"]:
        """All pixels of a layer, held from now on."""
        if layer.number not in self._whole:
            box = Box(0, 0, layer.shape[0], layer.shape[1])
            self._whole[layer.number] = self.read(layer, box)
        return self._whole[layer.number]

    def read(self, layer: Layer, box: Box) -> Shaped[np.ndarray, "rows columns"]:
        """The pixels of a box inside of a layer; `GalaxyError` where they cannot be read.

        They are a copy, so that no stamp keeps more of the tile in memory than it shows.
        """
        if layer.number in self._whole:
            return np.array(box.of(self._whole[layer.number]))
        try:
            return (
                self._plain(layer, box) if layer.offset is not None else self._section(layer, box)
            )
        except GalaxyError:
            raise
        except Exception as error:  # astropy raises a dozen kinds on damaged files
            raise GalaxyError(
                f"{self.tile.path.name} must be sound; reading it, got: {reason_of(error)}"
            ) from error

    def _plain(self, layer: Layer, box: Box) -> Shaped[np.ndarray, "rows columns"]:
        """Pixels that stand in the file as they are, row by row, so that none is read in vain."""
        pixels = np.empty((box.height, box.width), dtype=layer.dtype)
        width, step = layer.shape[1], layer.dtype.itemsize
        start = (layer.offset or 0) + (box.row * width + box.column) * step
        runs = [pixels] if box.width == width else list(pixels)
        for number, run in enumerate(runs):
            self._file.seek(start + number * width * step)
            if self._file.readinto(memoryview(run.data).cast("B")) != run.nbytes:
                raise GalaxyError(f"{self.tile.path.name} must be whole; it was cut short")
        return pixels

    def _section(self, layer: Layer, box: Box) -> Shaped[np.ndarray, "rows columns"]:
        """Pixels that astropy unpacks or scales."""
        if self._raw is None:
            from astropy.io import fits

            self._raw = fits.open(self.tile.path, memmap=False)
        hdu = self._raw[layer.number]
        rows, columns = (
            slice(at, at + size) for at, size in zip(box.first, box.sides, strict=True)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if "Comp" in type(hdu).__name__:
                return np.array(hdu.section[(*layer.plane, rows, columns)])
            # Whole rows are one piece of the file; parts of rows are a call each.
            return np.array(hdu.section[(*layer.plane, rows)][:, columns])

    def close(self) -> None:
        """Close the file and let go of what is held."""
        self._whole = {}
        if self._raw is not None:
            self._raw.close()
        self._file.close()
