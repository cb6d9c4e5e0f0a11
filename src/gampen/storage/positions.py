"""Positions in a table of any survey: columns of right ascension and declination [deg]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError

DEGREES = ("", "deg", "degree", "degrees")

Positions = Float64[np.ndarray, " galaxy"]


def position_columns(catalog: Catalog, path: Path) -> tuple[Positions, Positions]:
    """Right ascension and declination [deg] of a table's rows, NaN where there are none.

    Capitals do not matter in `ra` and `dec`. `UsageError` where a column is missing or in a unit
    other than degrees.
    """
    ra, dec = (_degrees(catalog, name, path) for name in ("ra", "dec"))
    return ra, dec


def _degrees(catalog: Catalog, name: str, path: Path) -> Positions:
    column = column_of(catalog, name)
    if column is None:
        raise UsageError(
            f"{path} must have columns 'ra' and 'dec' [deg]; it has {', '.join(catalog.names)}"
        )
    if column.unit.lower() not in DEGREES:
        raise UsageError(f"{path}: {column.name} must be in deg; it is in {column.unit!r}")
    values = column.numbers()
    if values.ndim != 1:
        raise UsageError(f"{path}: {column.name} must hold one number a row; it holds vectors")
    return values


def column_of(catalog: Catalog, name: str) -> Column | None:
    """The column of a name, or the only one whose name differs from it in capitals alone."""
    if name in catalog:
        return catalog[name]
    alike = [column for column in catalog if column.name.lower() == name]
    return alike[0] if len(alike) == 1 else None
