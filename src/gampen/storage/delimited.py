"""Plain CSV: values only, every vector spread over columns `name_0`, `name_1`, ..."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.streams import Stream

EMPTY = (b"", b"nan", b"NaN", b"NA", b"N/A", b"null", b"NULL", b"None")
ROWS_AT_ONCE = 4096
WIDEST = 64
"""[letter] Of cells that are kept at one width."""

Cells = Shaped[np.ndarray, " galaxy"]
Block = dict[int, Shaped[np.ndarray, "..."]]


def read_csv(path: Path) -> Catalog:
    """The catalogue in a CSV file; numbers become numbers where a whole column of them is exact."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names, blocks = read_blocks(file, path)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} must be UTF-8 text; it holds the byte {error.object[error.start]:#x}: save it "
            f"as CSV in UTF-8"
        ) from None
    # An index that pandas wrote without a name says nothing about the galaxies.
    kept = [number for number, name in enumerate(names) if name]
    columns = []
    for number in kept:
        cells = [block.pop(number) for block in blocks]  # no block is kept longer than needed
        columns.append(Column(names[number], parse_cells(joined(cells))))
    return Catalog(tuple(columns))


def read_blocks(file: TextIO, path: Path) -> tuple[list[str], list[Block]]:
    """The names of the columns, and the cells of each block of rows, by column."""
    rows = (row for row in csv.reader(file) if row)
    first = next(rows, None)
    if first is None:
        raise UsageError(f"{path} must hold a line of column names; it is empty")
    names = [name.strip() for name in first]
    blocks, before = [], 2
    while block := list(islice(rows, ROWS_AT_ONCE)):
        check_widths(block, len(names), before, path)
        before += len(block)
        blocks.append(dict(enumerate(map(compact, zip(*block, strict=True)))))
    return names, blocks or [{column: compact(()) for column in range(len(names))}]


def check_widths(block: list[list[str]], width: int, before: int, path: Path) -> None:
    """Refuse rows with more or fewer cells than there are columns."""
    for number, row in enumerate(block, start=before):
        if len(row) != width:
            raise UsageError(f"{path}: row {number} must have {width} cells; it has {len(row)}")


def compact(cells: Sequence[str]) -> Cells:
    """Cells as bytes of one width where they are short ASCII, as numbers are, and else as objects.

    A million names take a quarter of the room that text of one width would need, and one endless
    cell does not lengthen all the others.
    """
    stripped = [cell.strip() for cell in cells]
    longest = max(map(len, stripped), default=0)
    if longest > WIDEST or not all(map(str.isascii, stripped)):
        return np.array(stripped, dtype=object)
    return np.array(stripped, dtype=f"S{max(longest, 1)}")


def joined(blocks: list[Shaped[np.ndarray, ...]]) -> Cells:
    """The cells of all blocks of a column, one after the other."""
    if any(block.dtype.kind == "O" for block in blocks):
        return np.concatenate([as_text(block).astype(object) for block in blocks])
    return np.concatenate(blocks)


def as_text(cells: Cells) -> Shaped[np.ndarray, " galaxy"]:
    """Cells as text."""
    return cells if cells.dtype.kind == "O" else np.char.decode(cells, "ascii")


def parse_cells(cells: Cells) -> Shaped[np.ndarray, " galaxy"]:
    """The cells as whole numbers, real numbers or truth values, and else as text.

    Numbers that would change when written again, such as ids with leading zeros, stay text.
    """
    if cells.dtype.kind == "O":
        return cells
    if cells.size and np.isin(cells, (b"True", b"False")).all():
        return np.asarray(cells == b"True")
    try:
        whole = cells.astype(np.int64)
    except (ValueError, OverflowError):
        return parse_reals(cells)
    return whole if (whole.astype("S20") == cells).all() else as_text(cells)


def parse_reals(cells: Cells) -> Shaped[np.ndarray, " galaxy"]:
    """The cells as float64, NaN where empty, and else, or where all are empty, as text."""
    digits = np.char.isdigit(cells)
    long = digits & (np.char.str_len(cells) > 15)
    padded = digits & np.char.startswith(cells, b"0") & (cells != b"0")
    if long.any() or padded.any() or not np.char.str_len(cells).any():
        return as_text(cells)
    try:
        return np.where(np.isin(cells, EMPTY), b"nan", cells).astype(np.float64)
    except ValueError:
        return as_text(cells)


def write_csv(stream: Stream, path: Path) -> None:
    """Write a stream as CSV; units, descriptions and metadata are left behind.

    A first pass finds the types: whole numbers are written as real where others of them are real.
    """
    model, _ = stream.survey()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for wide in model for column in spread(wide)])
        for part in stream.alike(model):
            columns = [column.text() for wide in part for column in spread(wide)]
            writer.writerows(zip(*columns, strict=True))


def spread(column: Column) -> Iterator[Column]:
    """A column itself, or one column for each entry of its vectors."""
    if column.values.ndim == 1:
        yield column
        return
    for entry in range(column.values.shape[1]):
        yield Column(f"{column.name}_{entry}", column.values[:, entry])
