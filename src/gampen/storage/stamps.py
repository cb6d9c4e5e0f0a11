"""Stamps: what a mosaic shows of one galaxy, with all layers of the tile, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Shaped

from gampen.cutouts import CardValue, Cutout
from gampen.errors import GalaxyError, reason_of
from gampen.storage.boxes import Box
from gampen.storage.fits import UNFORESEEN, Known, cutout_in
from gampen.storage.headers import Cards
from gampen.storage.layers import MAPS, Layer
from gampen.storage.open_tiles import OpenTile
from gampen.storage.pieces import Piece, card_lines, file_of, hdus_of, moved
from gampen.storage.places import OUTSIDE, Place
from gampen.storage.planes import Planes, Role, choose_planes

FILLS = {Role.IMAGE: np.nan, Role.VARIANCE: np.nan, Role.NOISE: np.nan, Role.WEIGHT: 0.0}
"""What stands beyond the tile's edges: nothing is known there."""

NO_DATA = "MP_NO_DATA"
Image = Shaped[np.ndarray, "height width"]


@dataclass(frozen=True)
class Shares:
    """Shares of a stamp's pixels: in the tile; there and no number; there and called bad."""

    covered: float
    nan: float
    masked: float


NOTHING = Shares(0.0, 0.0, 0.0)
"""Of a stamp that no tile shows."""


@dataclass(frozen=True, eq=False)
class Stamp:
    """One galaxy in its tile: the pieces of the tile's layers, the image behind the header alone.

    `place` is where in the tile it lies, `box` the pixels that are shown, `shape` the tile's.
    """

    known: Known
    tile: str
    place: Place
    box: Box
    pieces: tuple[Piece, ...]
    shape: tuple[int, int]

    @cached_property
    def planes(self) -> Planes:
        """The planes that a reader of the stamp's file finds."""
        return choose_planes(hdus_of(self.pieces))

    def cutout(self, known: Known | None = None) -> Cutout:
        """The cutout; `known` goes before what the catalogue says of the galaxy.

        `GalaxyError` where it is no image of a galaxy.
        """
        told = known.over(self.known) if known else self.known
        try:
            return cutout_in(self.planes, self.known.file_name or "", told)
        except GalaxyError:
            raise
        except Exception as error:
            # As in reading a file: nothing is known to end here, but a run is long.
            kind = type(error).__name__
            raise GalaxyError(
                f"the tile must be sound; {UNFORESEEN} {kind}: {reason_of(error)}"
            ) from error

    @property
    def shares(self) -> Shares:
        """How much of the stamp the tile shows, and how much of that is worth something."""
        found = self.box.inside(self.shape)
        inner = Box(found.row - self.box.row, found.column - self.box.column, *found.sides)
        missing = int((~np.isfinite(inner.of(self.planes.image))).sum())
        masked = int(inner.of(self.planes.bad).sum()) if self.planes.bad.size else 0
        return Shares(*(count / self.box.pixels for count in (found.pixels, missing, masked)))

    def file(self, cards: dict[str, CardValue]) -> bytes:
        """A FITS file of the stamp, with cards added to the header of its image."""
        place = 0 if self.pieces[0].array is not None else 1
        pieces = list(self.pieces)
        pieces[place] = pieces[place].with_cards(cards)
        return file_of(pieces)


def pieces_of(opened: OpenTile, box: Box, psf: Image | None) -> tuple[Piece, ...]:
    """The pieces of a tile's layers in a box, with the PSF given, or else that of the tile.

    `GalaxyError` where the box lies outside of the tile, or pixels cannot be read.
    """
    tile = opened.tile
    if not box.inside(tile.shape).pixels:
        raise GalaxyError(OUTSIDE)
    first = () if tile.primary is None else (tile.primary,)
    maps = tuple(cut(opened, layer, box) for layer in tile.maps)
    if psf is not None:
        return (*first, *maps, psf_piece(psf))
    psfs = [layer for layer in tile.layers if layer.role is Role.PSF]
    own = (Piece(layer.lines, opened.whole(layer), layer.cards) for layer in psfs)
    return (*first, *maps, *own)


def cut(opened: OpenTile, layer: Layer, box: Box) -> Piece:
    """The piece of a layer in a box; what lies beyond the edges is not a number, or bad."""
    role = layer.role if layer.role in MAPS else Role.IMAGE
    part = opened.read(layer, box.inside(opened.tile.shape))
    kind = part.dtype.newbyteorder("=")
    if role is not Role.MASK:
        # The type that holds both the tile's values and what is not a number.
        kind = np.result_type(kind, np.float32)
    pixels = box.padded(part.astype(kind, copy=False), opened.tile.shape, fill_of(layer))
    cards = layer.cards
    if role is Role.IMAGE:
        cards = Cards("".join(moved(layer.lines, box)).encode("latin-1", "replace"))
    return Piece(layer.lines, pixels, cards, box)


def fill_of(layer: Layer) -> float:
    """What stands in a layer beyond the tile's edges.

    In a mask the plane NO_DATA where it has one; 1 in a mask of unnamed planes.
    """
    if layer.role is not Role.MASK:
        return FILLS.get(layer.role, np.nan)
    if not layer.cards.mask_planes:
        return 1
    bit = layer.cards.number(NO_DATA)
    return 0 if bit is None or not 0 <= bit < 31 else 1 << int(bit)


def psf_piece(psf: Image) -> Piece:
    """An image of the PSF as a piece."""
    return Piece.of(tuple(card_lines("EXTNAME", "PSF")), psf)
