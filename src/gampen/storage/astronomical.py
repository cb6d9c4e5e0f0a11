"""FITS tables, VOTable and ECSV: the formats of astronomy's own tools."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.votable import from_table, parse
from astropy.io.votable.tree import Info
from astropy.table import Column as AstropyColumn
from astropy.table import MaskedColumn, Table
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError

LETTERS = {"b1": "L", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
WIDER = {"i1": "i2", "u1": "i2", "u2": "i4", "u4": "i8", "f2": "f4"}
"""Types that not every one of these formats has, and those that hold their values."""

Values = Shaped[np.ndarray, "galaxy ..."]


def portable(column: Column) -> Values:
    """A column's values in a type that all of these formats have."""
    if column.is_text:
        return np.array(column.text(), dtype=str)
    values = column.values.astype(column.values.dtype.newbyteorder("="))
    wider = WIDER.get(values.dtype.str[1:])
    if wider is None and values.dtype.str[1:] not in LETTERS:
        raise UsageError(f"{column.name}: values must be numbers or text; got {values.dtype}")
    return values.astype(wider) if wider else values


def write_fits_table(catalog: Catalog, path: Path) -> None:
    """Write a FITS binary table with TUNIT, TUCD and TCOMM cards; metadata as MKEYn and MVALn."""
    hdu = fits.BinTableHDU.from_columns([fits_column(column) for column in catalog], name="CATALOG")
    for number, column in enumerate(catalog, start=1):
        for card, text in (("TUCD", column.ucd), ("TCOMM", column.description)):
            if text:
                hdu.header[f"{card}{number}"] = text
    for number, key in enumerate(sorted(catalog.metadata), start=1):
        hdu.header[f"MKEY{number}"] = key
        hdu.header[f"MVAL{number}"] = escaped(catalog.metadata[key])
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def fits_column(column: Column) -> fits.Column:
    """The FITS column of a column."""
    values = portable(column)
    repeat = values.shape[1] if values.ndim == 2 else 1
    if values.dtype.kind == "U":
        values = np.char.encode(values, "ascii", "backslashreplace").astype(str)
        width = max(values.dtype.itemsize // 4, 1)
        form = f"{width * repeat}A" if repeat == 1 else f"{width * repeat}A{width}"
    else:
        form = f"{repeat}{LETTERS[values.dtype.str[1:]]}"
    return fits.Column(column.name, form, unit=column.unit or None, array=values)


def escaped(text: str) -> str:
    """Text as a header can hold it: itself, or JSON where it is not plain ASCII."""
    plain = text.isascii() and text.isprintable() and text == text.rstrip() and text[:1] != '"'
    return text if plain else json.dumps(text)


def read_fits_table(path: Path) -> Catalog:
    """The catalogue in the first binary table of a FITS file."""
    with fits.open(path, memmap=False) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
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


def unescaped(text: str) -> str:
    """The text that `escaped` took."""
    return str(json.loads(text)) if text.startswith('"') else text


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


def to_table(catalog: Catalog) -> Table:
    """The astropy table of a catalogue."""
    columns = [
        AstropyColumn(
            portable(column),
            name=column.name,
            unit=column.unit or None,
            description=column.description or None,
            meta={"ucd": column.ucd} if column.ucd else {},
        )
        for column in catalog
    ]
    return Table(columns, meta={key: catalog.metadata[key] for key in sorted(catalog.metadata)})


def from_astropy(table: Table, metadata: Mapping[str, str]) -> Catalog:
    """The catalogue of an astropy table."""
    columns = tuple(
        Column(
            name,
            from_masked(table[name]),
            "" if table[name].unit is None else str(table[name].unit),
            str(table[name].meta.get("ucd", "")),
            table[name].description or "",
        )
        for name in table.colnames
    )
    return Catalog(columns, metadata)


def from_masked(column: AstropyColumn) -> Values:
    """The values of an astropy column, NaN or empty where masked."""
    values: Values = np.asarray(column)
    if values.dtype.kind == "O":
        values = np.array(["" if value is None else str(value) for value in values])
    if values.dtype.kind == "S":
        values = values.astype(str)
    if not isinstance(column, MaskedColumn) or not np.any(column.mask):
        return values
    if values.dtype.kind == "U":
        return np.where(column.mask, "", values)
    return np.where(column.mask, np.nan, values)


def write_votable(catalog: Catalog, path: Path) -> None:
    """Write a VOTable; metadata as INFO elements."""
    with warnings.catch_warnings():
        # A unit outside of VOUnit is the user's to choose and is written as it is.
        warnings.simplefilter("ignore")
        file = from_table(to_table(Catalog(catalog.columns)))
        infos = file.resources[0].infos
        for key in sorted(catalog.metadata):
            infos.append(Info(name=key, value=escaped(catalog.metadata[key])))
        file.to_xml(str(path))


def read_votable(path: Path) -> Catalog:
    """The catalogue in the first table of a VOTable file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = parse(str(path))
        table = file.get_first_table().to_table(use_names_over_ids=True)
    infos = [info for resource in file.resources for info in resource.infos]
    return from_astropy(table, {info.name: unescaped(str(info.value)) for info in infos})


def write_ecsv(catalog: Catalog, path: Path) -> None:
    """Write an ECSV file: CSV under a header that keeps units, descriptions and metadata."""
    if not len(catalog):
        # Astropy cannot read vectors of no galaxies back.
        flat = [replace(column, values=column.values.reshape(0)) for column in catalog]
        catalog = catalog.with_columns(flat)
    to_table(catalog).write(path, format="ascii.ecsv")


def read_ecsv(path: Path) -> Catalog:
    """The catalogue in an ECSV file."""
    table = Table.read(path, format="ascii.ecsv")
    return from_astropy(table, {str(key): str(value) for key, value in table.meta.items()})
