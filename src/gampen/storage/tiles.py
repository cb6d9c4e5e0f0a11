"""Tile-compressed images: what astropy's decompressors take on trust is checked before they run.

They are C code that believes the file: a tile that says it is larger than it is would be written
beyond its memory, a gzipped one may swell without end. Here each claim is held against the bytes.
FITS standard 4.0, section 10, doi:10.1051/0004-6361/201015362.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from astropy.io import fits
from jaxtyping import Int64, Shaped, UInt8

from gampen.errors import GalaxyError, reason_of
from gampen.storage.content import LARGEST_FILE, inflate
from gampen.storage.hdus import BLOCK, axis_lengths, pixel_type, whole_number
from gampen.storage.headers import CARD_LENGTH, Cards

WIDTHS = dict(zip("LXBIJKAEDCMPQ", (1, 0, 1, 2, 4, 8, 1, 4, 8, 8, 16, 8, 16), strict=True))
FORM = re.compile(r"(\d{0,9})([LXBIJKAEDCMPQ])([BIJKED]?)")
PACKED = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")
BYTES_A_TILE = 2**13
"""What a tile counts for beside its pixels: it takes as long as that many bytes of them."""

LONGEST_RICE_BLOCK = 1024
HCOMPRESS_HEADER = 25  # [byte] magic, two sides, scale, sum of all pixels, three counts of planes
HCOMPRESS_MAGIC = b"\xdd\x99"
MOST_PLANES = 63
SMALLEST_HCOMPRESS = 4
DITHER_SEEDS = range(1, 10_001)

Rows = UInt8[np.ndarray, "tile byte"]


@dataclass(frozen=True)
class Column:
    """One column of packed tiles: where it stands in a row, what its descriptors are made of."""

    name: str
    place: int
    descriptor: str
    itemsize: int


@dataclass(frozen=True, eq=False)
class Tiles:
    """A table of tiles: its header, the shape of the image and of each tile, rows and heap."""

    cards: Cards
    shape: tuple[int, ...]
    tile: tuple[int, ...]
    columns: tuple[Column, ...]
    rows: Rows
    heap: bytes

    def sides(self) -> Iterator[tuple[int, ...]]:
        """The shape of each tile in turn; those at the edges are smaller."""
        counts = [-(-side // step) for side, step in zip(self.shape, self.tile, strict=True)]
        for places in np.ndindex(*counts):
            axes = zip(self.shape, self.tile, places, strict=True)
            yield tuple(min(step, side - place * step) for side, step, place in axes)


def decompress(
    cards: Cards, header: bytes, data: bytes, room: int
) -> Shaped[np.ndarray, ...] | None:
    """The image that a table of tiles holds, None where it is empty.

    `GalaxyError` where it is not sound, or would take more than `room` bytes.
    """
    shape = axis_lengths(cards, "ZNAXIS")
    if not shape or not math.prod(shape):
        return None
    checked = checked_tiles(tiles_of(cards, data, room))
    with warnings.catch_warnings():
        # Whatever is odd about a file is either harmless here or ends in an error below.
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(file_of(header, checked)), memmap=False) as hdus:
                return np.asarray(hdus[1].data)
        except Exception as error:  # noqa: BLE001 - astropy raises a dozen kinds on damaged files
            raise GalaxyError(
                f"the file must be a sound FITS file; astropy says: {reason_of(error)}"
            ) from None


def tiles_of(cards: Cards, data: bytes, room: int) -> Tiles:
    """The tiles of a table whose counts agree with each other and with the data that are there."""
    shape, count = axis_lengths(cards, "ZNAXIS"), whole_number(cards, "NAXIS2")
    tile = tuple(whole_number(cards, f"ZTILE{axis}") for axis in range(len(shape), 0, -1))
    demand(all(tile), "every ZTILE must be at least 1")
    wanted = math.prod(-(-side // step) for side, step in zip(shape, tile, strict=True))
    demand(count == wanted, f"{wanted} tiles are needed; it has {count}")
    size = math.prod(shape) * max(pixel_type(cards, "ZBITPIX").itemsize, 4) + count * BYTES_A_TILE
    if size > room:
        raise GalaxyError(
            f"the images of a cutout must take at most {LARGEST_FILE} bytes, tiles included; "
            f"a compressed one takes {size}"
        )
    width, columns = whole_number(cards, "NAXIS1"), packed_columns(cards)
    start = whole_number(cards, "THEAP", width * count)
    demand(width * count <= start <= len(data), "the heap must begin behind the rows")
    rows = np.frombuffer(data, np.uint8, width * count).reshape(count, width)
    return Tiles(cards, shape, tile, columns, rows, data[start:])


def packed_columns(cards: Cards) -> tuple[Column, ...]:
    """The columns that hold packed tiles; their formats must fill a row."""
    columns, place = [], 0
    for field in range(1, whole_number(cards, "TFIELDS") + 1):
        form = FORM.match(cards.text(f"TFORM{field}"))
        if form is None:
            raise unsound(f"TFORM{field} must be a known format")
        repeat, letter = int(form[1] or 1), form[2]
        name = cards.text(f"TTYPE{field}").upper()
        if name in PACKED:
            demand(letter in "PQ" and repeat == 1 and form[3] != "", f"{name} must be a list")
            descriptor = ">i4" if letter == "P" else ">i8"
            columns.append(Column(name, place, descriptor, WIDTHS[form[3]]))
        place += -(-repeat // 8) if letter == "X" else repeat * WIDTHS[letter]
    demand(place == whole_number(cards, "NAXIS1"), "the columns must fill the rows")
    demand(any(column.name == PACKED[0] for column in columns), f"{PACKED[0]} must be there")
    return tuple(columns)


def checked_tiles(tiles: Tiles) -> Tiles:
    """The same tiles, each of them sound, packed anew with room behind those that need it."""
    check_settings(tiles.cards)
    rows, heap = tiles.rows.copy(), bytearray()
    room = LARGEST_FILE
    for column in tiles.columns:
        check = checks(tiles.cards, column)
        found = descriptors(tiles, column)
        for tile, (sides, (length, offset)) in enumerate(
            zip(tiles.sides(), found.tolist(), strict=True)
        ):
            packed = tiles.heap[offset : offset + length * column.itemsize]
            padding = check(packed, sides) if length else 0
            room -= padding
            demand(room >= 0, "its tiles must not need that much room")
            padding += -padding % column.itemsize
            found[tile] = length + padding // column.itemsize, len(heap)
            heap += packed + bytes(padding)
        width = 2 * np.dtype(column.descriptor).itemsize
        written = found.astype(column.descriptor).view(np.uint8).reshape(len(rows), width)
        rows[:, column.place : column.place + width] = written
    return replace(tiles, rows=rows, heap=bytes(heap))


def descriptors(tiles: Tiles, column: Column) -> Int64[np.ndarray, "tile 2"]:
    """The number of items and the place in the heap of each tile; all must lie inside of it."""
    width = 2 * np.dtype(column.descriptor).itemsize
    packed = np.ascontiguousarray(tiles.rows[:, column.place : column.place + width])
    found = packed.view(column.descriptor).astype(np.int64)
    sizes, offsets = found[:, 0].astype(float) * column.itemsize, found[:, 1].astype(float)
    # As floats: numbers that are wrong may be too large to be added as integers.
    inside = (sizes >= 0) & (offsets >= 0) & (sizes + offsets <= len(tiles.heap))
    demand(bool((inside | (sizes == 0)).all()), "every tile must lie inside of the heap")
    demand(float(sizes.sum()) <= len(tiles.heap), "no two tiles may share their bytes")
    return found


def check_settings(cards: Cards) -> None:
    """Refuse what would lead a decompressor astray before its first tile."""
    if cards.text("ZCMPTYPE") in ("RICE_1", "RICE_ONE"):
        block = setting(cards, "BLOCKSIZE", 32)
        demand(0 < block <= LONGEST_RICE_BLOCK, "the block size must be a sensible one")
        demand(setting(cards, "BYTEPIX", 4) in (1, 2, 4), "BYTEPIX must be 1, 2 or 4")
    if cards.text("ZQUANTIZ") not in ("", "NO_DITHER"):
        seed = cards.value("ZDITHER0")
        demand(type(seed) is int and seed in DITHER_SEEDS, "ZDITHER0 must be from 1 to 10000")


def setting(cards: Cards, name: str, default: int) -> int:
    """The value of one setting of a compression."""
    number = 1
    while f"ZNAME{number}" in cards:
        if cards.text(f"ZNAME{number}").upper() == name:
            return whole_number(cards, f"ZVAL{number}")
        number += 1
    return default


Check = Callable[[bytes, tuple[int, ...]], int]
"""Takes a packed tile and its sides, refuses an unsound one, and tells the bytes to leave free."""


def checks(cards: Cards, column: Column) -> Check:
    """The check for the tiles of a column."""
    kind = cards.text("ZCMPTYPE")
    if column.name == "UNCOMPRESSED_DATA" or (column.name == PACKED[0] and kind == "NOCOMPRESS"):
        return check_plain
    if column.name == "GZIP_COMPRESSED_DATA" or kind in ("GZIP_1", "GZIP_2"):
        return check_gzip
    known: dict[str, Check] = {
        "RICE_1": check_plain,
        "RICE_ONE": check_plain,
        "PLIO_1": check_plio,
        "HCOMPRESS_1": check_hcompress,
    }
    if kind not in known:
        raise unsound(f"ZCMPTYPE must be a known compression; got {kind!r}")
    return known[kind]


def check_plain(_packed: bytes, _sides: tuple[int, ...]) -> int:
    """Bytes that are read as they are, or by a decoder that minds their end."""
    return 0


def check_gzip(packed: bytes, sides: tuple[int, ...]) -> int:
    """A gzipped tile must not swell beyond its pixels."""
    try:
        inflate(packed, 8 * math.prod(sides))
    except GalaxyError:
        raise unsound("a gzipped tile must unpack, and to no more than its pixels") from None
    return 0


def check_plio(packed: bytes, _sides: tuple[int, ...]) -> int:
    """A list of runs must not say that it is longer than it is."""
    words = np.frombuffer(packed[: len(packed) // 2 * 2], ">i2").astype(int).tolist()
    demand(len(words) > 5, "a list of runs must have a header")
    old = words[2] > 0
    length = words[2] if old else (words[4] << 15) + words[3]
    demand(length <= len(words), "a list of runs must be whole")
    demand(old or words[1] >= 3, "a list of runs must begin behind its header")
    return 2


def check_hcompress(packed: bytes, sides: tuple[int, ...]) -> int:
    """A transformed tile must have the sides of its tile, and no more planes than a number has.

    Its decoder does not mind the end of the bytes; behind them it reads zeros, of which it takes
    half a byte for four pixels of each plane, and a bit a pixel for the signs.
    """
    long = [side for side in sides if side != 1]
    demand(len(packed) >= HCOMPRESS_HEADER, "a transformed tile must have a header")
    demand(packed.startswith(HCOMPRESS_MAGIC), "a transformed tile must begin like one")
    told = [int.from_bytes(packed[place : place + 4], "big") for place in (2, 6)]
    demand(sorted(told) == sorted(long), f"a tile must have sides {long}; it says {told}")
    demand(min(told) >= SMALLEST_HCOMPRESS, "a transformed tile must have 4 pixels a side")
    planes = max(packed[HCOMPRESS_HEADER - 3 : HCOMPRESS_HEADER])
    demand(planes <= MOST_PLANES, "a transformed tile must have a sensible number of planes")
    return (planes + 4) * (math.prod(told) // 8 + sum(told) + 8)


def file_of(header: bytes, tiles: Tiles) -> bytes:
    """A FITS file of the one table, for astropy."""
    primary = "".join(
        f"{keyword:<8}= {value:>20}".ljust(CARD_LENGTH)
        for keyword, value in (("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", "T"))
    )
    first = (primary + "END").encode().ljust(BLOCK)
    lines = [header[start : start + CARD_LENGTH] for start in range(0, len(header), CARD_LENGTH)]
    size = f"PCOUNT  = {len(tiles.heap):>20}".ljust(CARD_LENGTH).encode()
    lines = [size if line.startswith(b"PCOUNT  =") else line for line in lines]
    kept = b"".join(line for line in lines if not line.startswith(b"THEAP   ="))
    kept += b" " * (-len(kept) % BLOCK)
    data = tiles.rows.tobytes() + tiles.heap
    return first + kept + data + bytes(-len(data) % BLOCK)


def demand(holds: bool, rule: str) -> None:
    """Refuse the table unless a rule holds."""
    if not holds:
        raise unsound(rule)


def unsound(rule: str) -> GalaxyError:
    """The error for a table of tiles that breaks a rule."""
    return GalaxyError(f"the file must be a sound FITS file; of a compressed image, {rule}")
