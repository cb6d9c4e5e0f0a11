"""Crops on disk: a FITS image whose header is that of the image it was cut from, brought along.

World coordinates, physical coordinates, pixel scales and areas hold in the crop's own pixels; what
was true of the old pixels alone, such as checksums, is left out; all else is kept to the letter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from gampen.cutouts import CardValue, Cutout
from gampen.storage.atomic import write_bytes
from gampen.storage.fits import blocks
from gampen.storage.header_records import Record, cards_of, changed, record
from gampen.storage.headers import CARD_LENGTH, PSF_CARDS, Cards
from gampen.storage.remapping import SIGNS, Changes, PixelMap, remapped
from gampen.storage.wcs import SCALE_CARDS, tangent_cards

OF_OLD_PIXELS = re.compile(
    r"SIMPLE|XTENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|INHERIT|EXTVER|EXTLEVEL"
    r"|BSCALE|BZERO|BLANK|DATAMIN|DATAMAX|CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM"
    r"|(DATA|TRIM|BIAS)SEC|MP_.*|BANDS|BAND\d+|END"
)
"""Keywords of the layout, of checksums, and of planes that a crop does not have."""

PIXEL_AREAS = ("PIXAR_SR", "PIXAR_A2")
PER_SOLID_ANGLE = re.compile(r"(?<![a-z])(sr|arcsec|deg)(?![a-z])", re.IGNORECASE)

Notes = dict[str, tuple[CardValue, str]]
"""Values and comments of new cards, by keyword."""


@dataclass(frozen=True, eq=False)
class CropImage:
    """A crop to be written: its pixels, where they lie, and what is said of how it came about.

    `pixels` [image units], NaN where bad, as light in the area of a pixel of the image: what is
    written is the light in the crop's own pixels, unless the image's unit is one of brightness.
    `notes` are cards with their comments.
    """

    pixels: Float32[np.ndarray, "height width"]
    place: PixelMap
    notes: Notes


def write_crop(crop: CropImage, cutout: Cutout, header: Sequence[Record], path: Path) -> None:
    """Write a crop of a cutout with its header: float32, NaN where bad.

    `GalaxyError` where the header's world coordinates cannot be carried along.
    """
    records = crop_records(crop, cutout, header)
    share = 1.0 if of_brightness(cards_of(header)) else crop.place.area
    pixels = crop.pixels if share == 1 else crop.pixels * np.float32(share)
    write_bytes(crop_bytes(pixels, records), path)


def crop_bytes(pixels: Float32[np.ndarray, "height width"], records: Iterable[Record]) -> bytes:
    """A FITS file of one float32 image under these records."""
    height, width = pixels.shape
    layout: dict[str, CardValue] = {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2}
    layout |= {"NAXIS1": width, "NAXIS2": height}
    first = [record(keyword, value) for keyword, value in layout.items()]
    letters = "".join(part.text for part in (*first, *records)) + "END".ljust(CARD_LENGTH)
    data = np.ascontiguousarray(pixels, dtype=">f4").tobytes()
    head = letters.encode("ascii", "replace")
    return head.ljust(blocks(len(head))) + data.ljust(blocks(len(data)), b"\0")


def crop_records(crop: CropImage, cutout: Cutout, header: Sequence[Record]) -> list[Record]:
    """The header of a crop of a cutout with that header."""
    header = changed(header, assumed(cutout, cards_of(header)))
    cards = cards_of(header)
    notes = told(cutout, cards, crop.place) | dict(crop.notes)
    changes = lengths(cards, crop.place) | remapped(cards, crop.place)
    changes |= dict.fromkeys(notes)  # what is said anew stands at the end, with its own comment
    kept = [old for old in header if not OF_OLD_PIXELS.fullmatch(old.keyword)]
    new = [record(keyword, *said) for keyword, said in notes.items()]
    return [*changed(kept, changes), *new]


def assumed(cutout: Cutout, cards: Cards) -> Changes:
    """World coordinates where a header has none: those that the cutout brings, or of its scale."""
    if any(sign in cards for sign in SIGNS):
        return {}
    if any(sign in cutout.wcs for sign in SIGNS):
        return dict(cutout.wcs)
    if cutout.pixel_scale is None or any(keyword in cards for keyword in SCALE_CARDS):
        return {}
    place = None if cutout.ra is None or cutout.dec is None else (cutout.ra, cutout.dec)
    return dict(tangent_cards(cutout.shape, cutout.pixel_scale, place))


def lengths(cards: Cards, pixels: PixelMap) -> Changes:
    """Sizes of a pixel, and widths in pixels, in the new pixels."""
    factors = dict.fromkeys(SCALE_CARDS, pixels.side) | dict.fromkeys(PIXEL_AREAS, pixels.area)
    factors |= {k: 1 / pixels.side for k in PSF_CARDS if "pix" in cards.comment(k).lower()}
    values = {keyword: cards.number(keyword) for keyword in factors}
    return {k: value * factors[k] for k, value in values.items() if value is not None}


def told(cutout: Cutout, cards: Cards, pixels: PixelMap) -> Notes:
    """Zero point and PSF as they are known, so that a crop is read again as its image was."""
    notes: Notes = {}
    if cutout.zero_point is not None:
        shift = 2.5 * math.log10(pixels.area) if of_brightness(cards) else 0.0
        notes["MAGZERO"] = (cutout.zero_point - shift, "[mag] AB, of one unit in a pixel")
    if cutout.psf_fwhm is not None and cutout.pixel_scale is not None:
        notes["PSF_FWHM"] = (cutout.psf_fwhm * cutout.pixel_scale, "[arcsec] of the PSF")
    elif cutout.psf_fwhm is not None:
        notes["PSF_FWHM"] = (cutout.psf_fwhm / pixels.side, "[pixel] of the PSF")
    return notes


def of_brightness(cards: Cards) -> bool:
    """Whether the image's unit is light in a solid angle, such as MJy/sr, not light in a pixel."""
    return PER_SOLID_ANGLE.search(cards.text("BUNIT")) is not None
