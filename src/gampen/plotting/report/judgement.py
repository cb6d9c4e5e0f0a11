"""A calibration as a page shows it: curves for its scripts, a table for its template."""

from __future__ import annotations

import math

import numpy as np

from gampen.calibration.calibration import Calibration
from gampen.calibration.coverage import LEVELS, coverage, null_band
from gampen.plotting.calibration import TWO_SIGMA
from gampen.plotting.style import words_of

GRID = np.linspace(0.02, 0.98, 49)
BINS = 20


def curves_of(calibration: Calibration) -> dict[str, object]:
    """Coverage at many levels and histograms of ranks, each with what a perfect one scatters by."""
    ranks, galaxies = calibration.ranks, len(calibration.ranks)
    counts = [np.histogram(column, BINS, (0, 1))[0] for column in ranks.T]
    return {
        "names": [words_of(name) for name in calibration.names],
        "levels_grid": GRID.tolist(),
        "covered": coverage(ranks, GRID).tolist(),
        "band": null_band(galaxies, GRID).tolist(),
        "ranks": [(count * BINS / galaxies).tolist() for count in counts],
        "rank_spread": TWO_SIGMA * math.sqrt((BINS - 1) / galaxies),
    }


def table_of(calibration: Calibration) -> dict[str, object]:
    """Each parameter's verdict, coverage, scatter and bias, as text."""
    columns = (calibration.coverage, calibration.verdicts, calibration.scatter, calibration.bias)
    rows = [
        {
            "label": words_of(name),
            "verdict": verdict.value,
            "coverage": [percent(share) for share in covered],
            "scatter": f"{scatter:.3g}",
            "bias": f"{bias:+.2g}".replace("-", "\N{MINUS SIGN}"),
        }
        for name, covered, verdict, scatter, bias in zip(calibration.names, *columns, strict=True)
    ]
    levels = [percent(level, 2) for level in LEVELS]
    return {"galaxies": f"{len(calibration.ranks):,}", "levels": levels, "rows": rows}


def percent(share: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{100 * share:.{digits}f} %"
