"""Coverage where it may hide: in bins of what is known of a galaxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from gampen.calibration.coverage import LEVELS, coverage

BINS = 10
MOST_CATEGORIES = 20
OTHERS, UNNAMED = "all others", "(empty)"
LEVEL = LEVELS[0]

Part = Int64[np.ndarray, " member"]


@dataclass(frozen=True, eq=False)
class BinnedCoverage:
    """The coverage of each parameter at 68.27 % in bins of one column.

    Of numbers in bins of equal count: `middle` is the median of the column in each bin. Of text in
    its categories, the most frequent first: `middle` is their place. `count` is the number of
    galaxies in a bin, `known` that of those whose parameter is known. The column must be known
    without the truth (an observed quantity, a posterior median): among galaxies chosen by their
    truth no posterior covers its level.
    """

    labels: tuple[str, ...]
    middle: Float64[np.ndarray, " bin"]
    count: Int64[np.ndarray, " bin"]
    known: Int64[np.ndarray, "parameter bin"]
    covered: Float64[np.ndarray, "parameter bin"]
    categorical: bool = False

    @classmethod
    def of(
        cls, ranks: Float64[np.ndarray, "galaxy parameter"], column: Shaped[np.ndarray, " galaxy"]
    ) -> BinnedCoverage:
        """The coverage of ranks in ten bins, or as many as galaxies where these are fewer.

        Galaxies without a finite value in the column are left out; ranks that are NaN do not count.
        Of more than twenty categories the rarest are one.
        """
        categorical = column.dtype.kind in "USO"
        if categorical:
            parts = dict(_categories(column.astype(str)))
            labels, middle = tuple(parts), np.arange(float(len(parts)))
            members = list(parts.values())
        else:
            members = _equal_parts(column)
            middle = np.array([np.median(column[part]) for part in members])
            labels = tuple(f"{value:.4g}" for value in middle)
        found = [coverage(ranks[part], np.array([LEVEL]))[:, 0] for part in members]
        return cls(
            labels=labels,
            middle=middle,
            count=np.array([len(part) for part in members]),
            known=np.stack([np.isfinite(ranks[part]).sum(axis=0) for part in members], axis=1),
            covered=np.stack(found, axis=1),
            categorical=categorical,
        )

    @property
    def deviation(self) -> Float64[np.ndarray, "parameter bin"]:
        """Coverage less its level; NaN where nothing is known."""
        return self.covered - LEVEL

    @property
    def rms(self) -> Float64[np.ndarray, " parameter"]:
        """The root mean square of each parameter's deviations, bins counting by what is known."""
        square = np.nan_to_num(np.square(self.deviation)) * self.known
        found: np.ndarray = np.sqrt(square.sum(axis=1) / self.known.sum(axis=1).clip(1))
        return found

    @property
    def noise(self) -> Float64[np.ndarray, "parameter bin"]:
        """The standard error of a perfect posterior's coverage in each bin, of the binomial."""
        found: np.ndarray = np.sqrt(LEVEL * (1 - LEVEL) / self.known.clip(1))
        return found


def _equal_parts(column: Float64[np.ndarray, " galaxy"]) -> list[Part]:
    """The galaxies of each bin of equal count, in ascending order of the column."""
    known = np.flatnonzero(np.isfinite(column))
    order = known[np.argsort(column[known], kind="stable")]
    return np.array_split(order, max(1, min(BINS, len(order))))


def _categories(column: Shaped[np.ndarray, " galaxy"]) -> Iterator[tuple[str, Part]]:
    """The galaxies of each category, the most frequent first and the rarest together."""
    names, place, count = np.unique(column, return_inverse=True, return_counts=True)
    order = np.argsort(-count, kind="stable")
    most = len(order) if len(order) <= MOST_CATEGORIES else MOST_CATEGORIES - 1
    for category in order[:most]:
        yield str(names[category]) or UNNAMED, np.flatnonzero(place == category)
    if most < len(order):
        yield OTHERS, np.flatnonzero(np.isin(place, order[most:]))
