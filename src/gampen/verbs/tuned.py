"""What came of fine-tuning: recalibrated where that helps, and judged beside what it was before."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gampen.calibration.recalibration import Recalibration
from gampen.calibration.stages import LEAST, Trial, corrected_by_labels, recalibrate
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.simulation.scenes import Simulator
from gampen.storage.atomic import write_bytes
from gampen.training.splits import TEST, VALIDATION
from gampen.training.validation import validate
from gampen.verbs.calibrate import recalibrated
from gampen.verbs.labelled import Labelled, Rows
from gampen.verbs.ledger import BEST
from gampen.verbs.lessons import GROUP, Tell, to_batch
from gampen.verbs.scoring import Answered, Score
from gampen.verbs.splitting import Split

REPORT = "report.json"
FORGETTING = 1024  # simulated galaxies, by which it is seen what was forgotten
FORGETTING_SEED = 3_000_017
"""Of galaxies that nothing was chosen by: not those that training validates with."""

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the dropout that a network was fitted with
JUDGES = 1000  # labelled galaxies, at most, that say which of them is best

Figures = dict[str, object]


@dataclass(frozen=True, eq=False)
class Judged:
    """A run that is to be judged: its galaxies, and the dropout that was fitted with."""

    before: Estimator
    labelled: Labelled
    split: Split
    dropout: float


def judge(run: Judged, folder: Path, tell: Tell) -> None:
    """Tune the best estimator of a run on the labels that it stopped by, and write a report.

    What it was recalibrated by before belongs to another network, and is dropped.
    """
    before, labelled, split = run.before, run.labelled, run.split
    best = replace(Estimator.load(folder / BEST), recalibration=Recalibration())
    tuned, rates = settled(best, labelled, split[VALIDATION], run.dropout)
    after, outcome, stages = mended(tuned, labelled, split[VALIDATION])
    tell(1, 3, "judging")
    figures: Figures = {
        "galaxies": {name: len(rows) for name, rows in split.items()},
        "left_out": dict(labelled.left_out),
        "labels_dropped": dict(labelled.dropped),
        "dropout": {"rate": tuned.own_network.settings.dropout, "nll": rates},
        "recalibration": {"outcome": outcome, "trials": [asdict(stage) for stage in stages]},
        "notes": notes(before),
        "simulations": forgotten(before, tuned),
    }
    tell(2, 3, "judging")
    if len(split[TEST]):
        figures["test"] = compared(before, after, labelled, split[TEST])
    after.save(folder / BEST)
    write_bytes((json.dumps(known(figures), indent=2) + "\n").encode(), folder / REPORT)
    tell(3, 3, "judging")


def settled(
    estimator: Estimator, labelled: Labelled, rows: Rows, fitted: float
) -> tuple[Estimator, dict[str, float]]:
    """The estimator with the rate of dropout under which labels are likeliest, and their surprise.

    What few labels leave open is seen in how the passes differ (Gal & Ghahramani 2016,
    arXiv:1506.02142). None of the rate that it was `fitted` with is often too sure, all of it too
    careful.
    """
    found: dict[float, float] = {}
    for rate in sorted({share * fitted for share in SHARES}):
        one = replace(estimator, network=estimator.own_network.with_dropout(rate))
        score = Score.of(Answered.of(one, labelled, rows[:JUDGES], Sampling()))
        found[rate] = float(score.surprise.mean())
    best = min(found, key=found.__getitem__)
    named = {f"{rate:.4g}": nll for rate, nll in found.items()}
    return replace(estimator, network=estimator.own_network.with_dropout(best)), named


def mended(
    estimator: Estimator, labelled: Labelled, rows: Rows
) -> tuple[Estimator, str, tuple[Trial, ...]]:
    """The estimator recalibrated on labels where they ask for it; what came of it, and the trials.

    Only galaxies of which all labels are known can judge.
    """
    whole = rows[np.isfinite(labelled.labels.values[rows]).all(axis=1)]
    if len(whole) < LEAST:
        return estimator, f"none: it needs {LEAST} held-out galaxies; got {len(whole)}", ()
    sampling = Sampling()
    answered = Answered.of(estimator, labelled, whole, sampling)
    known = answered.answers, answered.points
    if not labelled.labels.errors[whole].any():
        found = recalibrate(known[0], known[1].values, sampling.seed)
        return recalibrated(estimator, found, sampling), f"stage {found.stage}", found.trials
    correction, trials = corrected_by_labels(*known, sampling.seed)
    after = replace(estimator, recalibration=Recalibration().then(correction, None))
    stage = 0 if correction is None else correction.stage
    return after, f"stage {stage}", trials


def notes(before: Estimator) -> list[str]:
    """What a person should know of the estimator that is not in a figure."""
    told = ["its prior is that of the labelled galaxies: posteriors cannot be reweighted"]
    if before.guard is not None:
        told.append("its guard was of another network and is dropped: gampen guard teaches one")
    return told


def report_of(folder: Path) -> dict[str, Any]:
    """The report of a run that has ended."""
    found: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    return found


def forgotten(before: Estimator, after: Estimator) -> Figures:
    """The surprise of two estimators at fresh simulations of the prior [nat] that both share."""
    simulator, space = Simulator(before.simulations, FORGETTING_SEED), before.space
    batches = [to_batch(simulator.batch(n, GROUP), space) for n in range(FORGETTING // GROUP)]
    found = {
        side: validate(one.own_network.eval(), batches)
        for side, one in (("before", before), ("after", after))
    }
    return {
        "galaxies": FORGETTING,
        **{side: {"nll": one.nll, "nll_error": one.nll_error} for side, one in found.items()},
    }


def compared(before: Estimator, after: Estimator, labelled: Labelled, rows: Rows) -> Figures:
    """The scores of two estimators on labelled galaxies, and by how much the second is better."""
    scores = [Score.of(Answered.of(one, labelled, rows, Sampling())) for one in (before, after)]
    gain, error = scores[1].gain(scores[0])
    return {
        "before": scores[0].report(),
        "after": scores[1].report(),
        "gain": gain,
        "gain_error": error,
    }


def known(figures: object) -> object:
    """Figures for JSON, which has no NaN."""
    if isinstance(figures, Mapping):
        return {key: known(value) for key, value in figures.items()}
    if isinstance(figures, list):
        return [known(value) for value in figures]
    return None if isinstance(figures, float) and not math.isfinite(figures) else figures
