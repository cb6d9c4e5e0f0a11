"""Verdicts: each statistic beside what a release must be and what chance alone may do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import NamedTuple

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


class Found(NamedTuple):
    """A value of a statistic: where it was found, and how far chance alone seldom takes it."""

    where: str
    value: float
    chance: float


@dataclass(frozen=True)
class Check:
    """One statistic of a set of posteriors, and whether it passes.

    `value` has a sign where it is a deviation to either side; `where` names the parameter, the
    level or the bin at which it was found, `failed_at` all those at which it is too far off.
    """

    test: str
    value: float
    threshold: float
    passed: bool
    where: str = ""
    failed_at: tuple[str, ...] = ()

    @classmethod
    def of(cls, statistic: str, values: Iterable[Found]) -> Check:
        """The check that statistics are as near to what is expected as a release, or chance, is.

        It shows the worst of the values: that which is furthest beyond, or nearest to, its limit.
        """
        release, found = RELEASE[statistic], list(values)
        rooms = [max(release.limit, each.chance) for each in found]
        reaches = [
            abs(each.value - release.expected) / room
            for each, room in zip(found, rooms, strict=True)
        ]
        reaches = [math.inf if math.isnan(reach) else reach for reach in reaches]
        worst = max(range(len(found)), key=reaches.__getitem__)
        failed = [each.where for each, reach in zip(found, reaches, strict=True) if reach > 1]
        return cls(
            test=release.test,
            value=found[worst].value,
            threshold=release.expected + rooms[worst],
            passed=not failed,
            where=found[worst].where,
            failed_at=tuple(failed),
        )

    def report(self) -> dict[str, object]:
        """The check with plain names, ready for JSON."""
        return {**asdict(self), "failed_at": list(self.failed_at)}


def number_of_checks(bins: int) -> int:
    """How many checks a battery without rivals has, given the number of its columns."""
    return len(RELEASE) + 2 * (bins - 1)


def of_ranks(
    ranks: Float64[np.ndarray, "galaxy parameter"], names: Sequence[str], null: Null
) -> dict[str, Check]:
    """T1 and T2: coverage at 68.27, 95.45 and 99.73 %, and the ranks' distance from uniform."""
    deviations = coverage(ranks, np.array(LEVELS)).T - np.array(LEVELS)[:, None]
    distances = [uniform_distance(column) for column in ranks.T]
    nulls = [null.among(int(count)) for count in np.isfinite(ranks).sum(axis=0)]
    shares = [[part.share(level) for part in nulls] for level in LEVELS]
    rows = zip(COVERAGE, deviations, shares, strict=True)
    checks = {name: Check.of(name, _each(names, row, share)) for name, row, share in rows}
    limits = [part.kolmogorov() for part in nulls]
    return checks | {"ks_distance": Check.of("ks_distance", _each(names, distances, limits))}


def of_curves(curves: Mapping[str, Float64[np.ndarray, " level"]], null: Null) -> dict[str, Check]:
    """T3 and T4: the joint coverage and TARP over all levels."""
    chance, levels = [null.curve(GRID)] * len(GRID), [f"{level:.2f}" for level in GRID]
    return {
        name: Check.of(name, _each(levels, covered - GRID, chance))
        for name, covered in curves.items()
    }


def of_bins(
    bins: Mapping[str, BinnedCoverage], names: Sequence[str], null: Null
) -> dict[str, Check]:
    """T5: coverage at 68.27 % in the worst bin of each column, and all of its bins together."""
    found = {}
    for column, binned in bins.items():
        rooms = [_rms_of_chance(null, tuple(row.tolist())) for row in binned.known]
        found[f"worst_bin_{column}"] = Check.of("worst_bin", cells(column, binned, names, null))
        found[f"rms_of_bins_{column}"] = Check.of("rms_of_bins", _each(names, binned.rms, rooms))
    return found


def cells(column: str, binned: BinnedCoverage, names: Sequence[str], null: Null) -> Iterator[Found]:
    """The deviation of each parameter in each bin; chance takes the worst no further than said."""
    parts = int((binned.known > 0).sum(axis=1).max())
    for name, row, known in zip(names, binned.deviation, binned.known, strict=True):
        for label, deviation, number in zip(
            binned.labels, row.tolist(), known.tolist(), strict=True
        ):
            if number:
                room = _share_of_chance(null.among(number, parts))
                yield Found(f"{name} at {column} {label}", deviation, room)


def of_z_scores(z_scores: ZScores, names: Sequence[str], null: Null) -> dict[str, Check]:
    """T6: mean and deviation of the z-scores.

    Those of overconfident posteriors scatter by more than 1, and so does their mean by chance.
    """
    values = z_scores.values
    nulls = [null.among(int(count)) for count in np.isfinite(values).sum(axis=0)]
    wider = np.nanstd(values, axis=0).clip(min=1).tolist()
    means = [part.mean() * width for part, width in zip(nulls, wider, strict=True)]
    pairs = zip(nulls, z_scores.fourth_moment.tolist(), strict=True)
    widths = [part.deviation(moment) for part, moment in pairs]
    excess = np.nanstd(values, axis=0) - 1
    return {
        "z_mean": Check.of("z_mean", _each(names, np.nanmean(values, axis=0), means)),
        "z_deviation": Check.of("z_deviation", _each(names, excess, widths)),
    }


def of_separation(area: float, null: Null) -> dict[str, Check]:
    """T7: how well a classifier tells truths from draws."""
    return {"classifier_area": Check.of("classifier_area", [Found("", area, null.area())])}


def of_surprise(density: JointDensity, null: Null) -> dict[str, Check]:
    """T8, without a rival: the truths' -ln density against what the posteriors expect of it."""
    chance = null.normal(math.sqrt(float(density.variance.mean()) / null.galaxies))
    excess = float(density.excess.mean())
    return {"nll_excess": Check.of("nll_excess", [Found("", excess, chance)])}


def of_advantages(advantages: Mapping[str, float]) -> dict[str, Check]:
    """T8, with rivals: scores that are better by enough standard errors."""
    return {
        f"better_{name}": Check("T8", value, ADVANTAGE, value >= ADVANTAGE)
        for name, value in advantages.items()
    }


def _each(names: Iterable[str], values: Iterable[float], chances: Iterable[float]) -> list[Found]:
    """The values with their names, and what chance may do to each."""
    rows = zip(names, values, chances, strict=True)
    return [Found(name, float(value), chance) for name, value, chance in rows]


@lru_cache(maxsize=4096)
def _share_of_chance(null: Null) -> float:
    """What chance does to the coverage in one bin: most bins of a column are of one size."""
    return null.share(LEVEL)


@lru_cache(maxsize=256)
def _rms_of_chance(null: Null, counts: tuple[int, ...]) -> float:
    """What chance does to the coverage in all bins of a column: most columns have the same."""
    return null.rms(np.array(counts), LEVEL)
