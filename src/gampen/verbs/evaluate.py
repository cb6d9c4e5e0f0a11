"""`gampen evaluate`: a catalogue of posteriors against known truths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gampen.calibration.calibration import Calibration
from gampen.calibration.coverage import coverage, null_band
from gampen.calibration.scores import rank_correlation
from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.plotting.calibration import coverage_figure, ranks_figure
from gampen.plotting.style import save
from gampen.posterior import Posterior
from gampen.storage.atomic import write_bytes
from gampen.storage.tables import read_catalog

PLOTTED_LEVELS = np.linspace(0.02, 0.98, 49)


@dataclass(frozen=True)
class Evaluated:
    """The figures, and where they were written."""

    figures: dict[str, object]
    calibration: Calibration
    files: tuple[Path, ...]


def evaluate(catalogue: Path, truths: Path, out: Path) -> Evaluated:
    """Judge the posteriors of a catalogue; writes figures as JSON and two pictures into `out`.

    Galaxies are matched by `object_id`; those without a posterior or a truth are left out and counted.
    """
    catalog = read_catalog(catalogue)
    posterior = Posterior.from_catalog(catalog)
    known = read_catalog(truths)
    places, rows = match(posterior.object_ids.tolist(), known["object_id"].text())
    posterior = posterior.select(places)
    truth = known.parameter_values(posterior.space)[rows]
    calibration = Calibration.of(posterior, truth)
    figures = {**calibration.report(), "without_posterior_or_truth": len(catalog) - len(rows)}
    figures |= crop_figures(catalog, posterior, truth)
    return Evaluated(figures, calibration, _write(figures, calibration, out))


def match(ids: list[str], known: list[str]) -> tuple[list[int], list[int]]:
    """Places of the galaxies that stand in both lists; `UsageError` where none does."""
    row_of = {name: row for row, name in enumerate(known)}
    places = [place for place, name in enumerate(ids) if name in row_of]
    if not places:
        raise UsageError(
            "catalogue and truths must share object_ids; they share none: is this the right table?"
        )
    return places, [row_of[ids[place]] for place in places]


def crop_figures(
    catalog: Catalog, posterior: Posterior, truth: np.ndarray
) -> dict[str, float]:
    """How the learned crop follows the size of the galaxy."""
    if "effective_radius" not in posterior.space.names or "crop_scale" not in catalog:
        return {}
    row_of = {name: row for row, name in enumerate(catalog["object_id"].text())}
    rows = [row_of[name] for name in posterior.object_ids.tolist()]
    zoom = catalog["crop_scale"].numbers()[rows]
    radius = truth[:, posterior.space.index("effective_radius")]
    return {
        "crop_scale_mean": float(zoom.mean()),
        "crop_scale_sd": float(zoom.std()),
        "crop_scale_rank_correlation_with_radius": rank_correlation(zoom, radius),
    }


def _write(figures: dict[str, object], calibration: Calibration, out: Path) -> tuple[Path, ...]:
    out.mkdir(parents=True, exist_ok=True)
    files = (out / "figures.json", out / "coverage.png", out / "ranks.png")
    write_bytes((json.dumps(figures, indent=2) + "\n").encode(), files[0])
    covered = coverage(calibration.ranks, PLOTTED_LEVELS)
    band = null_band(len(calibration.ranks), PLOTTED_LEVELS)
    save(coverage_figure(PLOTTED_LEVELS, covered, calibration.names, band), files[1])
    save(ranks_figure(calibration.ranks, calibration.names), files[2])
    return files
