"""`gampen evaluate`: a catalogue of posteriors against known truths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gampen.calibration.battery import Battery
from gampen.calibration.calibration import Calibration
from gampen.calibration.coverage import coverage, null_band
from gampen.calibration.scores import rank_correlation
from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.parameters import Scaling
from gampen.photometry import signal_to_noise
from gampen.plotting.calibration import battery_figure, coverage_figure, ranks_figure
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
    battery: Battery
    files: tuple[Path, ...]


def evaluate(catalogue: Path, truths: Path, out: Path) -> Evaluated:
    """Judge the posteriors of a catalogue; writes figures as JSON and three pictures into `out`.

    Galaxies are matched by `object_id`; those without a posterior, or without a true value strictly
    inside the bounds of each parameter, are left out and counted.
    """
    catalog = read_catalog(catalogue)
    posterior, truth = match(Posterior.from_catalog(catalog), read_catalog(truths))
    claim_folder(out)
    rows = rows_of(catalog, posterior)
    calibration = Calibration.of(posterior, truth)
    battery = Battery.of(posterior, truth, bin_columns(rows, posterior))
    figures = {**calibration.report(), "without_posterior_or_truth": len(catalog) - len(truth)}
    figures |= {**crop_figures(rows, posterior, truth), "battery": battery.report()}
    return Evaluated(figures, calibration, battery, _write(figures, calibration, battery, out))


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


def rows_of(catalog: Catalog, posterior: Posterior) -> Catalog:
    """The rows of the posterior's galaxies, in its order."""
    row_of = {name: row for row, name in enumerate(catalog["object_id"].text())}
    return catalog.take(np.array([row_of[name] for name in posterior.object_ids.tolist()]))


def bin_columns(rows: Catalog, posterior: Posterior) -> dict[str, Float64[np.ndarray, " galaxy"]]:
    """What coverage is binned by: known of a galaxy without its truth, NaN where unknown.

    The posterior medians, of lengths as multiples of the PSF's FWHM; the signal-to-noise ratio that
    follows from them; and the scale of the learned crop.
    """
    fwhm, pixel, sky = (_column(rows, name) for name in ("psf_fwhm", "pixel_scale", "sky_sigma"))
    columns = {}
    for parameter in posterior.space:
        median = posterior[parameter.name].median
        if parameter.scaling is Scaling.LENGTH:
            columns[f"{parameter.name}_over_psf_fwhm"] = median / fwhm
        else:
            columns[parameter.name] = median
    if {"flux", "effective_radius"} <= set(posterior.space.names):
        flux, radius = (posterior[name].median for name in ("flux", "effective_radius"))
        columns["signal_to_noise"] = signal_to_noise(flux, radius / pixel, fwhm / pixel, sky)
    columns["crop_scale"] = _column(rows, "crop_scale")
    return {name: column.numpy() for name, column in columns.items()}


def crop_figures(
    rows: Catalog, posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
) -> dict[str, float]:
    """How the learned crop follows the size of the galaxy."""
    if "effective_radius" not in posterior.space.names or "crop_scale" not in rows:
        return {}
    zoom = rows["crop_scale"].numbers()
    radius = truth[:, posterior.space.index("effective_radius")]
    return {
        "crop_scale_mean": float(zoom.mean()),
        "crop_scale_sd": float(zoom.std()),
        "crop_scale_rank_correlation_with_radius": rank_correlation(zoom, radius),
    }


def _column(rows: Catalog, name: str) -> Float[Tensor, " galaxy"]:
    """A column of numbers, NaN where there is none."""
    values = rows[name].numbers() if name in rows else np.full(len(rows), np.nan)
    return torch.from_numpy(values)


def _write(
    figures: dict[str, object], calibration: Calibration, battery: Battery, out: Path
) -> tuple[Path, ...]:
    pictures = ("coverage.png", "ranks.png", "battery.png")
    files = (out / "figures.json", *(out / name for name in pictures))
    write_bytes((json.dumps(figures, indent=2) + "\n").encode(), files[0])
    covered = coverage(calibration.ranks, PLOTTED_LEVELS)
    band = null_band(len(calibration.ranks), PLOTTED_LEVELS)
    save(coverage_figure(PLOTTED_LEVELS, covered, calibration.names, band), files[1])
    save(ranks_figure(calibration.ranks, calibration.names), files[2])
    save(battery_figure(battery), files[3])
    return files
