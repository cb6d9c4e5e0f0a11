"""The battery: tests T1 to T8 of whether posteriors are true, with what a release must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float64

from gampen.calibration import checks
from gampen.calibration.bins import BinnedCoverage
from gampen.calibration.checks import Check
from gampen.calibration.classifier import separation
from gampen.calibration.coverage import curve
from gampen.calibration.joint import JointDensity
from gampen.calibration.null import FALSE_ALARM, Null
from gampen.calibration.proper_scores import ProperScores
from gampen.calibration.ranks import ZScores, ranks
from gampen.calibration.tarp import references, tarp_levels
from gampen.errors import UsageError
from gampen.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Battery:
    """What a set of truths says of a set of posteriors, by eight tests.

    `joint` and `tarp` are the coverages of highest-density regions and of TARP at the levels of
    `GRID`; `bins` the coverage at 68.27 % by column; `separation` the area under the curve of a
    classifier; `advantages` [standard errors] those of the scores over each rival's.
    """

    null: Null
    names: tuple[str, ...]
    ranks: Float64[np.ndarray, "galaxy parameter"]
    z_scores: ZScores
    density: JointDensity
    tarp: Float64[np.ndarray, " level"]
    bins: Mapping[str, BinnedCoverage]
    separation: float
    scores: ProperScores
    advantages: Mapping[str, float]

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        truth: Float64[np.ndarray, "galaxy parameter"],
        columns: Mapping[str, Float64[np.ndarray, " _"]],
        seed: int = 0,
        rivals: Mapping[str, Posterior] | None = None,
        false_alarm: float = FALSE_ALARM,
    ) -> Battery:
        """The verdicts on posteriors given their truths, in the parameters' own units.

        `columns` are what bins are made of, known without the truth; one that is nowhere finite is
        left out. `rivals` are other posteriors of the same galaxies, whose scores must be worse. A
        perfect posterior fails each check with the probability `false_alarm` at most, at any number
        of galaxies. The same seed gives the same verdicts. Raises `UsageError` where posteriors,
        truths and columns do not fit, or a truth lies on or outside its bounds.
        """
        _require_fitting(posterior, truth, columns)
        known = {name: column for name, column in columns.items() if np.isfinite(column).any()}
        found = ranks(posterior, truth)
        levels = tarp_levels(posterior, truth, references(posterior, seed), seed)
        scores = ProperScores.of(posterior, truth, seed)
        return cls(
            null=Null(len(truth), len(posterior.space), false_alarm),
            names=posterior.space.names,
            ranks=found,
            z_scores=ZScores.of(posterior, truth),
            density=JointDensity.of(posterior, truth, seed),
            tarp=curve(levels),
            bins={name: BinnedCoverage.of(found, column) for name, column in known.items()},
            separation=separation(posterior, truth, known, seed),
            scores=scores,
            advantages={
                f"{score}_than_{name}": value
                for name, rival in (rivals or {}).items()
                for score, value in scores.advantages(ProperScores.of(rival, truth, seed)).items()
            },
        )

    @property
    def joint(self) -> Float64[np.ndarray, " level"]:
        """The coverage of the joint highest-density regions at the levels of `GRID`."""
        return curve(self.density.level)

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The verdict of each statistic, by name."""
        null, names = self.null, self.names
        return {
            **checks.of_ranks(self.ranks, names, null),
            **checks.of_curves({"joint_coverage": self.joint, "tarp": self.tarp}, null),
            **checks.of_bins(self.bins, names, null),
            **checks.of_z_scores(self.z_scores, names, null),
            **checks.of_separation(self.separation, null),
            **checks.of_surprise(self.density, null),
            **checks.of_advantages(self.advantages),
        }

    @property
    def passed(self) -> bool:
        """Whether every check passes."""
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The names of the checks that do not pass."""
        return [name for name, check in self.checks.items() if not check.passed]

    def report(self) -> dict[str, object]:
        """The figures as numbers with names, ready for JSON."""
        return {
            "galaxies": self.null.galaxies,
            "false_alarm": self.null.false_alarm,
            "passed": self.passed,
            "checks": {name: check.report() for name, check in self.checks.items()},
            "scores": self.scores.means,
        }


def _require_fitting(
    posterior: Posterior,
    truth: Float64[np.ndarray, "galaxy parameter"],
    columns: Mapping[str, Float64[np.ndarray, " _"]],
) -> None:
    """Refuse parts of different galaxies, and truths that no posterior can hold."""
    lengths = {len(posterior), len(truth), *(len(column) for column in columns.values())}
    if len(lengths) > 1 or not len(truth):
        raise UsageError(
            f"posteriors, truths and columns must be equally many, at least one; got "
            f"{' and '.join(str(length) for length in sorted(lengths))}"
        )
    inside = posterior.space.unconstrain(torch.from_numpy(truth)).isfinite().all(dim=1)
    if not bool(inside.all()):
        raise UsageError(
            "true values must lie strictly within the bounds of their parameter; got "
            f"{int((~inside).sum())} galaxies with others: leave them out"
        )
