"""`gampen evaluate`: a catalogue of posteriors against known truths."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from gampen.calibration.battery import Battery
from gampen.calibration.bins import BinnedCoverage
from gampen.calibration.calibration import Calibration
from gampen.calibration.evaluation import Evaluation
from gampen.calibration.scores import rank_correlation
from gampen.calibration.truths import Truths
from gampen.catalog import Catalog
from gampen.cutouts import Flag
from gampen.errors import UsageError
from gampen.plotting.evaluation import evaluation_page, pictures
from gampen.plotting.style import save
from gampen.plotting.wording import verdict
from gampen.posterior import Posterior
from gampen.storage.atomic import write_bytes
from gampen.storage.tables import read_catalog
from gampen.verbs.columns import columns_of, take
from gampen.verbs.outputs import claim_folder

NO_POSTERIOR = "no_posterior"
PAGE = "index.html"

Flags = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Evaluated:
    """The figures, and where they were written."""

    figures: dict[str, object]
    evaluation: Evaluation
    files: tuple[Path, ...]

    @property
    def calibration(self) -> Calibration:
        """Scatter, coverage and ranks of each parameter."""
        return self.evaluation.calibration

    @property
    def battery(self) -> Battery:
        """The checks."""
        return self.evaluation.battery


def evaluate(catalogue: Path, truths: Path, out: Path, bins: Sequence[str] = ()) -> Evaluated:
    """Judge the posteriors of a catalogue: a page, figures as JSON and pictures in folder `out`.

    Galaxies are matched by `object_id`. Truths may be of some parameters or some galaxies only, and
    have errors of their own: see `Truths`. What cannot be used is left out and counted. `bins` name
    further columns of either table to bin the coverage by.
    """
    catalog, known = read_catalog(catalogue), truths_in(truths)
    posterior = Posterior.from_catalog(catalog)
    matched = Truths.match(posterior, known)
    columns = columns_of(
        rows_of(catalog, posterior), posterior, rows_of(known, posterior, missing=True), bins
    )
    claim_folder(out)
    without = len(catalog) - len(posterior)
    matched = replace(matched, left_out={NO_POSTERIOR: without, **matched.left_out})
    rows, columns = rows_of(catalog, matched.posterior), take(columns, matched.places)
    evaluation = Evaluation.of(matched, columns.judged, columns.shown)
    flags = flags_of(rows, [offender.object_id for offender in evaluation.offenders])
    figures = figures_of(evaluation, flags) | crop_figures(rows, matched)
    return Evaluated(figures, evaluation, _write(figures, evaluation, flags, out))


def truths_in(path: Path) -> Catalog:
    """The table of true values; `UsageError` where nothing in it tells whose they are."""
    known = read_catalog(path)
    if "object_id" not in known:
        raise UsageError(
            f"{path} must have a column 'object_id' with the ids of the catalogue; it has "
            f"{', '.join(known.names)}: rename the one that holds them"
        )
    return known


def figures_of(evaluation: Evaluation, flags: Flags) -> dict[str, object]:
    """The figures as numbers with names, ready for JSON."""
    truths, battery = evaluation.truths, evaluation.battery
    noisy = (truths.errors > 0).sum(axis=0).tolist()
    return {
        "verdict": verdict(evaluation),
        **evaluation.calibration.report(),
        "without_posterior_or_truth": sum(truths.left_out.values()),
        "left_out": {**truths.left_out, **truths.left_out_of},
        "labels_with_error": dict(zip(truths.posterior.space.names, noisy, strict=True)),
        "judgements": {each.name: each.report() for each in evaluation.judgements},
        "battery": battery.report(),
        "bins": {
            name: _binned(binned, battery.names, judged=name in battery.bins)
            for name, binned in evaluation.bins.items()
        },
        "worst_bins": [asdict(cell) for cell in evaluation.worst_bins],
        "worst_galaxies": [
            {**offender.report(), "flags": list(flags.get(offender.object_id, ()))}
            for offender in evaluation.offenders
        ],
    }


def rows_of(catalog: Catalog, posterior: Posterior, *, missing: bool = False) -> Catalog:
    """The rows of the posterior's galaxies, in its order.

    Where some may be `missing`, these are empty: not a number, or text without letters.
    """
    rows = catalog.rows_of(posterior.object_ids.tolist())
    return _or_empty(catalog, rows) if missing else catalog.take(rows)


def flags_of(rows: Catalog, chosen: Sequence[str]) -> Flags:
    """The names of the flags of some galaxies, where the catalogue has any."""
    if "flags" not in rows:
        return {}
    masks = dict(zip(rows["object_id"].text(), rows["flags"].numbers().tolist(), strict=True))
    return {
        name: tuple(str(flag.name) for flag in Flag if flag & int(masks[name])) for name in chosen
    }


def crop_figures(rows: Catalog, truths: Truths) -> dict[str, float]:
    """How the learned crop follows the size of the galaxy, where this is known."""
    names = truths.posterior.space.names
    if "effective_radius" not in names or "crop_scale" not in rows:
        return {}
    zoom, radius = rows["crop_scale"].numbers(), truths.values[:, names.index("effective_radius")]
    sound = np.isfinite(zoom) & np.isfinite(radius)
    zoom, radius = zoom[sound], radius[sound]
    if not len(zoom):
        return {}
    return {
        "crop_scale_mean": float(zoom.mean()),
        "crop_scale_sd": float(zoom.std()),
        "crop_scale_rank_correlation_with_radius": rank_correlation(zoom, radius),
    }


def _or_empty(catalog: Catalog, rows: Int64[np.ndarray, " galaxy"]) -> Catalog:
    """The rows of a table, empty where the row is -1."""
    absent, columns = rows < 0, []
    for column in catalog.take(rows):
        if column.values.ndim > 1 or not absent.any():
            columns.append(column)
        elif column.is_text or column.values.dtype.kind == "b":
            columns.append(replace(column, values=np.where(absent, "", column.text())))
        else:
            columns.append(replace(column, values=np.where(absent, np.nan, column.numbers())))
    return replace(catalog, columns=tuple(columns))


def _binned(binned: BinnedCoverage, names: Sequence[str], *, judged: bool) -> dict[str, object]:
    """Coverage in bins as lists with names, ready for JSON."""
    return {
        "judged": judged,
        "bins": list(binned.labels),
        "galaxies": binned.count.tolist(),
        "coverage_68.27": {
            name: [None if math.isnan(share) else share for share in row]
            for name, row in zip(names, binned.covered.tolist(), strict=True)
        },
    }


def _write(
    figures: dict[str, object], evaluation: Evaluation, flags: Flags, out: Path
) -> tuple[Path, ...]:
    """The page, the numbers and the pictures, written."""
    drawn, page, numbers = pictures(evaluation), out / PAGE, out / "figures.json"
    write_bytes((json.dumps(figures, indent=2, allow_nan=False) + "\n").encode(), numbers)
    for name, figure in drawn.items():
        save(figure, out / f"{name}.png")
    write_bytes(evaluation_page(evaluation, drawn, flags).encode(), page)
    return (page, numbers, *(out / f"{name}.png" for name in drawn))
