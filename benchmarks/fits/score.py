"""`python -m benchmarks.fits.score [ESTIMATOR]`: the codes and gampen, as one table in Markdown.

For each arm and code, gampen is scored on the same galaxies as the code: those that it answered.
Also writes `build/fits/galaxies.csv`, a row for each answer and target with its quantiles.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.fits.answers import Answers, of_fits, of_gampen
from benchmarks.fits.metrics import Scores
from benchmarks.fits.real import REAL_ARM
from benchmarks.fits.run import COUNTS
from benchmarks.fits.samples import BUILD, TARGETS, Sample, results_path, sample_path
from benchmarks.fits.simulated import ARMS
from gampen.estimator import Estimator

QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
HEAD = (
    *("arm", "code", "galaxies", "failed", "target", "bias", "scatter"),
    *("68 %", "95 %", "CRPS", "log score", "s a galaxy", "of processor"),
)
Row = tuple[str, ...]


def pairs_of(sample: Sample, arm: str, estimator: Estimator) -> Iterator[tuple[Answers, Answers]]:
    """Each code's answers on an arm, and gampen's on the same galaxies."""
    ours = of_gampen(sample, estimator)
    for code in COUNTS:
        path = results_path(arm, code)
        if path.exists() and path.read_text().count("\n") > 1:
            theirs = of_fits(code, path)
            yield theirs, chosen(ours, theirs.object_id)


def chosen(answers: Answers, object_id: np.ndarray) -> Answers:
    """The answers for some galaxies, in their order."""
    order = np.argsort(answers.object_id)
    rows = order[np.searchsorted(answers.object_id, object_id, sorter=order)]
    spent = answers.seconds, answers.processor_seconds
    parts = (getattr(answers, name)[rows] for name in ("object_id", "estimate", "draws"))
    return Answers(answers.code, *parts, *spent)


def rows_of(arm: str, answers: Answers, truth: np.ndarray, kept: np.ndarray) -> Iterator[Row]:
    """The table's rows of one code: one for each target that it and the truth have."""
    failed = 1 - answers.answered.mean()
    kept = kept & answers.answered
    for place, target in enumerate(TARGETS):
        columns = answers.estimate[kept, place], answers.draws[kept, :, place], truth[kept, place]
        if not kept.any() or np.isnan(columns[0]).any() or np.isnan(columns[2]).any():
            continue
        found = Scores.of(target, *columns)
        figures = [figure(value) for value in vars(found).values()]
        spent = f"{answers.seconds:.3g}", f"{answers.processor_seconds:.3g}"
        yield (arm, answers.code, str(kept.sum()), f"{failed:.0%}", target, *figures, *spent)


def figure(value: float) -> str:
    """A number for the table, a dash where there is none."""
    return "-" if np.isnan(value) else f"{value:.3f}"


def quantiles_of(arm: str, answers: Answers, truth: np.ndarray) -> Iterator[Row]:
    """Rows of every galaxy's answers."""
    levels = np.quantile(answers.draws, QUANTILES, axis=1)
    for galaxy, object_id in enumerate(answers.object_id):
        for place, target in enumerate(TARGETS):
            values = (truth[galaxy, place], answers.estimate[galaxy, place])
            numbers = [f"{value:.6g}" for value in (*values, *levels[:, galaxy, place])]
            yield (arm, answers.code, str(object_id), target, *numbers)


def write_galaxies(rows: list[Row]) -> None:
    """Write every galaxy's answers."""
    with (BUILD / "galaxies.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["arm", "code", "object_id", "target", "truth", "estimate", *QUANTILES])
        table.writerows(rows)


def score(arm: str, estimator: Estimator) -> list[Row]:
    """Print the rows of an arm; comes back with its galaxies' answers."""
    sample, galaxies = Sample.load(sample_path(arm)), []
    for theirs, ours in pairs_of(sample, arm, estimator):
        truth = sample.truth[np.searchsorted(sample.object_id, theirs.object_id)].astype(float)
        for answers in (theirs, ours):
            galaxies += quantiles_of(arm, answers, truth)
            for row in rows_of(arm, answers, truth, theirs.answered):
                print("| " + " | ".join(row) + " |", flush=True)
    return galaxies


def main(estimator: str = "universal") -> None:
    """Score and print."""
    loaded = Estimator.load(estimator)
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|")
    arms = [arm for arm in (*ARMS, REAL_ARM) if sample_path(arm).exists()]
    write_galaxies([row for arm in arms for row in score(arm, loaded)])


if __name__ == "__main__":
    main(*sys.argv[1:])
