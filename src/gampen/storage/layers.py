"""Layers of a tile: its image, masks, variances and PSF, chosen by their headers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gampen.errors import GalaxyError
from gampen.storage.hdus import BLOCK, TYPES, Hdu
from gampen.storage.headers import Cards, bands
from gampen.storage.pieces import Lines, band_lines, kept_lines
from gampen.storage.planes import Band, Role, choose_image, is_beside, planes_in, role_of

MAPS = (Role.MASK, Role.VARIANCE, Role.WEIGHT, Role.NOISE)
"""Layers that go along with an image, pixel by pixel."""

LAYOUT = {"BSCALE": 1, "BZERO": 0, "BLANK": None, "PCOUNT": 0, "GCOUNT": 1}
"""Cards of pixels that stand in the file as they are."""


RawHdu = Any
"""An HDU of a file that astropy has open, an image or another one; astropy has no types."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One plane of an HDU: what it is, its header, and where its pixels lie in the file.

    `offset` [byte] is that of its first pixel, None where astropy must read the pixels, `end` that
    of the last block of the HDU, and `plane` its place along the axes before the last two.
    """

    role: Role
    number: int
    plane: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int | None
    end: int
    lines: Lines
    cards: Cards

    @property
    def size(self) -> int:
        """The bytes of the whole layer in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


def choose_layers(raw: Sequence[RawHdu], band: Band) -> tuple[Layer, ...]:
    """The layers of the chosen band of a file that astropy has open, the image first.

    `GalaxyError` where there is no image, no single choice, or a map of another shape.
    """
    hdus = [Hdu(cards_of(header_of(hdu)), stand_in(hdu)) for hdu in raw]
    filled = [(number, hdu) for number, hdu in enumerate(hdus) if hdu.array is not None]
    images = [hdu for _, hdu in filled if role_of(hdu) is Role.IMAGE]
    images = images or [hdu for _, hdu in filled if role_of(hdu) is Role.OTHER]
    if not images:
        raise GalaxyError("the file must hold an image; it has none")
    image, plane = choose_image(images, band, hdus[0].cards)
    beside = [item for item in filled if is_beside(item[1], image)]
    maps = [item for item in beside if role_of(item[1]) in MAPS]
    psfs = [item for item in beside if role_of(item[1]) is Role.PSF][:1]
    chosen = [item for item in filled if item[1] is image] + maps + psfs
    layers = tuple(layer_of(raw[number], hdu, number, plane) for number, hdu in chosen)
    check_shapes(layers)
    return layers


def layer_of(raw: RawHdu, hdu: Hdu, number: int, plane: int) -> Layer:
    """One plane of an HDU."""
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
        role=role_of(hdu),
        number=number,
        plane=(0,) * (axes - 1) + (at,) if axes else (),
        shape=shape,
        dtype=dtype,
        offset=None if start is None else start + at * math.prod(shape) * dtype.itemsize,
        end=raw.fileinfo()["datLoc"] + raw.fileinfo()["datSpan"] - BLOCK,
        lines=lines,
        cards=cards_of("".join(lines)),
    )


def check_shapes(layers: tuple[Layer, ...]) -> None:
    """Refuse, with a `GalaxyError`, an image without two axes, and maps of another shape."""
    image = layers[0].shape
    if len(image) != 2:
        raise GalaxyError(f"an image must have two or three axes; got {len(image)}")
    for layer in layers[1:]:
        if layer.role in MAPS and layer.shape != image:
            raise GalaxyError(
                f"{layer.role.value} and image must have one shape; got {layer.shape} and {image}"
            )


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
    if odd or "Comp" in type(raw).__name__ or raw.header["BITPIX"] not in TYPES:
        return None
    start: int = raw.fileinfo()["datLoc"]
    return start
