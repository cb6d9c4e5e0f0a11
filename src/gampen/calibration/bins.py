"""Coverage where it may hide: in bins of what is known of a galaxy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from gampen.calibration.coverage import LEVELS, coverage

BINS = 10
LEVEL = LEVELS[0]


@dataclass(frozen=True, eq=False)
class BinnedCoverage:
    """The coverage of each parameter at 68.27 % in bins of equal count of one column.

    `middle` is the median of the column in each bin, `count` the number of galaxies in it. The
    column must be known without the truth (an observed quantity, a posterior median): among
    galaxies chosen by their truth no posterior covers its level.
    """

    middle: Float64[np.ndarray, " bin"]
    count: Int64[np.ndarray, " bin"]
    covered: Float64[np.ndarray, "parameter bin"]

    @classmethod
    def of(
        cls,
        ranks: Float64[np.ndarray, "galaxy parameter"],
        column: Float64[np.ndarray, " galaxy"],
    ) -> BinnedCoverage:
        """The coverage of ranks in ten bins, or as many as galaxies where these are fewer.

        Galaxies without a finite value in the column are left out.
        """
        known = np.flatnonzero(np.isfinite(column))
        order = known[np.argsort(column[known], kind="stable")]
        parts = np.array_split(order, max(1, min(BINS, len(order))))
        found = [coverage(ranks[part], np.array([LEVEL]))[:, 0] for part in parts]
        return cls(
            middle=np.array([np.median(column[part]) for part in parts]),
            count=np.array([len(part) for part in parts]),
            covered=np.stack(found, axis=1),
        )

    @property
    def deviation(self) -> Float64[np.ndarray, "parameter bin"]:
        """Coverage less its level."""
        return self.covered - LEVEL

    @property
    def rms(self) -> Float64[np.ndarray, " parameter"]:
        """The root mean square of each parameter's deviations."""
        found: np.ndarray = np.sqrt(np.square(self.deviation).mean(axis=1))
        return found

    @property
    def noise(self) -> Float64[np.ndarray, " bin"]:
        """The standard error of a perfect posterior's coverage in each bin, of the binomial."""
        found: np.ndarray = np.sqrt(LEVEL * (1 - LEVEL) / self.count)
        return found
