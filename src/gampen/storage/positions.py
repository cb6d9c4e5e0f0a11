"""Positions in the table of any survey: columns of right ascension and declination [deg]."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.facts import in_our_units

POSITION = ("ra", "dec")
PAIRS = (
    POSITION,
    ("alphawin_j2000", "deltawin_j2000"),
    ("alpha_j2000", "delta_j2000"),
    ("raj2000", "dej2000"),
    ("ra_icrs", "de_icrs"),
)
"""What columns of a position are called: here, in tables of SExtractor, and in those of VizieR."""


def positioned(catalog: Catalog, path: Path) -> Catalog:
    """The catalogue of a file with `ra` and `dec` as its first columns, facts in gampen's units.

    Capitals do not matter in these two names, and the first of `PAIRS` is taken. `UsageError` where
    one of them is missing, and for a column that is no number or in a unit that cannot be
    converted.
    """
    pairs = [[column_of(catalog, name) for name in pair] for pair in PAIRS]
    found = next((pair for pair in pairs if None not in pair), pairs[0])
    first = [replace(c, name=n) for c, n in zip(found, POSITION, strict=True) if c is not None]
    if len(first) < len(POSITION):
        names = ", ".join(catalog.names)
        raise UsageError(f"{path} must have columns 'ra' and 'dec' [deg]; it has {names}")
    taken = {column.name for column in found if column is not None}
    others = [column for column in catalog if column.name not in taken]
    return in_our_units(Catalog((*first, *others), catalog.metadata))


def column_of(catalog: Catalog, name: str) -> Column | None:
    """The column of a name, or the only one whose name differs from it in capitals alone."""
    if name in catalog:
        return catalog[name]
    alike = [column for column in catalog if column.name.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None
