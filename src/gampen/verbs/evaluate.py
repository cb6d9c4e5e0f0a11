"""`gampen evaluate`: a catalogue of posteriors against known truths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

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
from gampen.verbs.outputs import claim_folder

PLOTTED_LEVELS = np.linspace(0.02, 0.98, 49)


@dataclass(frozen=True)
class Evaluated:
    """The figures, and where they were written."""

    figures: dict[str, object]
    calibration: Calibration
    files: tuple[Path, ...]


def evaluate(catalogue: Path, truths: Path, out: Path) -> Evaluated:
    """Judge the posteriors of a catalogue; writes figures as JSON and two pictures into `out`.

    Galaxies are matched by `object_id`; those without a posterior, or without a true value strictly
    inside the bounds of each parameter, are left out and counted.
    """
    catalog = read_catalog(catalogue)
    posterior, truth = match(Posterior.from_catalog(catalog), read_catalog(truths))
    claim_folder(out)
    calibration = Calibration.of(posterior, truth)
    figures = {**calibration.report(), "without_posterior_or_truth": len(catalog) - len(truth)}
    figures |= crop_figures(catalog, posterior, truth)
    return Evaluated(figures, calibration, _write(figures, calibration, out))


def match(
    posterior: Posterior, known: Catalog
) -> tuple[Posterior, Float64[np.ndarray, "galaxy parameter"]]:
    """The posteriors of the galaxies whose truth is known, and it; `UsageError` without any."""
    values = known.parameter_values(posterior.space)
    points = posterior.space.unconstrain(torch.from_numpy(values))
    sound = points.isfinite().all(dim=1).tolist()
    names = known["object_id"].text()
    row_of = {name: row for row, name in enumerate(names) if sound[row]}
    ids = posterior.object_ids.tolist()
    places = [place for place, name in enumerate(ids) if name in row_of]
    if not places:
        raise UsageError(
            "catalogue and truths must share galaxies with a posterior and true values; they share "
            "none: is this the right table?"
        )
    return posterior.select(places), values[[row_of[ids[place]] for place in places]]


def crop_figures(
    catalog: Catalog, posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
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
    files = (out / "figures.json", out / "coverage.png", out / "ranks.png")
    write_bytes((json.dumps(figures, indent=2) + "\n").encode(), files[0])
    covered = coverage(calibration.ranks, PLOTTED_LEVELS)
    band = null_band(len(calibration.ranks), PLOTTED_LEVELS)
    save(coverage_figure(PLOTTED_LEVELS, covered, calibration.names, band), files[1])
    save(ranks_figure(calibration.ranks, calibration.names), files[2])
    return files
