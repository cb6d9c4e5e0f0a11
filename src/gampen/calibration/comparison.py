"""Coverage before and after a recalibration, of galaxies that nothing was fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from gampen.calibration.answers import Answers
from gampen.calibration.coverage import LEVELS, coverage, curve
from gampen.calibration.stages import Recalibrated, levels_of
from gampen.probability.bijections import Identity
from gampen.probability.marginals import Marginal

Shares = dict[str, float]
"""Shares of truths inside, by the level [%] of the region."""


@dataclass(frozen=True, eq=False)
class Side:
    """Where true points lie in their posteriors: in each marginal, and in the joint one.

    `ranks` are of all galaxies held out, `joint` the highest-density levels of those that judged.
    """

    ranks: Float64[np.ndarray, "galaxy parameter"]
    joint: Float64[np.ndarray, " judge"]

    @classmethod
    def of(cls, answers: Answers, points: Float64[Tensor, "galaxy parameter"], judges: int) -> Side:
        """Those of galaxies of which the first so many are the judges."""
        first = torch.arange(judges)
        return cls(ranks_of(answers, points), levels_of(answers.select(first), points[first]))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Answers as they were and as they are; `levelled` the latter's joint levels by the table."""

    names: tuple[str, ...]
    before: Side
    after: Side
    levelled: Float64[np.ndarray, " judge"]

    @classmethod
    def of(
        cls,
        found: Recalibrated,
        answers: Answers,
        points: Float64[Tensor, "galaxy parameter"],
        names: tuple[str, ...],
    ) -> Comparison:
        """The comparison on the galaxies held out of those that `found` was made from."""
        held, judges = found.split.held_out, len(found.split.judged)
        mine, true = answers.select(held), points[held]
        before = Side.of(mine, true, judges)
        after = before if found.correction is None else Side.of(found.applied(mine), true, judges)
        return cls(names, before, after, found.levels.share_of(after.joint))

    @property
    def coverage(self) -> dict[str, dict[str, Shares]]:
        """The coverage at 68.27, 95.45 and 99.73 % of each parameter, `before` and `after`."""
        sides = {"before": self.before, "after": self.after}
        tables = {side: coverage(found.ranks, np.array(LEVELS)) for side, found in sides.items()}
        return {
            name: {side: _named(table[place]) for side, table in tables.items()}
            for place, name in enumerate(self.names)
        }

    @property
    def joint_levels(self) -> dict[str, Float64[np.ndarray, " judge"]]:
        """The joint levels of the judges' truths: before, after, and by the table."""
        return {
            "before": self.before.joint,
            "after": self.after.joint,
            "by the table": self.levelled,
        }

    @property
    def joint_coverage(self) -> dict[str, Shares]:
        """The coverage of joint regions at the same levels."""
        levels = np.array(LEVELS)
        return {name: _named(curve(found, levels)) for name, found in self.joint_levels.items()}


def ranks_of(
    answers: Answers, points: Float64[Tensor, "galaxy parameter"]
) -> Float64[np.ndarray, "galaxy parameter"]:
    """The posterior probability below each true point, the same in any units."""
    columns = [
        Marginal.of(answers.mixture.marginal([place]), Identity()).cdf(column)
        for place, column in enumerate(points.unbind(-1))
    ]
    found: np.ndarray = torch.stack(columns, dim=1).numpy()
    return found


def _named(shares: Float64[np.ndarray, " level"]) -> Shares:
    """The shares by the name of their level."""
    return {f"{100 * x:.2f}": float(share) for x, share in zip(LEVELS, shares, strict=True)}
