"""What a table says of each galaxy: as numbers, and in the units that gampen works in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError

UNITS = {
    "ra": "deg",
    "dec": "deg",
    "psf_fwhm_arcsec": "arcsec",
    "psf_concentration": "",
    "zero_point": "mag",
    "pixel_scale_arcsec": "arcsec",
}
"""The columns that `read_cutouts` heeds, and their units; a column without a unit has these."""

EQUAL = {
    "deg": ("deg", "degree", "degrees"),
    "arcsec": ("arcsec", "arcsecond", "arcseconds", "arcsec/pix", "arcsec/pixel", "arcsec pix-1"),
    "mag": ("mag", "mag(ab)", "abmag", "ab mag", "magnitude"),
    "": ("dimensionless",),
}
"""Other ways to write a unit, in small letters."""

EMPTY = ("", "nan", "none", "null", "na", "n/a", "--")
LONGEST_QUOTE = 40


def in_our_units(catalog: Catalog) -> Catalog:
    """The catalogue with what it says of each galaxy as numbers in gampen's units.

    `UsageError` for a column of text, and for a unit that cannot be converted.
    """
    return catalog.with_columns(
        converted(column, UNITS[column.name]) for column in catalog if column.name in UNITS
    )


def converted(column: Column, unit: str) -> Column:
    """A column as numbers in a unit."""
    values = numbers_of(column)
    if column.unit.strip() in ("", unit) or column.unit.strip().lower() in EQUAL.get(unit, ()):
        return replace(column, values=values, unit=unit)
    return replace(column, values=values * factor(column, unit), unit=unit)


def factor(column: Column, unit: str) -> float:
    """What a column's values are multiplied with to be in a unit; `UsageError` where nothing is."""
    from astropy import units  # it takes as long to load as a small run

    try:
        # A pixel scale may be written with or without its "per pixel".
        given = units.Unit(column.unit)
        per_pixel = column.name.startswith("pixel_scale")
        wanted = units.Unit(unit)
        if per_pixel and given.is_equivalent(wanted / units.pix):
            wanted = wanted / units.pix
        return float(given.to(wanted))
    except (TypeError, ValueError):
        raise UsageError(
            f"column {column.name!r} must be in {unit or 'no unit'}, or in a unit that can be "
            f"converted; got {column.unit[:LONGEST_QUOTE]!r}"
        ) from None


def numbers_of(column: Column) -> Float64[np.ndarray, " galaxy"]:
    """A column as one number a galaxy, NaN where empty; `UsageError` for anything else."""
    if column.values.ndim != 1:
        raise UsageError(f"column {column.name!r} must hold one number a galaxy; it holds several")
    if not column.is_text:
        return column.numbers()
    found = np.full(len(column), np.nan)
    for row, cell in enumerate(column.text()):
        if cell.strip().lower() in EMPTY:
            continue
        try:
            found[row] = float(cell)
        except ValueError:
            raise UsageError(
                f"column {column.name!r} must hold numbers; row {row + 1} holds "
                f"{cell[:LONGEST_QUOTE]!r}"
            ) from None
    return found
