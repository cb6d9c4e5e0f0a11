"""Rows of the search for the estimator: variants on the same galaxies, each against the first.

`python -m benchmarks.search [GALAXIES] ESTIMATOR ...` draws galaxies of the first one's training
prior (2,000 unless told) and prints for each variant, and for the first one looking thoroughly,
the negative log-likelihood in unconstrained units with its difference from the first (paired, with
the standard error), by how many standard errors the first one's NLL, CRPS and energy score are
better, coverage, CRPS, epistemic share and the time a galaxy takes on one thread.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from benchmarks.card.sets import Examined, draw, examine
from gampen import Estimator
from gampen.calibration.coverage import LEVELS, coverage
from gampen.calibration.proper_scores import ProperScores
from gampen.calibration.ranks import ranks
from gampen.inference.sampling import Sampling
from gampen.simulation.scenes import Scenes

SEED, GALAXIES = 4_040, 2000
COLUMNS = (
    "variant",
    "NLL",
    "against the first",
    "first better by s.e. in NLL / CRPS / energy",
    "inside 68.27 %",
    "CRPS",
    "epistemic",
    "ms",
)


@dataclass(frozen=True)
class Row:
    """What one variant makes of the galaxies."""

    name: str
    nll: Float64[np.ndarray, " galaxy"]
    scores: ProperScores
    covered: Float64[np.ndarray, "parameter level"]
    epistemic: float
    milliseconds: float

    @classmethod
    def of(cls, name: str, estimator: Estimator, groups: list[Scenes], sampling: Sampling) -> Row:
        """Measure."""
        began = time.perf_counter()
        found = examine(estimator, estimator.simulations, groups, sampling)
        took = time.perf_counter() - began
        posterior = found.posterior
        return cls(
            name=name,
            nll=unconstrained_nll(found),
            scores=ProperScores.of(posterior, found.truth, SEED),
            covered=coverage(ranks(posterior, found.truth), np.array(LEVELS)),
            epistemic=float(posterior.epistemic_fraction.median()),
            milliseconds=1000 * took / len(posterior),
        )

    def line(self, first: Row) -> str:
        """The row of a Markdown table."""
        apart = self.nll - first.nll
        error = apart.std() / len(apart) ** 0.5
        better = first.scores.advantages(self.scores).values()
        cells = [
            self.name,
            f"{self.nll.mean():.3f}",
            f"{apart.mean():+.3f} +- {error:.3f}",
            " / ".join(f"{errors:.0f}" for errors in better),
            " / ".join(f"{100 * level:.1f}" for level in self.covered[:, 0]),
            f"{self.scores.means['crps']:.4f}",
            f"{self.epistemic:.1e}",
            f"{self.milliseconds:.1f}",
        ]
        return "| " + " | ".join(cells) + " |"


def unconstrained_nll(found: Examined) -> Float64[np.ndarray, " galaxy"]:
    """-ln of the density at the truth: radii and fluxes as logarithms, B/T as log odds."""
    points = found.posterior.space.unconstrain(torch.from_numpy(found.truth))
    density: np.ndarray = -found.posterior.mixture.log_prob(points).numpy()
    return density


def main(*arguments: str) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    number = int(arguments[0]) if arguments and arguments[0].isdigit() else GALAXIES
    names = [name for name in arguments if not name.isdigit()] or ["universal"]
    estimators = {name: Estimator.load(name) for name in names}
    groups = draw(estimators[names[0]].prior, number, SEED)
    chosen = [(name, name, Sampling()) for name in names]
    chosen.append((f"{names[0]}, thorough", names[0], Sampling(thorough=True)))
    print(f"| {' | '.join(COLUMNS)} |")
    print(f"|{' --- |' * len(COLUMNS)}")
    first: Row | None = None
    for title, name, sampling in chosen:
        row = Row.of(title, estimators[name], groups, sampling)
        first = first or row
        print(row.line(first), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
