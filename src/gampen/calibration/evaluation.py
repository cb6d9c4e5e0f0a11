"""All that truths say of a set of posteriors, in one noun: what a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from gampen.calibration.battery import Battery, says_something
from gampen.calibration.bins import BinnedCoverage
from gampen.calibration.calibration import Calibration
from gampen.calibration.judgement import Judgement, judge
from gampen.calibration.offenders import Offender, OffendingBin, least_probable, worst_bins
from gampen.calibration.truths import Truths

Columns = Mapping[str, Shaped[np.ndarray, " galaxy"]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Posteriors judged by what is known of their galaxies.

    `shown` are bins that no check looks at; `offenders` the least probable galaxies; `worst_bins`
    those of both kinds in which coverage is furthest off.
    """

    truths: Truths
    battery: Battery
    calibration: Calibration
    judgements: tuple[Judgement, ...]
    shown: Mapping[str, BinnedCoverage]
    offenders: tuple[Offender, ...]
    worst_bins: tuple[OffendingBin, ...]

    @classmethod
    def of(cls, truths: Truths, judged: Columns, shown: Columns, seed: int = 0) -> Evaluation:
        """The evaluation of the labels' posteriors, in bins of columns of the same galaxies.

        Columns that are `shown` may depend on the truth, and decide nothing.
        """
        posterior, values = truths.judged, truths.values
        battery = Battery.of(posterior, values, judged, seed)
        binned = {
            name: BinnedCoverage.of(battery.ranks, column)
            for name, column in shown.items()
            if says_something(column)
        }
        return cls(
            truths=truths,
            battery=battery,
            calibration=Calibration.of(posterior, values, battery.null),
            judgements=judge(battery),
            shown=binned,
            offenders=least_probable(posterior, values, battery, seed),
            worst_bins=worst_bins(battery, {**battery.bins, **binned}),
        )

    @property
    def bins(self) -> dict[str, BinnedCoverage]:
        """The coverage in bins of every column, judged or not."""
        return {**self.battery.bins, **self.shown}

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the posteriors."""
        return self.battery.passed

    @property
    def noisy(self) -> bool:
        """Whether any label has an error of its own."""
        return bool((self.truths.errors > 0).any())
