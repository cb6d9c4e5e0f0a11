"""How large cutouts are: a number of pixels or arcsec, or so many times a column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float64

from gampen.catalog import Catalog, Column
from gampen.errors import GalaxyError, UsageError
from gampen.pixels import LARGEST_SIDE, SMALLEST_SIDE
from gampen.storage.positions import column_of

SLACK = 1e-6
"""[pixel] by which a side may exceed whole pixels: what arithmetic leaves over."""


class Unit(Enum):
    """What a size counts."""

    PIXEL = "pixel"
    ARCSEC = "arcsec"


UNITS_OF_COLUMNS = {
    **dict.fromkeys(("pix", "pixel", "pixels"), (Unit.PIXEL, 1.0)),
    **dict.fromkeys(("", "arcsec", "arcsecond", "arcseconds"), (Unit.ARCSEC, 1.0)),
    **dict.fromkeys(("arcmin", "arcminute", "arcminutes"), (Unit.ARCSEC, 60.0)),
    **dict.fromkeys(("deg", "degree", "degrees"), (Unit.ARCSEC, 3600.0)),
}


@dataclass(frozen=True)
class Size:
    """The side of square cutouts: `times` a column's value, or `times` alone.

    In `unit`; without one, in that of the column, or in pixels where there is no column either. A
    side becomes whole pixels, and is rounded up. Of a column, in whose name capitals do not matter,
    sides shorter than `least` [pixel] become that long: cutouts must show some sky.
    """

    times: float = 128
    unit: Unit | None = None
    column: str | None = None
    least: int = 64

    def __post_init__(self) -> None:
        """Refuse sizes that no cutout has."""
        if not 0 < self.times < math.inf:
            raise UsageError(f"size must be a positive number; got {self.times}")
        if not SMALLEST_SIDE <= self.least <= LARGEST_SIDE:
            raise UsageError(
                f"the least size must be from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels; "
                f"got {self.least}"
            )
        if self.column is None and self.unit is not Unit.ARCSEC:
            try:
                whole_side(self.times)
            except GalaxyError as error:
                raise UsageError(str(error)) from None

    def of(self, catalog: Catalog) -> tuple[Float64[np.ndarray, " galaxy"], Unit]:
        """Each galaxy's side and the unit it is in; `UsageError` for a column that tells none."""
        if self.column is None:
            return np.full(len(catalog), float(self.times)), self.unit or Unit.PIXEL
        column = column_of(catalog, self.column) or catalog[self.column]
        unit, factor = self._unit_of(column)
        values = column.numbers()
        if values.ndim != 1:
            raise UsageError(f"{column.name} must hold one number a galaxy; it holds vectors")
        return self.times * factor * values, unit

    def _unit_of(self, column: Column) -> tuple[Unit, float]:
        told = UNITS_OF_COLUMNS.get(column.unit.lower())
        if self.unit is None and told is None:
            raise UsageError(
                f"{column.name} must be in pixels or arcsec; it is in {column.unit!r}: "
                "say --arcsec or --pixels"
            )
        if self.unit is None or (told is not None and column.unit and told[0] is self.unit):
            return told or (Unit.ARCSEC, 1.0)
        if told is not None and column.unit:
            raise UsageError(
                f"{column.name} must be in the unit that is asked for; it is in {column.unit!r} "
                f"and cannot be taken in {self.unit.value}"
            )
        return self.unit, 1.0

    def side(self, asked: float, unit: Unit, scale: float | None) -> int:
        """The side [pixel] of what was asked for, in pixels of a scale [arcsec].

        `GalaxyError` where there is no such side.
        """
        if unit is Unit.ARCSEC and scale is None:
            raise GalaxyError("the pixel scale must be known for a size in arcsec; it is not")
        pixels = asked / scale if unit is Unit.ARCSEC and scale is not None else asked
        if self.column is None:
            return whole_side(pixels)
        if not 0 < pixels < math.inf:
            raise GalaxyError(f"{self.column} must be a positive number; it tells no size")
        return whole_side(max(pixels, self.least))


def whole_side(pixels: float) -> int:
    """A side in whole pixels, rounded up; `GalaxyError` for one that no cutout has."""
    side = math.ceil(pixels - SLACK) if math.isfinite(pixels) else 0
    if not SMALLEST_SIDE <= side <= LARGEST_SIDE:
        raise GalaxyError(
            f"a cutout's side must be from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels; got {pixels:g}"
        )
    return side
