"""Catalogues with the columns of the original GaMPEN's.

Names are its own (Ghosh et al. 2023, doi:10.3847/1538-4357/acd546); values are gampen's: intervals
are equal-tailed, modes those of the marginal, magnitudes `zero_point - 2.5 log10(flux)`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError

QUANTITIES = {
    "R_e": "effective_radius",
    "bt": "bulge_to_total",
    "total_flux": "flux",
    "total_mag": "magnitude",
}
FIGURES = {
    "mode": "mode",
    "mean": "mean",
    "median": "median",
    "std": "std",
    "skew": "skewness",
    "kurtosis": "kurtosis",
}
INTERVALS = {"sig_ci": "68", "twosig_ci": "95", "threesig_ci": "997"}
KEPT = ("object_id", "file_name", "ra", "dec")


def to_original(rows: Catalog) -> Catalog:
    """The rows of a catalogue that predict wrote, under the original's names.

    `preds_{R_e,bt,total_flux,total_mag}_{mode,mean,median,std,skew,kurtosis}`, and of each interval
    a `[low, high]` as text. `UsageError` where the catalogue has not one of these quantities.
    """
    there = {ours: name for ours, name in QUANTITIES.items() if f"{name}_median" in rows}
    if not there:
        raise UsageError(
            "the original's columns are of bulge_to_total, effective_radius, flux or magnitude; "
            "the catalogue has none of them"
        )
    known = [rows[name] for name in KEPT if name in rows]
    columns = [column for short, name in there.items() for column in _columns(rows, short, name)]
    return Catalog((*known, *columns))


def _columns(rows: Catalog, short: str, name: str) -> list[Column]:
    """All columns of a quantity."""
    figures = [
        Column(f"preds_{short}_{theirs}", rows[f"{name}_{ours}"].values)
        for theirs, ours in FIGURES.items()
    ]
    return figures + [
        Column(f"preds_{short}_{theirs}", _interval(rows, f"{name}_lo{share}", f"{name}_hi{share}"))
        for theirs, share in INTERVALS.items()
    ]


def _interval(rows: Catalog, low: str, high: str) -> Shaped[np.ndarray, " galaxy"]:
    """The ends of an interval as text."""
    pairs = zip(rows[low].values.tolist(), rows[high].values.tolist(), strict=True)
    return np.array([f"[{start:.9g}, {end:.9g}]" for start, end in pairs])
