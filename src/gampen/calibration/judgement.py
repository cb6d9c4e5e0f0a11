"""What a battery says of each parameter in a word, by how much it is wrong, and what N can see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist

import numpy as np
from jaxtyping import Float64

from gampen.calibration.battery import Battery
from gampen.calibration.bins import LEVEL
from gampen.calibration.checks import COVERAGE, RELEASE
from gampen.calibration.coverage import LEVELS, coverage
from gampen.calibration.null import Null

HALF_WIDTH = NormalDist().inv_cdf(0.5 + LEVEL / 2)  # of a Gaussian's interval [deviations]


class Fault(Enum):
    """One way in which a posterior is not true."""

    OVERCONFIDENT = "overconfident"
    CAUTIOUS = "cautious"
    BIASED = "biased"
    SHAPE = "of the wrong shape"


@dataclass(frozen=True)
class Judgement:
    """What is wrong with the posterior of one parameter, if anything is.

    `width` is the factor by which errors would have to be stretched to hold 68.27 % of the truths;
    `bias` the mean of truth less posterior mean, in posterior deviations. `smallest_width` and
    `smallest_bias` are the deviations from 1 and 0 below which this many galaxies tell nothing.
    """

    name: str
    galaxies: int
    faults: tuple[Fault, ...]
    width: float
    bias: float
    smallest_width: float
    smallest_bias: float

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def report(self) -> dict[str, object]:
        """The judgement as numbers and words with names, ready for JSON."""
        return {**vars(self), "faults": [fault.value for fault in self.faults]}


def judge(battery: Battery) -> tuple[Judgement, ...]:
    """The judgement on each parameter, in order."""
    return tuple(_judgement(battery, place) for place in range(len(battery.names)))


def width_factor(ranks: Float64[np.ndarray, " galaxy"]) -> float:
    """The stretch about the median after which 68.27 % of the truths would lie inside.

    In the deviations of the Gaussian that has the same ranks.
    """
    reach = np.quantile(2 * np.abs(ranks[np.isfinite(ranks)] - 0.5), LEVEL)
    return NormalDist().inv_cdf(0.5 + min(float(reach), 1 - 1e-12) / 2) / HALF_WIDTH


def _judgement(battery: Battery, place: int) -> Judgement:
    """The judgement on one parameter."""
    ranks = battery.ranks[:, place]
    null = battery.null.among(int(np.isfinite(ranks).sum()))
    moment = float(battery.z_scores.fourth_moment[place])
    return Judgement(
        name=battery.names[place],
        galaxies=null.galaxies,
        faults=_faults(battery, place),
        width=width_factor(ranks),
        bias=float(np.nanmean(battery.z_scores.values[:, place])),
        smallest_width=smallest_width(null, moment),
        smallest_bias=max(RELEASE["z_mean"].limit, null.mean()),
    )


def smallest_width(null: Null, fourth_moment: float) -> float:
    """The smallest error in width that the z-scores or the coverage of 68.27 % would show.

    Far outliers hide it from the deviation of the z-scores, and not from coverage, which changes by
    twice the density at the interval's end times its width.
    """
    by_scores = max(RELEASE["z_deviation"].limit, null.deviation(fourth_moment))
    by_coverage = max(RELEASE[COVERAGE[0]].limit, null.share(LEVEL))
    return min(by_scores, by_coverage / (2 * HALF_WIDTH * NormalDist().pdf(HALF_WIDTH)))


def _faults(battery: Battery, place: int) -> tuple[Fault, ...]:
    """What the checks of one parameter found."""
    name, checks = battery.names[place], battery.checks
    covered = coverage(battery.ranks[:, [place]], np.array(LEVELS))[0] - np.array(LEVELS)
    signs = [
        float(deviation)
        for check, deviation in zip(COVERAGE, covered, strict=True)
        if name in checks[check].failed_at
    ]
    if name in checks["z_deviation"].failed_at:
        signs.append(1 - float(np.nanstd(battery.z_scores.values[:, place])))
    found = []
    if signs:
        # Truths far outside weigh more than intervals that are too wide.
        found.append(Fault.OVERCONFIDENT if min(signs) < 0 else Fault.CAUTIOUS)
    if name in checks["z_mean"].failed_at:
        found.append(Fault.BIASED)
    if not found and name in checks["ks_distance"].failed_at:
        found.append(Fault.SHAPE)
    return tuple(found)
