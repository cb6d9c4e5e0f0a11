"""One set of posteriors judged against its truths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gampen.calibration.coverage import LEVELS, Verdict, coverage
from gampen.calibration.ranks import ranks, uniform_distance
from gampen.calibration.scores import errors, negative_log_likelihood, scatter
from gampen.errors import UsageError
from gampen.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a set of truths says of a set of posteriors, parameter by parameter.

    `ranks`: the truths' probability integral transforms; `coverage` at 68.27, 95.45 and 99.73 %;
    `scatter` and `bias` of the medians (relative for lengths and fluxes); `nll` the mean negative
    log-likelihood a galaxy.
    """

    names: tuple[str, ...]
    ranks: Float64[np.ndarray, "galaxy parameter"]
    coverage: Float64[np.ndarray, "parameter level"]
    distance: Float64[np.ndarray, " parameter"]
    scatter: Float64[np.ndarray, " parameter"]
    bias: Float64[np.ndarray, " parameter"]
    nll: float

    @classmethod
    def of(
        cls, posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
    ) -> Calibration:
        """The judgement; `UsageError` where posteriors and truths differ in number."""
        if len(posterior) != len(truth) or not len(truth):
            raise UsageError(
                f"posteriors and truths must be equally many, at least one; got {len(posterior)} "
                f"and {len(truth)}"
            )
        found = ranks(posterior, truth)
        error = errors(posterior.median.numpy(), truth, posterior.space)
        return cls(
            names=posterior.space.names,
            ranks=found,
            coverage=coverage(found, np.array(LEVELS)),
            distance=np.array([uniform_distance(column) for column in found.T]),
            scatter=scatter(error),
            bias=np.median(error, axis=0),
            nll=float(negative_log_likelihood(posterior, truth).mean()),
        )

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What each parameter's coverage says of its posterior's width."""
        return tuple(Verdict.of(row, len(self.ranks)) for row in self.coverage)

    def report(self) -> dict[str, object]:
        """The figures as numbers and lists with names, ready for JSON."""
        rows = {
            name: {
                "scatter": float(self.scatter[place]),
                "bias": float(self.bias[place]),
                "ks_distance": float(self.distance[place]),
                "verdict": self.verdicts[place].value,
                **{f"coverage_{100 * x:.2f}": float(c) for x, c in zip(LEVELS, row, strict=True)},
            }
            for place, (name, row) in enumerate(zip(self.names, self.coverage, strict=True))
        }
        return {"galaxies": len(self.ranks), "nll": self.nll, "parameters": rows}
