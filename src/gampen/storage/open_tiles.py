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
from gampen.storage.layers import Layer, RawHdu
from gampen.storage.mosaic_tiles import Tile

Pixels = Shaped[np.ndarray, "rows columns"]


class OpenTile:
    """A tile whose files are open: pixels of boxes, read where they lie or from layers held whole.

    Files are opened when they are first needed.
    """

    def __init__(self, tile: Tile) -> None:
        """Nothing is open yet."""
        self.tile = tile
        self._whole: dict[tuple[Path, int], Pixels] = {}
        self._plain_files: dict[Path, FileIO] = {}
        self._packed_files: dict[Path, Any] = {}

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
            return (
                self._plain(layer, box) if layer.offset is not None else self._section(layer, box)
            )
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
            if "Comp" in type(hdu).__name__:
                return np.array(hdu.section[(*layer.plane, rows, columns)])
            # Whole rows are one piece of the file; parts of rows are a call each.
            return np.array(hdu.section[(*layer.plane, rows)][:, columns])

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
        self._whole, self._packed_files, self._plain_files = {}, {}, {}
