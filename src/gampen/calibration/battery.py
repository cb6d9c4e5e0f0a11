"""The battery: tests T1 to T8 of whether posteriors are true, with what a release must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float64, Shaped

from gampen.calibration import checks
from gampen.calibration.bins import BinnedCoverage
from gampen.calibration.checks import Check
from gampen.calibration.null import FALSE_ALARM, Null
from gampen.calibration.ranks import ZScores, ranks
from gampen.calibration.together import Together
from gampen.errors import UsageError
from gampen.posterior import Posterior

Columns = Mapping[str, Shaped[np.ndarray, " _"]]


@dataclass(frozen=True, eq=False)
class Battery:
    """What a set of truths says of a set of posteriors, by eight tests.

    `complete` are the galaxies of which every parameter is known: the tests of all `together` see
    these, and there are none where there are no such galaxies; the others see each parameter where
    it is known. `bins` holds the coverage at 68.27 % by column; `false_alarm` is the probability at
    which a perfect posterior fails any of the checks.
    """

    names: tuple[str, ...]
    false_alarm: float
    complete: Bool[np.ndarray, " galaxy"]
    ranks: Float64[np.ndarray, "galaxy parameter"]
    z_scores: ZScores
    bins: Mapping[str, BinnedCoverage]
    together: Together | None

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        truth: Float64[np.ndarray, "galaxy parameter"],
        columns: Columns,
        seed: int = 0,
        rivals: Mapping[str, Posterior] | None = None,
        false_alarm: float = FALSE_ALARM,
    ) -> Battery:
        """The verdicts on posteriors given their truths, in the parameters' own units, or NaN.

        `columns` are what bins are made of, known without the truth; one that is nowhere finite is
        left out. `rivals` are other posteriors of the same galaxies, whose scores must be worse. A
        perfect posterior fails any of the checks with the probability `false_alarm` at most, at any
        number of galaxies. The same seed gives the same verdicts. Raises `UsageError` where
        posteriors, truths and columns do not fit, a truth lies on or outside its bounds, or
        nothing is known of a galaxy or of a parameter.
        """
        _require_fitting(posterior, truth, columns)
        known = {name: column for name, column in columns.items() if says_something(column)}
        found, whole = ranks(posterior, truth), np.isfinite(truth).all(axis=1)
        rows = np.flatnonzero(whole).tolist()
        seen = {name: column[whole] for name, column in known.items() if _is_numeric(column)}
        others = {name: rival.select(rows) for name, rival in (rivals or {}).items()}
        parts = posterior.select(rows), truth[whole], seen, seed, others
        return cls(
            names=posterior.space.names,
            false_alarm=false_alarm,
            complete=whole,
            ranks=found,
            z_scores=ZScores.of(posterior, truth),
            bins={name: BinnedCoverage.of(found, column) for name, column in known.items()},
            together=Together.of(*parts) if rows else None,
        )

    @property
    def null(self) -> Null:
        """What chance does to one check, which gets its share of the rate of false alarms."""
        rate = self.false_alarm / checks.number_of_checks(len(self.bins))
        return Null(len(self.ranks), len(self.names), rate)

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The verdict of each statistic, by name."""
        null, names = self.null, self.names
        joint = null.among(int(self.complete.sum()))
        return {
            **checks.of_ranks(self.ranks, names, null),
            **checks.of_bins(self.bins, names, null),
            **checks.of_z_scores(self.z_scores, names, null),
            **(self.together.checks(joint) if self.together else {}),
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
            "galaxies": len(self.ranks),
            "complete": int(self.complete.sum()),
            "false_alarm": self.false_alarm,
            "passed": self.passed,
            "checks": {name: check.report() for name, check in self.checks.items()},
            "scores": self.together.scores.means if self.together else {},
        }


def _is_numeric(column: Shaped[np.ndarray, " galaxy"]) -> bool:
    """Whether a column holds numbers, and not the names of categories."""
    return column.dtype.kind not in "USO"


def says_something(column: Shaped[np.ndarray, " galaxy"]) -> bool:
    """Whether bins can be made of a column."""
    return not _is_numeric(column) or bool(np.isfinite(column).any())


def _require_fitting(
    posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"], columns: Columns
) -> None:
    """Refuse parts of different galaxies, and truths that no posterior can hold."""
    lengths = {len(posterior), len(truth), *(len(column) for column in columns.values())}
    if len(lengths) > 1 or not len(truth):
        raise UsageError(
            f"posteriors, truths and columns must be equally many, at least one; got "
            f"{' and '.join(str(length) for length in sorted(lengths))}"
        )
    known = np.isfinite(truth)
    if not (known.any(axis=1).all() and known.any(axis=0).all()):
        raise UsageError(
            "at least one parameter of each galaxy, and one galaxy of each parameter, must be "
            "known; got some of which nothing is: leave them out"
        )
    points = posterior.space.unconstrain(torch.from_numpy(truth))
    inside = (points.isfinite() | torch.from_numpy(np.isnan(truth))).all(dim=1)
    if not bool(inside.all()):
        raise UsageError(
            "true values must lie strictly within the bounds of their parameter; got "
            f"{int((~inside).sum())} galaxies with others: leave them out"
        )
