"""Settings of populations: galaxies of a catalogue, and histograms, in place of a prior's own laws.

Both are cut off at the prior's ranges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from gampen.errors import UsageError

WHOLE = ("magnitude", "effective_radius")
PROFILE = ("index", "axis_ratio")
PARTS = (
    "bulge_to_total",
    "bulge_index",
    "disk_index",
    "radius_ratio",
    "bulge_axis_ratio",
    "disk_axis_ratio",
)
QUANTITIES = (*WHOLE, *PARTS, *PROFILE)
"""What a catalogue or a histogram may be of."""

LOGARITHMIC = ("effective_radius", "radius_ratio")
"""Those that are drawn and smoothed in their logarithm."""


@dataclass(frozen=True)
class CatalogueSettings:
    """A table of galaxies whose values are drawn together, and the columns that hold them.

    Where no column is named, those are taken that are called like the quantities.
    """

    file: Path  # CSV, Parquet, FITS, ECSV or VOTable, relative to the run file
    smoothing: float = 0.0  # in Scott's bandwidths of a normal kernel; nought: rows as they are
    weight: str = ""  # the column of weights, if rows are not equally likely
    magnitude: str = ""  # [mag]
    effective_radius: str = ""  # [arcsec]
    bulge_to_total: str = ""  # of the flux
    bulge_index: str = ""  # of Sersic
    disk_index: str = ""  # of Sersic
    radius_ratio: str = ""  # effective radius of bulge over disk
    bulge_axis_ratio: str = ""  # minor over major
    disk_axis_ratio: str = ""  # minor over major
    index: str = ""  # of a single profile
    axis_ratio: str = ""  # of a single profile

    def __post_init__(self) -> None:
        """Refuse kernels of no width that can be."""
        if not 0 <= self.smoothing < math.inf:
            raise UsageError(f"catalogue: smoothing must be at least 0; got {self.smoothing}")

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are named, by their quantities."""
        named = {quantity: getattr(self, quantity) for quantity in QUANTITIES}
        return {quantity: name for quantity, name in named.items() if name}


@dataclass(frozen=True)
class HistogramSettings:
    """How many galaxies there are in bins of a quantity: evenly inside each, of radii in ln."""

    quantity: str  # by its name in the prior
    edges: tuple[float, ...]  # rising
    counts: tuple[float, ...]  # one fewer than edges

    def __post_init__(self) -> None:
        """Refuse quantities that are not drawn, and bins that are none."""
        if self.quantity not in QUANTITIES:
            raise UsageError(
                f"a histogram's quantity must be one of {', '.join(QUANTITIES)}; "
                f"got {self.quantity!r}"
            )
        rising = all(low < high for low, high in zip(self.edges, self.edges[1:], strict=False))
        least = 0.0 if self.quantity in LOGARITHMIC else -math.inf
        sound = rising and all(least < edge < math.inf for edge in self.edges)
        counted = all(0 <= count < math.inf for count in self.counts) and sum(self.counts) > 0
        if not (sound and counted and len(self.edges) == len(self.counts) + 1):
            raise UsageError(
                f"the histogram of {self.quantity} must have rising edges (radii above 0) and, one "
                f"fewer, counts of which some are above 0; got {self.edges} and {self.counts}"
            )
