"""VOTable and ECSV: astronomy's tables as text, made in memory."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io.votable import from_table, parse
from astropy.io.votable.tree import Info
from astropy.table import Column as AstropyColumn
from astropy.table import MaskedColumn, Table

from gampen.catalog import Catalog, Column
from gampen.storage.portable import Values, escaped, portable, unescaped
from gampen.storage.streams import Stream


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


def write_votable(stream: Stream, path: Path) -> None:
    """Write a VOTable; metadata as INFO elements."""
    catalog = stream.whole()
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


def write_ecsv(stream: Stream, path: Path) -> None:
    """Write an ECSV file: CSV under a header that keeps units, descriptions and metadata."""
    catalog = stream.whole()
    if not len(catalog):
        # Astropy cannot read vectors of no galaxies back.
        flat = [replace(column, values=column.values.reshape(0)) for column in catalog]
        catalog = catalog.with_columns(flat)
    to_table(catalog).write(path, format="ascii.ecsv")


def read_ecsv(path: Path) -> Catalog:
    """The catalogue in an ECSV file."""
    table = Table.read(path, format="ascii.ecsv")
    return from_astropy(table, {str(key): str(value) for key, value in table.meta.items()})
