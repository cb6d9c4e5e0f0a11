"""FITS binary tables, written part by part: a catalogue of any length takes the same memory."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from astropy.io import fits
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.hdus import BLOCK
from gampen.storage.portable import LETTERS, Values, escaped, portable, unescaped
from gampen.storage.streams import Stream

MOST_FIELDS = 999
LDAC_HEADER = "LDAC_IMHEAD"  # in SExtractor's FITS_LDAC, before the table of objects
HEADERS = 2**20
"""[byte] Of a file, in which the header of its table is."""


def write_fits_table(stream: Stream, path: Path) -> None:
    """Write a FITS binary table with TUNIT, TUCD and TCOMM cards; metadata as MKEYn and MVALn.

    The parts of a stream give the bytes of its catalogue in one piece. A first pass finds the types
    and the widths of texts, which the header must tell.
    """
    stream = stream.map(ascii_column)
    model, galaxies = stream.survey()
    heads = headers(Catalog(model.columns, stream.metadata), galaxies)
    kind = record(model)
    with path.open("wb") as file:
        for head in heads:
            file.write(head.tostring().encode("ascii"))
        for part in stream.alike(model):
            file.write(records(part, kind).tobytes())
        file.write(bytes(-galaxies * kind.itemsize % BLOCK))


def ascii_column(column: Column) -> Column:
    """A column in a type that FITS has; letters outside of ASCII are escaped."""
    values = portable(column)
    if values.dtype.kind == "U":
        values = np.char.encode(values, "ascii", "backslashreplace")
    return Column(column.name, values, column.unit, column.ucd, column.description)


def headers(model: Catalog, galaxies: int) -> tuple[fits.Header, fits.Header]:
    """The headers of the empty primary HDU and of a table of the model's columns and metadata."""
    columns = [fits.Column(column.name, form(column), unit=column.unit or None) for column in model]
    hdu = fits.BinTableHDU.from_columns(columns, nrows=0, name="CATALOG")
    hdu.header["NAXIS2"] = galaxies
    for number, column in enumerate(model, start=1):
        for card, text in (("TUCD", column.ucd), ("TCOMM", column.description)):
            if text:
                hdu.header[f"{card}{number}"] = text
    for number, key in enumerate(sorted(model.metadata), start=1):
        hdu.header[f"MKEY{number}"] = key
        hdu.header[f"MVAL{number}"] = escaped(model.metadata[key])
    hdus = fits.HDUList([fits.PrimaryHDU(), hdu])
    hdus.update_extend()
    return hdus[0].header, hdus[1].header


def form(column: Column) -> str:
    """The TFORM of a column."""
    kind = column.values.dtype
    if kind.kind == "S":
        return f"{max(kind.itemsize, 1)}A"
    return f"{entries(column)}{LETTERS[kind.str[1:]]}"


def entries(column: Column) -> int:
    """The number of values that a column holds of each galaxy."""
    return int(column.values.shape[1]) if column.values.ndim == 2 else 1


def record(model: Catalog) -> np.dtype[np.void]:
    """The type of a row of the table: big-endian numbers, letters for truth values."""
    fields = [
        (f"column{number}", cell(column), (entries(column),))
        for number, column in enumerate(model, start=1)
    ]
    return np.dtype(fields)


def cell(column: Column) -> str:
    """The type of one value in the table."""
    kind = column.values.dtype
    if kind.kind == "b":
        return "S1"
    return f"S{max(kind.itemsize, 1)}" if kind.kind == "S" else kind.newbyteorder(">").str


def records(part: Catalog, kind: np.dtype[np.void]) -> Shaped[np.ndarray, " galaxy"]:
    """The rows of a part of the table."""
    rows = np.zeros(len(part), dtype=kind)
    for column, name in zip(part, kind.names or (), strict=True):
        values = column.values.reshape(len(part), entries(column))
        rows[name] = np.where(values, b"T", b"F") if values.dtype.kind == "b" else values
    return rows


def read_fits_table(path: Path) -> Catalog:
    """The catalogue in the first binary table of a FITS file; not the image's header of an LDAC."""
    check_fields(path)
    with fits.open(path, memmap=False) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        tables = [table for table in tables if table.name != LDAC_HEADER] or tables
        if not tables:
            raise UsageError(f"{path} must hold a binary table; it has none")
        header, definition, data = tables[0].header, tables[0].columns, tables[0].data
        columns = []
        for number, column in enumerate(definition, start=1):
            ucd, comment = (str(header.get(f"{card}{number}", "")) for card in ("TUCD", "TCOMM"))
            values = from_field(data.field(column.name), column.null)
            columns.append(Column(column.name, values, column.unit or "", ucd, comment))
    count = sum(1 for keyword in header if keyword.startswith("MKEY"))
    pairs = [(header[f"MKEY{n}"], header[f"MVAL{n}"]) for n in range(1, count + 1)]
    return Catalog(tuple(columns), {str(k): unescaped(str(v)) for k, v in pairs})


def check_fields(path: Path) -> None:
    """Refuse more columns or axes than FITS allows: astropy counts up to whatever is claimed."""
    with path.open("rb") as file:
        told = re.findall(rb"(?:TFIELDS |NAXIS   )= *([^ /]*)", file.read(HEADERS))
    if any(not count.isdigit() or int(count[:9]) > MOST_FIELDS for count in told):
        raise UsageError(
            f"{path} must have at most {MOST_FIELDS} columns and axes; TFIELDS or NAXIS says "
            f"otherwise"
        )


def from_field(field: Values, null: int | None) -> Values:
    """The values of a FITS field in this machine's byte order, NaN where an integer is null."""
    values = np.asarray(field)
    if values.dtype.kind == "O":
        return np.array([str(value) for value in values])
    if values.dtype.kind == "S":
        return np.char.rstrip(values.astype(str))
    if values.dtype.kind == "U":
        return np.char.rstrip(values)
    if null is not None and values.dtype.kind in "iu":
        return np.where(values == null, np.nan, values)
    native = values.astype(values.dtype.newbyteorder("="))
    return native.reshape(len(native), -1) if native.ndim > 2 else native
