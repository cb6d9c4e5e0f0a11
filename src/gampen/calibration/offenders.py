"""The worst offenders: the galaxies and the bins whose posteriors are furthest from the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float64

from gampen.calibration.battery import Battery
from gampen.calibration.bins import LEVEL, BinnedCoverage
from gampen.calibration.checks import RELEASE, cells
from gampen.calibration.joint import JointDensity
from gampen.calibration.ranks import sigmas
from gampen.posterior import Posterior

GALAXIES, BINS = 20, 10  # listed


@dataclass(frozen=True)
class Quantity:
    """One parameter of one galaxy: its label, and what the posterior says of it.

    `z` is the deviation of a Gaussian of the same rank, signed: how many sigmas off the label is.
    """

    name: str
    truth: float
    median: float
    low: float
    high: float
    z: float


@dataclass(frozen=True)
class Offender:
    """A galaxy whose truth is improbable.

    `level`: the probability of the joint region of higher density, of what is known of the galaxy;
    `surprise`: how far -ln density lies above what is expected of it, in its own deviations.
    """

    object_id: str
    level: float
    surprise: float
    quantities: tuple[Quantity, ...]

    def report(self) -> dict[str, object]:
        """The offender as numbers and lists with names, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class OffendingBin:
    """The coverage of one parameter in one bin, `beyond` its limit where that is above 1."""

    column: str
    label: str
    parameter: str
    galaxies: int
    coverage: float
    limit: float
    beyond: float


def least_probable(
    posterior: Posterior,
    truth: Float64[np.ndarray, "galaxy parameter"],
    battery: Battery,
    seed: int = 0,
    number: int = GALAXIES,
) -> tuple[Offender, ...]:
    """The galaxies whose truths are least probable, the worst first.

    In the order of joint level, and where this is beyond all draws of surprise. `battery` is that
    of these posteriors and truths.
    """
    level, surprise = _surprises(posterior, truth, battery, seed)
    order = np.lexsort((-surprise, -level.round(2)))[:number]
    chosen = posterior.select(order.tolist())
    medians, intervals = chosen.median.numpy(), chosen.interval(LEVEL).numpy()
    z = sigmas(battery.ranks[order]).numpy()
    return tuple(
        Offender(
            str(chosen.object_ids[row]),
            float(level[galaxy]),
            float(surprise[galaxy]),
            tuple(
                Quantity(
                    name,
                    float(truth[galaxy, place]),
                    float(medians[row, place]),
                    float(intervals[row, place, 0]),
                    float(intervals[row, place, 1]),
                    float(z[row, place]),
                )
                for place, name in enumerate(posterior.space.names)
                if np.isfinite(truth[galaxy, place])
            ),
        )
        for row, galaxy in enumerate(order.tolist())
    )


def worst_bins(
    battery: Battery, bins: Mapping[str, BinnedCoverage], number: int = BINS
) -> tuple[OffendingBin, ...]:
    """The bins in which coverage is furthest beyond, or nearest to, what chance allows."""
    found = [cell for column, binned in bins.items() for cell in _cells(battery, column, binned)]
    return tuple(sorted(found, key=lambda cell: -cell.beyond)[:number])


def _cells(battery: Battery, column: str, binned: BinnedCoverage) -> Iterator[OffendingBin]:
    """Every bin of a column for every parameter."""
    limits = iter(cells(column, binned, battery.names, battery.null))
    for name, covered, known in zip(battery.names, binned.covered, binned.known, strict=True):
        for label, share, count in zip(
            binned.labels, covered.tolist(), known.tolist(), strict=True
        ):
            if not count:
                continue
            limit = max(RELEASE["worst_bin"].limit, next(limits).chance)
            beyond = abs(share - LEVEL) / limit
            yield OffendingBin(column, label, name, count, share, limit, beyond)


def _surprises(
    posterior: Posterior,
    truth: Float64[np.ndarray, "galaxy parameter"],
    battery: Battery,
    seed: int,
) -> tuple[Float64[np.ndarray, " galaxy"], Float64[np.ndarray, " galaxy"]]:
    """Joint level and surprise of every galaxy, of the parameters that are known of it."""
    level, surprise = np.zeros(len(truth)), np.zeros(len(truth))
    known = np.isfinite(truth)
    for pattern in np.unique(known, axis=0):
        rows = np.flatnonzero((known == pattern).all(axis=1))
        if pattern.all() and battery.together:
            density = battery.together.density
        else:
            names = [
                n for n, is_known in zip(posterior.space.names, pattern, strict=True) if is_known
            ]
            part = posterior.marginal(*names).select(rows.tolist())
            density = JointDensity.of(part, truth[rows][:, pattern], seed)
        level[rows] = density.level
        surprise[rows] = density.excess / np.sqrt(density.variance)
    return level, surprise
