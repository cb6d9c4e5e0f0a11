"""Plain CSV: values only, every vector spread over columns `name_0`, `name_1`, ..."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.streams import Stream

EMPTY = ("", "nan", "NaN", "NA", "N/A", "null", "NULL", "None")


def read_csv(path: Path) -> Catalog:
    """The catalogue in a CSV file; numbers become numbers where a whole column of them is exact."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        raise UsageError(f"{path} must hold a line of column names; it is empty")
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise UsageError(
                f"{path}: row {number} must have {len(names)} cells; it has {len(row)}"
            )
    cells = zip(*rows[1:], strict=True) if len(rows) > 1 else ((),) * len(names)
    pairs = zip(names, cells, strict=True)
    # An index that pandas wrote without a name says nothing about the galaxies.
    return Catalog(tuple(Column(name, parse_cells(column)) for name, column in pairs if name))


def parse_cells(cells: tuple[str, ...]) -> Shaped[np.ndarray, " galaxy"]:
    """The cells as whole numbers, real numbers or truth values, and else as text.

    Numbers that would change when written again, such as ids with leading zeros, stay text.
    """
    stripped = np.array([cell.strip() for cell in cells], dtype=str)
    if stripped.size and np.isin(stripped, ("True", "False")).all():
        return np.asarray(stripped == "True")
    try:
        whole = stripped.astype(np.int64)
    except (ValueError, OverflowError):
        return parse_reals(stripped)
    return whole if (whole.astype(str) == stripped).all() else stripped


def parse_reals(stripped: Shaped[np.ndarray, " galaxy"]) -> Shaped[np.ndarray, " galaxy"]:
    """The cells as float64, NaN where empty, and else, or where all are empty, as text."""
    empty = np.isin(stripped, EMPTY)
    long = np.char.isdigit(stripped) & (np.char.str_len(stripped) > 15)
    padded = np.char.isdigit(stripped) & np.char.startswith(stripped, "0") & (stripped != "0")
    if long.any() or padded.any() or not np.char.str_len(stripped).any():
        return stripped
    try:
        return np.where(empty, "nan", stripped).astype(np.float64)
    except ValueError:
        return stripped


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
