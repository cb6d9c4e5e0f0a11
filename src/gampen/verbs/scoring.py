"""How good an estimator is on labelled galaxies that it was not fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from gampen.calibration.answers import Answers
from gampen.calibration.fitting import Points
from gampen.calibration.labels import labelled as labels_of
from gampen.calibration.ranks import ranks
from gampen.cutouts import Cutouts
from gampen.estimator import Estimator, Prediction
from gampen.inference.sampling import Sampling
from gampen.posterior import Posterior
from gampen.probability.blurring import blurred_log_prob
from gampen.scaling.chunks import chunks
from gampen.training.labels import Labels
from gampen.training.likelihood import spread_of
from gampen.verbs.evidence import within
from gampen.verbs.labelled import Labelled, Rows

LEVEL = 0.6827
CHUNK = 256  # galaxies in memory at a time


@dataclass(frozen=True, eq=False)
class Answered:
    """What an estimator says of labelled galaxies: in physical units, and in the network's own.

    `points` are labels in unconstrained space, in pixels and sky sigmas, with their errors there to
    first order; they are NaN where not known.
    """

    posterior: Posterior
    labels: Labels
    answers: Answers
    points: Points

    @classmethod
    def of(
        cls, estimator: Estimator, labelled: Labelled, rows: Rows, sampling: Sampling
    ) -> Answered:
        """What it says of those rows."""
        labels, parts = labelled.labels.select(rows), []
        for run in chunks(len(rows), CHUNK):
            some = np.arange(run.start, run.stop)
            cutouts = Cutouts.of(labelled.read(rows[some]))
            parts.append(
                cls._of(estimator.examine(cutouts, sampling), cutouts, labels.select(some))
            )
        values = torch.cat([part.points.values for part in parts])
        spreads = [part.points.spread for part in parts if part.points.spread is not None]
        return cls(
            Posterior.cat([part.posterior for part in parts]),
            labels,
            Answers.cat([part.answers for part in parts]),
            Points(values, torch.cat(spreads) if spreads else None),
        )

    @classmethod
    def _of(cls, prediction: Prediction, cutouts: Cutouts, labels: Labels) -> Answered:
        """That of some galaxies."""
        posterior = prediction.posterior
        answers, values = within(prediction, cutouts, labels.values)
        scales = torch.from_numpy(cutouts.unit_scales)
        slope, _ = posterior.space.physical_map(scales, torch.from_numpy(prediction.sky_sigma))
        errors = torch.from_numpy(labels.errors)
        spread = posterior.space.first_order(posterior.mixture.mean, errors)
        return cls(posterior, labels, answers, Points(values, spread / slope))


@dataclass(frozen=True, eq=False)
class Score:
    """Surprise of each galaxy's labels [nat], and which lie inside their 68.27 % intervals.

    In unconstrained space, labels with their errors; `inside` is NaN where a label is not known.
    """

    names: tuple[str, ...]
    surprise: Float64[np.ndarray, " galaxy"]
    inside: Float64[np.ndarray, "galaxy parameter"]

    @classmethod
    def of(cls, answered: Answered) -> Score:
        """That of an estimator's posteriors."""
        posterior, labels = answered.posterior, answered.labels
        space, errors = posterior.space, torch.from_numpy(labels.errors)
        points = space.unconstrain(torch.from_numpy(labels.values))
        spread = spread_of(space, posterior.mixture, errors)
        surprise = -blurred_log_prob(posterior.mixture, points, spread).numpy()
        judged = labels_of(posterior, labels.errors) if labels.errors.any() else posterior
        found = ranks(judged, labels.values)
        inside = np.where(np.isnan(found), np.nan, np.abs(found - 0.5) <= LEVEL / 2)
        return cls(space.names, surprise, inside)

    def report(self) -> dict[str, object]:
        """The figures with names, each with its standard error."""
        nll, error = mean_of(self.surprise)
        shares = {
            name: mean_of(column) for name, column in zip(self.names, self.inside.T, strict=True)
        }
        return {
            "galaxies": len(self.surprise),
            "nll": nll,
            "nll_error": error,
            "coverage_68.27": {name: share for name, (share, _) in shares.items()},
            "coverage_error": {name: error for name, (_, error) in shares.items()},
        }

    def gain(self, before: Score) -> tuple[float, float]:
        """By how much less surprised this one is than another of the same galaxies, +- s.e."""
        return mean_of(before.surprise - self.surprise)


def mean_of(values: Float64[np.ndarray, " value"]) -> tuple[float, float]:
    """The mean of what is known and its standard error, NaN where there is too little."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return (float(known.mean()) if len(known) else math.nan), math.nan
    return float(known.mean()), float(known.std(ddof=1) / math.sqrt(len(known)))
