"""The tests of all parameters together, on the galaxies of which every parameter is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gampen.calibration import checks
from gampen.calibration.checks import Check
from gampen.calibration.classifier import separation
from gampen.calibration.coverage import curve
from gampen.calibration.joint import JointDensity
from gampen.calibration.null import Null
from gampen.calibration.proper_scores import ProperScores
from gampen.calibration.tarp import references, tarp_levels
from gampen.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Together:
    """What a set of truths says of joint posteriors.

    `joint` and `tarp` are the coverages of highest-density regions and of TARP at the levels of
    `GRID`; `separation` the area under the curve of a classifier; `advantages` [standard errors]
    those of the scores over each rival's.
    """

    density: JointDensity
    tarp: Float64[np.ndarray, " level"]
    separation: float
    scores: ProperScores
    advantages: Mapping[str, float]

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        truth: Float64[np.ndarray, "galaxy parameter"],
        columns: Mapping[str, Float64[np.ndarray, " galaxy"]],
        seed: int,
        rivals: Mapping[str, Posterior],
    ) -> Together:
        """The tests of posteriors given their truths; the classifier may know the `columns`."""
        scores = ProperScores.of(posterior, truth, seed)
        return cls(
            density=JointDensity.of(posterior, truth, seed),
            tarp=curve(tarp_levels(posterior, truth, references(posterior, seed), seed)),
            separation=separation(posterior, truth, columns, seed),
            scores=scores,
            advantages={
                f"{score}_than_{name}": value
                for name, rival in rivals.items()
                for score, value in scores.advantages(ProperScores.of(rival, truth, seed)).items()
            },
        )

    @property
    def joint(self) -> Float64[np.ndarray, " level"]:
        """The coverage of the joint highest-density regions at the levels of `GRID`."""
        return curve(self.density.level)

    def checks(self, null: Null) -> dict[str, Check]:
        """The verdict of each statistic, by name."""
        return {
            **checks.of_curves({"joint_coverage": self.joint, "tarp": self.tarp}, null),
            **checks.of_separation(self.separation, null),
            **checks.of_surprise(self.density, null),
            **checks.of_advantages(self.advantages),
        }
