"""Truths beside the posteriors of their galaxies: some parameters or all, exact or with errors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64

from gampen.calibration.labels import labelled
from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.posterior import Posterior

MAGNITUDE = "magnitude"
ALIASES = {
    "bulge_to_total": ("bt",),
    "effective_radius": ("R_e_asec", "R_e"),
    "flux": ("total_flux_adus", "total_flux"),
}
"""Names that tables of the original GaMPEN have for these."""

NOT_IN_TRUTHS, NO_VALUE = "not_in_truths", "no_true_value"
MISSING, OUTSIDE = "missing", "outside_bounds"
ERROR_UNKNOWN = "error_not_known"

Table = Float64[np.ndarray, "galaxy parameter"]


@dataclass(frozen=True, eq=False)
class Truths:
    """What is known of some galaxies, and the posterior of just these parameters.

    `values` are in the parameters' own units, NaN where not known; `errors` the one-sigma errors of
    the labels, zero where they are exact; `places` where the galaxies stand in the posterior that
    was matched; `left_out` and `left_out_of` count what could not be used, by reason: galaxies, and
    for each parameter the labels of galaxies that both tables have.
    """

    posterior: Posterior
    values: Table
    errors: Table
    places: Int64[np.ndarray, " galaxy"]
    left_out: Mapping[str, int]
    left_out_of: Mapping[str, Mapping[str, int]]

    def __len__(self) -> int:
        """The number of galaxies of which anything is known."""
        return len(self.values)

    @property
    def complete(self) -> Bool[np.ndarray, " galaxy"]:
        """The galaxies of which every judged parameter is known."""
        known: np.ndarray = np.isfinite(self.values).all(axis=1)
        return known

    @property
    def judged(self) -> Posterior:
        """The posterior that is judged: of the labels where any has an error, else of truths."""
        noisy = bool((self.errors > 0).any())
        return labelled(self.posterior, self.errors) if noisy else self.posterior

    @classmethod
    def match(cls, posterior: Posterior, known: Catalog) -> Truths:
        """The truths of a table for galaxies of the same `object_id`.

        The table holds at least one parameter; `magnitude` may stand for `flux` where zero points
        are known, and `{parameter}_error` says how uncertain a label is. `UsageError` where the
        table has no such column, repeats an id, or shares no galaxy with a true value.
        """
        judged = posterior.marginal(*_judged(posterior, known))
        rows = _rows(posterior, known)
        values, errors, reasons = _labels(judged, known, rows)
        found = np.isfinite(values)
        names = [
            name for name, any_ in zip(judged.space.names, found.any(axis=0), strict=True) if any_
        ]
        if not names:
            raise UsageError(
                "catalogue and truths must share galaxies with a posterior and true values; they "
                "share none: is this the right table?"
            )
        columns, places = found.any(axis=0), np.flatnonzero(found.any(axis=1))
        return cls(
            judged.marginal(*names).select(places.tolist()),
            values[places][:, columns],
            errors[places][:, columns],
            places,
            {
                NOT_IN_TRUTHS: int((rows < 0).sum()),
                NO_VALUE: int(((rows >= 0) & ~found.any(axis=1)).sum()),
            },
            reasons,
        )


def _judged(posterior: Posterior, known: Catalog) -> list[str]:
    """The parameters that the table has a column for."""
    names = [
        name
        for name in posterior.space.names
        if source_of(known, name) is not None
        or (name == "flux" and MAGNITUDE in known and posterior.has_photometry)
    ]
    if not names:
        raise UsageError(
            f"truths must have a column of at least one of {', '.join(posterior.space.names)}; "
            f"got {', '.join(known.names)}: give the true values one of these names"
        )
    return names


def source_of(known: Catalog, name: str) -> str | None:
    """The column that holds a parameter: its own name, or that of the original GaMPEN's tables."""
    return next((each for each in (name, *ALIASES.get(name, ())) if each in known), None)


def _rows(posterior: Posterior, known: Catalog) -> Int64[np.ndarray, " galaxy"]:
    """The row of each galaxy in the table, -1 where it has none."""
    counts = Counter(known["object_id"].text())
    repeated = len(known) - len(counts)
    if repeated:
        raise UsageError(
            f"truths must name each object_id once; got {repeated} repeated ones, "
            f"{counts.most_common(1)[0][0]!r} among them"
        )
    return known.rows_of(posterior.object_ids.tolist())


def _labels(
    posterior: Posterior, known: Catalog, rows: Int64[np.ndarray, " galaxy"]
) -> tuple[Table, Table, dict[str, dict[str, int]]]:
    """Values and errors of the galaxies' labels, NaN and zero where unusable, and why they are."""
    names = posterior.space.names
    pairs = [_label(posterior, known, name, rows) for name in names]
    values, errors = (np.stack(part, axis=1) for part in zip(*pairs, strict=True))
    here, missing = (rows >= 0)[:, None], np.isnan(values)
    inside = posterior.space.unconstrain(torch.from_numpy(values)).isfinite().numpy()
    unknown = ~(np.isfinite(errors) & (errors >= 0))
    sound = np.where(unknown, 0.0, errors)
    reasons = {
        MISSING: missing,
        OUTSIDE: ~missing & ~inside,
        ERROR_UNKNOWN: inside & unknown,
    }
    counts = {reason: (where & here).sum(axis=0) for reason, where in reasons.items()}
    usable = ~np.any(list(reasons.values()), axis=0)
    left_out = {
        name: {reason: int(count[place]) for reason, count in counts.items()}
        for place, name in enumerate(names)
    }
    return np.where(usable, values, np.nan), np.where(usable, sound, 0.0), left_out


def _label(
    posterior: Posterior, known: Catalog, name: str, rows: Int64[np.ndarray, " galaxy"]
) -> tuple[Float64[np.ndarray, " galaxy"], Float64[np.ndarray, " galaxy"]]:
    """The values of one parameter and their errors, NaN where the table has no row."""
    source = source_of(known, name) or MAGNITUDE
    values, errors = (_column(known, column, rows) for column in (source, f"{source}_error"))
    if source != MAGNITUDE or name == MAGNITUDE:
        return values, errors
    # An error in magnitudes is one of ln flux; as an error of the flux it is that at the median,
    # and not at the label, on which the posterior of the label must not depend.
    flux = posterior[name].median.numpy()
    return 10 ** (0.4 * (posterior.zero_points.numpy() - values)), errors * flux * math.log(
        10
    ) / 2.5


def _column(
    known: Catalog, name: str, rows: Int64[np.ndarray, " galaxy"]
) -> Float64[np.ndarray, " galaxy"]:
    """A column at these rows, NaN without a row; zero where there is no such column."""
    if name not in known:
        return np.zeros(len(rows))
    values = known[name].numbers()
    found: np.ndarray = np.where(rows >= 0, values[rows], np.nan)
    return found
