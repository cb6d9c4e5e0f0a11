"""Pieces of a tile: an image with the header it had, moved to the piece, as HDU and as bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Shaped

from gampen.cutouts import CardValue
from gampen.storage.boxes import Box
from gampen.storage.fits import blocks, card
from gampen.storage.hdus import Hdu
from gampen.storage.headers import CARD_LENGTH, Cards

Lines = tuple[str, ...]
"""Header cards as they stand in the file, 80 letters each."""

OF_THE_FILE = re.compile(
    r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|END"
    r"|DATAMIN|DATAMAX|CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM)[ =]"
)
"""Cards that say how the tile's pixels are laid out, which a piece of it says anew."""

OF_A_THIRD_AXIS = re.compile(
    r"(C(TYPE|RVAL|RPIX|DELT|UNIT|ROTA|NAME)[3-9]|(CD|PC)[3-9]_\d|(CD|PC)\d_[3-9]|P[VS][3-9]_\d+"
    r"|WCSAXES|BANDS|BAND\d+)[A-Z]?[ =]"
)
"""Cards of a cube that one of its planes does not have."""

OF_THE_ORIGIN = re.compile(r"(CRPIX([12])[A-Z]?|LTV([12]))[ =]")
"""The reference pixel of each set of world coordinates, and IRAF's of the physical ones."""

STRUCTURE = {"u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64}
NATIVE = {"i1": "i2", "u2": "i4", "u4": "i8", "u8": "i8", "b1": "u1", "f2": "f4"}
"""Types that FITS does not have, and those that hold their values."""


@dataclass(frozen=True, eq=False)
class Piece:
    """An image, or none, with header cards beside those that say how its pixels are laid out.

    `lines` are the tile's, and hold once they are moved to the piece's box, where it has one;
    `cards` say what is known of the image.
    """

    lines: Lines
    array: Shaped[np.ndarray, ...] | None
    cards: Cards
    box: Box | None = None

    @classmethod
    def of(cls, lines: Lines, array: Shaped[np.ndarray, ...] | None) -> Piece:
        """The piece with a header of these lines, as they are."""
        return cls(lines, array, Cards("".join(lines).encode("latin-1", "replace")))

    @property
    def hdu(self) -> Hdu:
        """The piece as reading its file would bring it."""
        return Hdu(self.cards, self.array)

    @property
    def placed(self) -> Lines:
        """The header's cards, moved to the piece."""
        return self.lines if self.box is None else moved(self.lines, self.box)

    def with_cards(self, added: Mapping[str, CardValue]) -> Piece:
        """The piece with cards added; what is known of the image stays as it was."""
        lines = (line for keyword, value in added.items() for line in card_lines(keyword, value))
        return replace(self, lines=(*self.lines, *lines))


def kept_lines(header: str, of_a_cube: bool = False) -> Lines:
    """The cards of a header that hold for a piece of its image, as they stand there."""
    lines = (header[at : at + CARD_LENGTH] for at in range(0, len(header), CARD_LENGTH))
    kept = (line.ljust(CARD_LENGTH) for line in lines if not OF_THE_FILE.match(line))
    return tuple(line for line in kept if not (of_a_cube and OF_A_THIRD_AXIS.match(line)))


def band_lines(lines: Lines, band: str) -> Lines:
    """The cards of one plane of a cube, which name its band and no other."""
    return (*(line for line in lines if not line.startswith("BAND ")), card("BAND", band))


def moved(lines: Lines, box: Box) -> Lines:
    """The header's cards with the origin of pixels at the first pixel of a box."""
    shifted = [_moved(line, box) if line.startswith(("CRPIX", "LTV")) else line for line in lines]
    for keyword, first in (("CRPIX1", box.column), ("CRPIX2", box.row)):
        # A header may leave out what is 0, and after the move it is not.
        if not any(line.startswith(f"{keyword} ") for line in lines):
            shifted.append(card(keyword, float(-first)))
    return tuple(shifted)


def _moved(line: str, box: Box) -> str:
    found = OF_THE_ORIGIN.match(line)
    value = Cards(line.encode("latin-1")).number(found.group(1)) if found else None
    if found is None or value is None:
        return line
    first = box.column if "1" in found.groups() else box.row
    return card(found.group(1), float(value - first))


def card_lines(keyword: str, value: CardValue) -> Iterator[str]:
    """A card of any value; text beyond what a card holds is cut off, other letters become '?'."""
    if isinstance(value, str):
        value = value.encode("ascii", "replace").decode("ascii")
        value = "".join(letter if letter.isprintable() else "?" for letter in value)
        while len(value.replace("'", "''")) > CARD_LENGTH - 12:
            value = value[:-1]
    if not isinstance(value, float) or math.isfinite(value):
        yield card(keyword, value)


def file_of(pieces: Sequence[Piece]) -> bytes:
    """A FITS file of pieces: the first is the primary HDU, the others are extensions."""
    return b"".join(hdu_bytes(piece, place == 0) for place, piece in enumerate(pieces))


def hdu_bytes(piece: Piece, primary: bool) -> bytes:
    """One HDU as bytes."""
    array = None if piece.array is None else fits_array(piece.array)
    shape = () if array is None else array.shape
    layout: dict[str, CardValue] = {"SIMPLE": True} if primary else {"XTENSION": "IMAGE"}
    layout |= {
        "BITPIX": 8 if array is None else STRUCTURE[array.dtype.str[1:]],
        "NAXIS": len(shape),
    }
    layout |= {f"NAXIS{axis}": size for axis, size in enumerate(reversed(shape), start=1)}
    layout |= {"EXTEND": True} if primary else {"PCOUNT": 0, "GCOUNT": 1}
    header = "".join([*(card(*item) for item in layout.items()), *piece.placed])
    header += "END".ljust(CARD_LENGTH)
    data = b"" if array is None else array.tobytes()
    return header.encode("latin-1").ljust(blocks(len(header))) + data.ljust(
        blocks(len(data)), b"\0"
    )


def fits_array(array: Shaped[np.ndarray, ...]) -> Shaped[np.ndarray, ...]:
    """The same values in a type that FITS has, in its order of bytes."""
    kind = array.dtype.str[1:]
    return np.ascontiguousarray(array, dtype=f">{NATIVE.get(kind, kind)}")


def hdus_of(pieces: Iterable[Piece]) -> tuple[Hdu, ...]:
    """The HDUs as reading the file of the pieces would bring them."""
    return tuple(piece.hdu for piece in pieces)
