"""Layers of a tile: its image, masks, variances and PSF, chosen by their headers alone."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gampen.errors import GalaxyError
from gampen.storage.fits import card
from gampen.storage.hdus import BLOCK, TYPES, Hdu
from gampen.storage.headers import Cards, bands
from gampen.storage.pieces import Lines, band_lines, kept_lines
from gampen.storage.planes import Band, Role, choose_image, is_beside, planes_in, role_of

MAPS = (Role.MASK, Role.VARIANCE, Role.WEIGHT, Role.NOISE)
"""Layers that go along with an image, pixel by pixel."""

OF_A_NAME = re.compile(r"(EXTNAME|EXTTYPE|IMAGETYP|FILTER|BANDS?|BAND\d+)[ =]")
"""Cards that say what an HDU is, and of which band."""

LAYOUT = {"BSCALE": 1, "BZERO": 0, "BLANK": None, "PCOUNT": 0, "GCOUNT": 1}
"""Cards of pixels that stand in the file as they are."""


RawHdu = Any
"""An HDU of a file that astropy has open, an image or another one; astropy has no types."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One plane of an HDU of a file: what it is, its header, and where its pixels lie.

    `offset` [byte] is that of its first pixel, None where astropy must read the pixels, `end` that
    of the last block of the HDU, `plane` its place along the axes before the last two, and `blocks`
    the shape of what can only be unpacked together.
    """

    path: Path
    role: Role
    number: int
    plane: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    blocks: tuple[int, int]
    offset: int | None
    end: int
    lines: Lines
    cards: Cards

    @property
    def key(self) -> tuple[Path, int]:
        """What tells it from all others: its file, and the number of its HDU there."""
        return self.path, self.number

    def unpacked(self, side: int) -> int:
        """The pixels that must be unpacked for a stamp of a side, about."""
        sides = (side + block - 1 for block in self.blocks)
        return math.prod(min(size, whole) for size, whole in zip(sides, self.shape, strict=True))

    @property
    def size(self) -> int:
        """The bytes of the whole layer in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


def choose_layers(raw: Sequence[RawHdu], path: Path, band: Band) -> tuple[Layer, ...]:
    """The layers of the chosen band of a file that astropy has open, the image first.

    `GalaxyError` where there is no image or no single choice.
    """
    hdus = [Hdu(cards_of(header_of(hdu)), stand_in(hdu)) for hdu in raw]
    filled = [(number, hdu) for number, hdu in enumerate(hdus) if hdu.array is not None]
    image, plane = choose_among(hdus, band, (Role.IMAGE,))
    beside = [item for item in filled if is_beside(item[1], image)]
    maps = [item for item in beside if role_of(item[1]) in MAPS]
    psfs = [item for item in beside if role_of(item[1]) is Role.PSF][:1]
    chosen = [item for item in filled if item[1] is image] + maps + psfs
    return tuple(
        replace(layer_of(raw[number], hdu, plane), path=path, number=number)
        for number, hdu in chosen
    )


def layer_beside(raw: Sequence[RawHdu], path: Path, role: Role, band: Band) -> Layer:
    """The layer of a role that a file of its own holds, whatever it is called there.

    `GalaxyError` where there is no image or no single choice.
    """
    hdus = [Hdu(cards_of(header_of(hdu)), stand_in(hdu)) for hdu in raw]
    roles = (role, Role.IMAGE)
    try:
        chosen, plane = choose_among(hdus, None, roles)
    except GalaxyError:
        # Only where there is a choice must the file know the band by the same name.
        chosen, plane = choose_among(hdus, band, roles)
    number = next(number for number, hdu in enumerate(hdus) if hdu is chosen)
    found = layer_of(raw[number], chosen, plane)
    # In the cutout it stands beside the image, and is known by its name.
    kept = (line for line in found.lines if not OF_A_NAME.match(line))
    lines = (*kept, card("EXTNAME", role.name))
    cards = cards_of("".join(lines))
    return replace(found, path=path, number=number, role=role, lines=lines, cards=cards)


def choose_among(hdus: Sequence[Hdu], band: Band, roles: tuple[Role, ...]) -> tuple[Hdu, int]:
    """The HDU and the number of its plane that hold a band, of those of the first of the roles."""
    filled = [hdu for hdu in hdus if hdu.array is not None]
    of_role = ([hdu for hdu in filled if role_of(hdu) is role] for role in (*roles, Role.OTHER))
    images = next(filter(None, of_role), None)
    if images is None:
        raise GalaxyError("the file must hold an image; it has none")
    return choose_image(images, band, hdus[0].cards)


def layer_of(raw: RawHdu, hdu: Hdu, plane: int) -> Layer:
    """One plane of an HDU, the file and the HDU's number in it left open."""
    axes = max(len(raw.shape) - 2, 0)
    depth = planes_in(hdu)
    at = min(plane, depth - 1)
    lines = kept_lines(header_of(raw), of_a_cube=axes > 0)
    names = bands((hdu.cards,))
    if depth > 1 and at < len(names):
        lines = band_lines(lines, names[at])
    shape, start = raw.shape[axes:], plain_offset(raw, hdu.cards)
    dtype = np.dtype(raw.section.dtype if start is None else TYPES[raw.header["BITPIX"]])
    return Layer(
        path=Path(),
        role=role_of(hdu),
        number=0,
        plane=(0,) * (axes - 1) + (at,) if axes else (),
        shape=shape,
        dtype=dtype,
        blocks=blocks_of(raw),
        offset=None if start is None else start + at * math.prod(shape) * dtype.itemsize,
        end=raw.fileinfo()["datLoc"] + raw.fileinfo()["datSpan"] - BLOCK,
        lines=lines,
        cards=cards_of("".join(lines)),
    )


def blocks_of(raw: RawHdu) -> tuple[int, int]:
    """The shape of the pixels that can only be unpacked together: of a scaled image, whole rows."""
    if is_packed(raw):
        return int(raw.tile_shape[-2]), int(raw.tile_shape[-1])
    return 1, raw.shape[-1]


def is_packed(raw: RawHdu) -> bool:
    """Whether an HDU is tile-compressed."""
    return "Comp" in type(raw).__name__


def header_of(raw: RawHdu) -> str:
    """The cards of an astropy HDU as one text, 80 letters each."""
    text: str = raw.header.tostring(sep="", endcard=False, padding=False)
    return text


def cards_of(header: str) -> Cards:
    """The cards of such a text."""
    return Cards(header.encode("latin-1", "replace"))


def stand_in(raw: RawHdu) -> Shaped[np.ndarray, ...] | None:
    """An array of an image HDU's shape that takes no memory; None where there is no image."""
    if not raw.is_image or not raw.shape or 0 in raw.shape:
        return None
    return np.broadcast_to(np.zeros((), dtype=np.uint8), raw.shape)


def plain_offset(raw: RawHdu, cards: Cards) -> int | None:
    """The byte at which an HDU's pixels start, None where they are compressed or scaled."""
    odd = any(cards.value(keyword) not in (None, value) for keyword, value in LAYOUT.items())
    if odd or is_packed(raw) or raw.header["BITPIX"] not in TYPES:
        return None
    start: int = raw.fileinfo()["datLoc"]
    return start
