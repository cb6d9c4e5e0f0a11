"""The HDUs of a FITS file, fast: plain image HDUs are parsed here, all others by astropy.

Both ways give the same headers and, bit for bit, the same pixels.
"""

from __future__ import annotations

import gzip
import io
import math
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from gampen.errors import GalaxyError
from gampen.storage.headers import CARD_LENGTH, Cards

BLOCK = 2880
END = b"END" + 77 * b" "
TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, eq=False)
class Hdu:
    """One header with its pixels, None where the HDU has no image."""

    cards: Cards
    array: Shaped[np.ndarray, ...] | None


class NotPlain(Exception):  # noqa: N818 - a signal, not an error
    """The file holds something other than plain images."""


def read_hdus(path: Path) -> tuple[Hdu, ...]:
    """The HDUs of a FITS file, also a compressed one; `GalaxyError` where it cannot be read."""
    content = read_content(path)
    try:
        return plain_hdus(content)
    except NotPlain:
        return astropy_hdus(content)


def read_content(path: Path) -> bytes:
    """The bytes of a FITS file, unzipped; `GalaxyError` where they are not those of a FITS file."""
    try:
        content = path.read_bytes()
        if content.startswith(GZIP_MAGIC):
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise GalaxyError("the file must exist; it is missing") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise GalaxyError(
            "the file must be whole; its gzip stream is damaged or truncated"
        ) from None
    except OSError as error:
        raise GalaxyError(f"the file must be readable; got: {error.strerror}") from None
    if not content:
        raise GalaxyError("the file must be a FITS file; it is empty")
    if not content.startswith(b"SIMPLE  ="):
        raise GalaxyError("the file must be a FITS file; it does not begin like one")
    return content


def plain_hdus(content: bytes) -> tuple[Hdu, ...]:
    """The HDUs of a file of plain images; `NotPlain` where astropy must read it."""
    hdus = []
    start = 0
    while start == 0 or content.startswith(b"XTENSION", start):
        cards, data_start = read_header(content, start)
        shape, dtype = plain_layout(cards)
        count = math.prod(shape) if shape else 0
        size = count * dtype.itemsize
        if data_start + size > len(content):
            raise truncated(data_start + size, len(content))
        array = np.frombuffer(content, dtype, count, data_start).reshape(shape) if count else None
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
    return Cards(content[start:end]), start + -(-(end + CARD_LENGTH - start) // BLOCK) * BLOCK


def plain_layout(cards: Cards) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """The shape and type of a plain image; `NotPlain` for tables, scaled integers and oddities."""
    usual = {"BSCALE": 1, "BZERO": 0, "BLANK": None, "XTENSION": "IMAGE", "PCOUNT": 0, "GCOUNT": 1}
    odd = any(cards.value(keyword) not in (None, value) for keyword, value in usual.items())
    axes, bits = cards.value("NAXIS"), cards.value("BITPIX")
    if odd or type(axes) is not int or type(bits) is not int or bits not in TYPES:
        raise NotPlain
    lengths = [cards.value(f"NAXIS{axis}") for axis in range(axes, 0, -1)]
    shape = tuple(length for length in lengths if type(length) is int and length >= 0)
    if len(shape) != axes:
        raise NotPlain
    return shape, np.dtype(TYPES[bits])


def truncated(needed: int, found: int) -> GalaxyError:
    """The error for a file that ends too early."""
    return GalaxyError(
        f"the file must be whole; it ends after {found} bytes where at least {needed} are needed"
    )


def astropy_hdus(content: bytes) -> tuple[Hdu, ...]:
    """The HDUs as astropy reads them: scaled, tile-compressed and unusual files."""
    from astropy.io import fits

    with warnings.catch_warnings():
        # Whatever is odd about a file is either harmless here or ends in an error below.
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(content), memmap=False) as hdus:
                return tuple(Hdu(Cards(header_bytes(hdu)), image_of(hdu)) for hdu in hdus)
        except Exception as error:  # noqa: BLE001 - astropy raises a dozen kinds on damaged files
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise GalaxyError(
                f"the file must be a sound FITS file; astropy says: {reason}"
            ) from None


def header_bytes(hdu: object) -> bytes:
    """The header of an astropy HDU as a FITS file would hold it."""
    text: str = hdu.header.tostring(sep="", padding=False)  # type: ignore[attr-defined]
    return text.encode("latin-1", "replace")


def image_of(hdu: object) -> Shaped[np.ndarray, ...] | None:
    """The pixels of an astropy image HDU, None for a table or an empty one."""
    is_image: bool = hdu.is_image  # type: ignore[attr-defined]
    data = hdu.data if is_image else None  # type: ignore[attr-defined]
    return None if data is None or data.size == 0 else np.asarray(data)
