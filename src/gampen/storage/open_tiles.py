"""Tiles whose files are open: pixels of boxes in them."""

from __future__ import annotations

import warnings
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gampen.errors import GalaxyError, reason_of
from gampen.storage.boxes import Box
from gampen.storage.layers import Layer, RawHdu, is_packed
from gampen.storage.mosaic_tiles import Tile

Pixels = Shaped[np.ndarray, "rows columns"]


BAND = 32 << 20
"""[byte] of a layer too large to hold, of which whole rows are unpacked at a time."""


class OpenTile:
    """A tile whose files are open: pixels of boxes, read where they lie or from layers held whole.

    Files are opened when they are first needed.
    """

    def __init__(self, tile: Tile) -> None:
        """Nothing is open yet."""
        self.tile = tile
        self._whole: dict[tuple[Path, int], Pixels] = {}
        self._rows: dict[tuple[Path, int], tuple[int, Pixels]] = {}
        self.by_rows = False
        """Whether stamps come by rows, and so many of them that whole rows are unpacked at once."""
        self._plain_files: dict[Path, FileIO] = {}
        self._packed_files: dict[Path, Any] = {}

    @property
    def size(self) -> int:
        """The bytes of all layers in memory."""
        return sum(layer.size for layer in self.tile.layers)

    @property
    def held(self) -> int:
        """The bytes of the layers, and of rows of them, that are held."""
        rows = sum(rows.nbytes for _, rows in self._rows.values())
        return rows + sum(layer.nbytes for layer in self._whole.values())

    def hold(self) -> None:
        """Read all layers that go along with the image whole, unless they are held already."""
        for layer in self.tile.maps:
            self.whole(layer)

    def whole(self, layer: Layer) -> Pixels:
        """All pixels of a layer, held from now on."""
        if layer.key not in self._whole:
            box = Box(0, 0, layer.shape[0], layer.shape[1])
            self._whole[layer.key] = self.read(layer, box)
        return self._whole[layer.key]

    def read(self, layer: Layer, box: Box) -> Pixels:
        """The pixels of a box inside of a layer; `GalaxyError` where they cannot be read.

        They are a copy, so that no stamp keeps more of the tile in memory than it shows.
        """
        if layer.key in self._whole:
            return np.array(box.of(self._whole[layer.key]))
        try:
            if layer.offset is not None:
                return self._plain(layer, box)
            return self._of_rows(layer, box) if self.by_rows else self._section(layer, box)
        except GalaxyError:
            raise
        except Exception as error:  # astropy raises a dozen kinds on damaged files
            raise GalaxyError(
                f"{layer.path.name} must be sound; reading it, got: {reason_of(error)}"
            ) from error

    def _plain(self, layer: Layer, box: Box) -> Pixels:
        """Pixels that stand in the file as they are, row by row, so that none is read in vain."""
        file = self._plain_files.get(layer.path)
        if file is None:
            file = self._plain_files[layer.path] = FileIO(layer.path)
        pixels = np.empty((box.height, box.width), dtype=layer.dtype)
        width, step = layer.shape[1], layer.dtype.itemsize
        start = (layer.offset or 0) + (box.row * width + box.column) * step
        runs = [pixels] if box.width == width else list(pixels)
        for number, run in enumerate(runs):
            file.seek(start + number * width * step)
            if file.readinto(memoryview(run.data).cast("B")) != run.nbytes:
                raise GalaxyError(f"{layer.path.name} must be whole; it was cut short")
        return pixels

    def _section(self, layer: Layer, box: Box) -> Pixels:
        """Pixels that astropy unpacks or scales."""
        rows, columns = (
            slice(at, at + size) for at, size in zip(box.first, box.sides, strict=True)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hdu = self._packed(layer)
            if is_packed(hdu):
                return np.array(hdu.section[(*layer.plane, rows, columns)])
            # Whole rows are one piece of the file; parts of rows are a call each.
            return np.array(hdu.section[(*layer.plane, rows)][:, columns])

    def _of_rows(self, layer: Layer, box: Box) -> Pixels:
        """Pixels out of the rows that were unpacked last, or of as many from the box upwards."""
        first, rows = self._rows.get(layer.key, (0, np.empty((0, 0))))
        if not first <= box.row <= box.row + box.height <= first + len(rows):
            width = layer.shape[1]
            wanted = max(box.height, BAND // (width * layer.dtype.itemsize))
            first = box.row
            band = Box(first, 0, min(wanted, layer.shape[0] - first), width)
            self._rows.pop(layer.key, None)
            rows = self._section(layer, band)
            self._rows[layer.key] = (first, rows)
        return np.array(Box(box.row - first, box.column, *box.sides).of(rows))

    def _packed(self, layer: Layer) -> RawHdu:
        """The HDU of a layer, open in astropy."""
        from astropy.io import fits

        if layer.path not in self._packed_files:
            self._packed_files[layer.path] = fits.open(layer.path, memmap=False)
        return self._packed_files[layer.path][layer.number]

    def close(self) -> None:
        """Close the files and let go of what is held."""
        for file in (*self._packed_files.values(), *self._plain_files.values()):
            file.close()
        self._whole, self._rows, self._packed_files, self._plain_files = {}, {}, {}, {}
