"""The HDUs of a FITS file, fast and without trust: a header is a claim that is checked.

Plain and scaled images are read here, tile-compressed ones by astropy once their claims have been
checked; either way with the headers and, bit for bit, the pixels that astropy finds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from gampen.errors import GalaxyError
from gampen.storage.content import LARGEST_FILE, read_content
from gampen.storage.headers import CARD_LENGTH, Cards

BLOCK = 2880
END = b"END" + 77 * b" "
TYPES = {
    bits: np.dtype(name)
    for bits, name in (
        (8, ">u1"),
        (16, ">i2"),
        (32, ">i4"),
        (64, ">i8"),
        (-32, ">f4"),
        (-64, ">f8"),
    )
}
MOST_HDUS = 1000
MOST_AXES = 8
LONGEST_HEADERS = 2**23
"""[byte] Of all headers of a file together: a hundred thousand cards."""

LARGEST_NUMBER = 2**48
"""No count in a header is larger than any disk."""

Pixels = Shaped[np.ndarray, "..."]


@dataclass(frozen=True, eq=False)
class Hdu:
    """One header with its pixels, None where the HDU has no image."""

    cards: Cards
    array: Pixels | None


def read_hdus(path: Path | str) -> tuple[Hdu, ...]:
    """The HDUs of a FITS file, also a compressed one; `GalaxyError` where it cannot be read."""
    return split_hdus(read_content(path))


def split_hdus(content: bytes) -> tuple[Hdu, ...]:
    """The HDUs that the bytes of a FITS file hold, up to the first that is not one."""
    hdus: list[Hdu] = []
    start = headers = 0
    room = LARGEST_FILE
    while start == 0 or content.startswith(b"XTENSION", start):
        cards, data_start = read_header(content, start)
        headers += data_start - start
        if headers > LONGEST_HEADERS or len(hdus) == MOST_HDUS:
            raise GalaxyError(
                f"the file of a cutout must have at most {MOST_HDUS} HDUs and {LONGEST_HEADERS} "
                f"bytes of headers; it has more"
            )
        lengths = axis_lengths(cards, "NAXIS")
        size = data_size(cards, lengths)
        if data_start + size > len(content):
            raise truncated(data_start + size, len(content))
        if cards.value("ZIMAGE") is True and cards.value("XTENSION") in ("BINTABLE", "A3DTABLE"):
            table = content[start : data_start + size]
            array = unpacked(cards, table, data_start - start, room)
        else:
            array = image_in(cards, lengths, content, data_start, room)
        room -= 0 if array is None else array.nbytes
        hdus.append(Hdu(cards, array))
        start = data_start + -(-size // BLOCK) * BLOCK
    return tuple(hdus)


def read_header(content: bytes, start: int) -> tuple[Cards, int]:
    """The cards of the header that starts at a byte, and the byte where its data start."""
    end = content.find(END, start)
    while end != -1 and (end - start) % CARD_LENGTH:
        end = content.find(END, end + 1)
    if end == -1:
        raise truncated(start + BLOCK, len(content))
    if end - start > LONGEST_HEADERS:
        raise GalaxyError(f"a header must have at most {LONGEST_HEADERS} bytes; it has more")
    return Cards(content[start:end]), start + -(-(end + CARD_LENGTH - start) // BLOCK) * BLOCK


def data_size(cards: Cards, lengths: tuple[int, ...]) -> int:
    """The bytes of data that a header announces, without the padding of the last block."""
    if not lengths:
        return 0
    # Random groups, a format of radio astronomy, have a first axis of length zero.
    counted = lengths[:-1] if not lengths[-1] and cards.value("GROUPS") is True else lengths
    size = math.prod(counted) + whole_number(cards, "PCOUNT", 0)
    return pixel_type(cards, "BITPIX").itemsize * size * whole_number(cards, "GCOUNT", 1)


def axis_lengths(cards: Cards, name: str) -> tuple[int, ...]:
    """The lengths of the axes that NAXIS or ZNAXIS counts, the slowest first."""
    axes = whole_number(cards, name)
    if axes > MOST_AXES:
        raise GalaxyError(f"the file must be a sound FITS file; {name} must be at most {MOST_AXES}")
    return tuple(whole_number(cards, f"{name}{axis}") for axis in range(axes, 0, -1))


def whole_number(cards: Cards, keyword: str, default: int | None = None) -> int:
    """A count in a header; `GalaxyError` where it is missing, negative or none at all."""
    value = cards.value(keyword)
    value = default if value is None else value
    if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
        raise GalaxyError(
            f"the file must be a sound FITS file; {keyword} must be a whole number from 0; "
            f"got {value!r}"
        )
    return value


def pixel_type(cards: Cards, keyword: str) -> np.dtype[np.generic]:
    """The type that BITPIX or ZBITPIX names."""
    bits = cards.value(keyword)
    if type(bits) is not int or bits not in TYPES:
        known = ", ".join(map(str, TYPES))
        raise GalaxyError(
            f"the file must be a sound FITS file; {keyword} must be one of {known}; got {bits!r}"
        )
    return TYPES[bits]


def image_in(
    cards: Cards, lengths: tuple[int, ...], content: bytes, data_start: int, room: int
) -> Pixels | None:
    """The pixels of an HDU, None for a table or an empty one.

    `GalaxyError` where they would take more than `room` bytes beside the file's own.
    """
    count = math.prod(lengths) if lengths else 0
    if not count or cards.value("XTENSION") not in (None, "IMAGE"):
        return None
    dtype = pixel_type(cards, "BITPIX")
    return scaled(np.frombuffer(content, dtype, count, data_start).reshape(lengths), cards, room)


def unpacked(cards: Cards, table: bytes, data_start: int, room: int) -> Pixels | None:
    """The pixels of a tile-compressed image, from all bytes of its HDU."""
    from gampen.storage.tiles import decompress  # astropy takes as long to load as a small run

    return decompress(cards, table[:data_start], table[data_start:], room)


def scaled(raw: Pixels, cards: Cards, room: int) -> Pixels:
    """The pixels that stored numbers stand for: BSCALE times them plus BZERO, NaN where BLANK.

    In the type that astropy gives them: integers without sign stay integers, other scaled ones
    become floats of enough digits. `GalaxyError` where these would take more than `room` bytes.
    """
    scale, zero = cards.number("BSCALE"), cards.number("BZERO")
    if scale is zero is None and "BLANK" not in cards:
        return raw
    scale, zero = (1.0 if scale is None else scale), (0.0 if zero is None else zero)
    blank = cards.value("BLANK") if raw.dtype.kind in "iu" else None
    if scale == 1 and zero == 0 and blank is None:
        return raw
    if 8 * raw.size > room:
        raise GalaxyError(f"the images of a cutout must take at most {LARGEST_FILE} bytes")
    bits = 8 * raw.dtype.itemsize
    signed = raw.dtype.kind == "i"
    if raw.dtype.kind in "iu" and scale == 1 and zero == (1 if signed else -1) * 2 ** (bits - 1):
        return with_other_sign(raw)
    wide = bits > (16 if raw.dtype.kind in "iu" else 32)
    with np.errstate(all="ignore"):
        values: Pixels = raw.astype(np.float64 if wide else np.float32)
        np.multiply(values, scale, out=values)
        np.add(values, zero, out=values)
    if type(blank) is int:
        values[raw == blank] = np.nan
    return values


def with_other_sign(raw: Pixels) -> Pixels:
    """Integers stored with the sign that FITS has for their width, and meant with the other.

    BZERO then is half of their range, and adding it turns their first bit.
    """
    bits, kind = 8 * raw.dtype.itemsize, "u" if raw.dtype.kind == "i" else "i"
    unsigned = raw.astype(raw.dtype.newbyteorder("=")).view(f"u{bits // 8}")
    turned: Pixels = unsigned ^ np.array(1 << (bits - 1), unsigned.dtype)
    return turned.view(f"{kind}{bits // 8}")


def truncated(needed: int, found: int) -> GalaxyError:
    """The error for a file that ends too early."""
    return GalaxyError(
        f"the file must be whole; it ends after {found} bytes where at least {needed} are needed"
    )
