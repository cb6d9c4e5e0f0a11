"""`gampen calibrate`: galaxies with known truths in, the estimator recalibrated on them out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from gampen.calibration.answers import told_in_own_frames
from gampen.calibration.comparison import Comparison
from gampen.calibration.coverage import LEVELS, coverage, curve, null_band
from gampen.calibration.recalibration import Recalibration
from gampen.calibration.stages import Recalibrated, recalibrate
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.plotting.recalibration import Drawn, recalibration_figure
from gampen.plotting.style import save
from gampen.shipped import SUFFIX
from gampen.storage.atomic import write_bytes
from gampen.storage.estimators import DIGEST
from gampen.storage.layouts import open_folder
from gampen.verbs.evidence import Evidence, Progress
from gampen.verbs.outputs import claim_file, claim_folder

PLOTTED_LEVELS = np.linspace(0.02, 0.98, 49)
TOLD_LEVELS = (0.5, 0.9, *LEVELS)


@dataclass(frozen=True)
class CalibrateRequest:
    """Which estimator, on which galaxies, and where to; a `report` folder where one is wanted.

    An estimator that was recalibrated before is taken as it is, or, `anew`, as it was trained.
    """

    estimator: str
    data: Path
    out: Path
    report: Path | None = None
    sampling: Sampling = field(default_factory=Sampling)
    anew: bool = False

    def __post_init__(self) -> None:
        """Refuse a file that would not be known as an estimator's."""
        if self.out.suffix != SUFFIX:
            raise UsageError(f"an estimator's file must end in {SUFFIX}; got {self.out.name!r}")


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What came of it: the recalibration, what it is from, before and after, and the files."""

    found: Recalibrated
    evidence: Evidence
    comparison: Comparison
    files: tuple[Path, ...]

    @property
    def figures(self) -> dict[str, object]:
        """All of it with names, ready for JSON."""
        split, levels = self.found.split, self.found.levels
        parts = {name: len(getattr(split, name)) for name in ("fitted", "judged", "levelled")}
        return {
            "stage": self.found.stage,
            "galaxies": {**parts, "left_out": dict(self.evidence.left_out)},
            "trials": [asdict(trial) for trial in self.found.trials],
            "correction": self._correction,
            "coverage": self.comparison.coverage,
            "joint_coverage": self.comparison.joint_coverage,
            "levels": {f"{100 * share:.2f}": levels.level_of(share) for share in TOLD_LEVELS},
        }

    @property
    def _correction(self) -> dict[str, dict[str, float]]:
        """The scale and the shift [deviation] that are common to all galaxies, by parameter."""
        if self.found.correction is None:
            return {}
        scales = self.found.correction.log_scale.exp().tolist()
        rows = zip(self.comparison.names, scales, self.found.correction.shift.tolist(), strict=True)
        return {name: {"scale": scale, "shift": shift} for name, scale, shift in rows}


def calibrate(request: CalibrateRequest, progress: Progress = lambda *_: None) -> Calibrated:
    """Recalibrate an estimator on galaxies with known truths, and write it.

    Galaxies that cannot be read or have no true values are left out and counted. `UsageError` where
    too few are left, or the call itself is wrong; what can be known of this before the work is.
    """
    estimator = Estimator.load(request.estimator)
    if request.anew:
        estimator = replace(estimator, recalibration=Recalibration())
    folder = open_folder(request.data)
    claim_file(request.out)
    if request.report is not None:
        claim_folder(request.report)
    evidence = Evidence.of(estimator, folder, request.sampling, progress)
    known = told_in_own_frames(estimator.space, evidence.answers, evidence.points)
    found = recalibrate(*known, request.sampling.seed)
    recalibrated(estimator, found, request.sampling).save(request.out)
    comparison = Comparison.of(found, *known, estimator.space.names)
    done = Calibrated(found, evidence, comparison, (request.out,))
    return replace(done, files=(*done.files, *_write_report(request, done)))


def recalibrated(estimator: Estimator, found: Recalibrated, sampling: Sampling) -> Estimator:
    """The estimator with what was found after what it already had, and how that came about."""
    provenance = {
        **estimator.provenance,
        "recalibrated_from": estimator.provenance.get(DIGEST, ""),
        "recalibration_galaxies": str(len(found.split.fitted) + len(found.split.held_out)),
        "recalibration_passes": str(sampling.passes),
        "recalibration_thorough": str(sampling.thorough).lower(),
        "recalibration_seed": str(sampling.seed),
    }
    after = estimator.recalibration.then(found.correction, found.levels)
    return replace(estimator, provenance=provenance, recalibration=after)


def _write_report(request: CalibrateRequest, done: Calibrated) -> tuple[Path, ...]:
    """The figures as JSON and as a picture, where a report is wanted."""
    if request.report is None:
        return ()
    files = (request.report / "recalibration.json", request.report / "recalibration.png")
    asked = {
        "estimator": request.estimator,
        "data": str(request.data),
        "passes": request.sampling.passes,
        "seed": request.sampling.seed,
    }
    write_bytes((json.dumps({**asked, **done.figures}, indent=2) + "\n").encode(), files[0])
    save(recalibration_figure(drawn(done.found, done.comparison)), files[1])
    return files


def drawn(found: Recalibrated, comparison: Comparison) -> Drawn:
    """What the picture shows."""
    joint, split = comparison.joint_levels.items(), found.split
    judges, tabled = len(split.judged), len(split.levelled)
    return Drawn(
        levels=PLOTTED_LEVELS,
        names=comparison.names,
        before=coverage(comparison.before.ranks, PLOTTED_LEVELS),
        after=coverage(comparison.after.ranks, PLOTTED_LEVELS),
        joint={name: curve(levels, PLOTTED_LEVELS) for name, levels in joint},
        marginal_band=null_band(judges + tabled, PLOTTED_LEVELS),
        joint_band=null_band(judges, PLOTTED_LEVELS),
        # Judges and the table scatter independently: their variances add up.
        table_band=null_band(judges * tabled // (judges + tabled), PLOTTED_LEVELS),
    )
