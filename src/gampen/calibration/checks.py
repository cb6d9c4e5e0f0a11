"""Verdicts: each statistic beside what a release must be and what chance alone may do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float64

from gampen.calibration.bins import LEVEL, BinnedCoverage
from gampen.calibration.coverage import GRID, LEVELS, TOLERANCES, coverage
from gampen.calibration.joint import JointDensity
from gampen.calibration.null import Null
from gampen.calibration.ranks import ZScores, uniform_distance


@dataclass(frozen=True)
class Release:
    """The test of a statistic, and how far from what is expected of it a release may be."""

    test: str
    limit: float
    expected: float = 0.0


COVERAGE = tuple(f"coverage_{100 * level:.2f}" for level in LEVELS)
RELEASE = {
    **{name: Release("T1", limit) for name, limit in zip(COVERAGE, TOLERANCES, strict=True)},
    "ks_distance": Release("T2", 0.015),
    "joint_coverage": Release("T3", 0.015),
    "tarp": Release("T4", 0.015),
    "worst_bin": Release("T5", 0.05),
    "rms_of_bins": Release("T5", 0.02),
    "z_mean": Release("T6", 0.03),
    "z_deviation": Release("T6", 0.03),
    "classifier_area": Release("T7", 0.03, expected=0.5),
    "nll_excess": Release("T8", 0.05),
}
"""How far each statistic may be from what a perfect posterior has on average.

With few galaxies chance alone takes a perfect posterior further: `Check.of` leaves room for it.
"""
ADVANTAGE = 5.0
"""T8: the standard errors by which every score of every rival must be worse."""

Named = Iterable[tuple[str, float]]


@dataclass(frozen=True)
class Check:
    """One statistic of a set of posteriors, and whether it passes.

    `value` has a sign where it is a deviation to either side; `where` names the parameter, the
    level or the bin at which it was found.
    """

    test: str
    value: float
    threshold: float
    passed: bool
    where: str = ""

    @classmethod
    def of(cls, statistic: str, values: Named, chance: float) -> Check:
        """The check that statistics are as near to what is expected as a release, or chance, is.

        It shows the worst of the values, each of which comes with where it was found; `chance` is
        the distance that a perfect posterior's worst value seldom exceeds: see `Null`.
        """
        release = RELEASE[statistic]
        where, value = max(values, key=lambda found: abs(found[1] - release.expected))
        room = max(release.limit, chance)
        passed = abs(value - release.expected) <= room
        return cls(release.test, value, release.expected + room, passed, where)

    def report(self) -> dict[str, object]:
        """The check with plain names, ready for JSON."""
        return asdict(self)


def of_ranks(
    ranks: Float64[np.ndarray, "galaxy parameter"], names: Sequence[str], null: Null
) -> dict[str, Check]:
    """T1 and T2: coverage at 68.27, 95.45 and 99.73 %, and the ranks' distance from uniform."""
    deviations = coverage(ranks, np.array(LEVELS)).T - np.array(LEVELS)[:, None]
    distances = [uniform_distance(column) for column in ranks.T]
    return {
        name: Check.of(name, _named(names, row), null.share(level))
        for name, row, level in zip(COVERAGE, deviations, LEVELS, strict=True)
    } | {"ks_distance": Check.of("ks_distance", _named(names, distances), null.kolmogorov())}


def of_curves(curves: Mapping[str, Float64[np.ndarray, " level"]], null: Null) -> dict[str, Check]:
    """T3 and T4: the joint coverage and TARP over all levels."""
    chance, levels = null.curve(GRID), [f"{level:.2f}" for level in GRID]
    return {
        name: Check.of(name, _named(levels, covered - GRID), chance)
        for name, covered in curves.items()
    }


def of_bins(
    bins: Mapping[str, BinnedCoverage], names: Sequence[str], null: Null
) -> dict[str, Check]:
    """T5: coverage at 68.27 % in the worst bin of each column, and all of its bins together."""
    sizes = {tuple(binned.count): binned.count for binned in bins.values()}
    chances = {size: null.bins(count, LEVEL) for size, count in sizes.items()}
    found = {}
    for column, binned in bins.items():
        worst, rms = chances[tuple(binned.count)]
        cells = (
            (f"{name} at {column} {middle:.4g}", float(deviation))
            for name, row in zip(names, binned.deviation, strict=True)
            for middle, deviation in zip(binned.middle, row, strict=True)
        )
        found[f"worst_bin_{column}"] = Check.of("worst_bin", cells, worst)
        found[f"rms_of_bins_{column}"] = Check.of("rms_of_bins", _named(names, binned.rms), rms)
    return found


def of_z_scores(z_scores: ZScores, names: Sequence[str], null: Null) -> dict[str, Check]:
    """T6: mean and deviation of the z-scores."""
    widest = null.deviation(float(z_scores.fourth_moment.max()))
    excess = z_scores.values.std(axis=0) - 1
    return {
        "z_mean": Check.of("z_mean", _named(names, z_scores.values.mean(axis=0)), null.mean()),
        "z_deviation": Check.of("z_deviation", _named(names, excess), widest),
    }


def of_separation(area: float, null: Null) -> dict[str, Check]:
    """T7: how well a classifier tells truths from draws."""
    return {"classifier_area": Check.of("classifier_area", [("", area)], null.area())}


def of_surprise(density: JointDensity, null: Null) -> dict[str, Check]:
    """T8, without a rival: the truths' -ln density against what the posteriors expect of it."""
    chance = null.normal(math.sqrt(float(density.variance.mean()) / null.galaxies))
    excess = float(density.excess.mean())
    return {"nll_excess": Check.of("nll_excess", [("", excess)], chance)}


def of_advantages(advantages: Mapping[str, float]) -> dict[str, Check]:
    """T8, with rivals: scores that are better by enough standard errors."""
    return {
        f"better_{name}": Check("T8", value, ADVANTAGE, value >= ADVANTAGE)
        for name, value in advantages.items()
    }


def _named(names: Iterable[str], values: Iterable[float]) -> Named:
    """The values with their names."""
    return [(name, float(value)) for name, value in zip(names, values, strict=True)]
