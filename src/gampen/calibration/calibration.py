"""One set of posteriors judged against its truths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from gampen.calibration.coverage import LEVELS, Verdict, coverage
from gampen.calibration.null import FALSE_ALARM, Null
from gampen.calibration.ranks import ranks, uniform_distance
from gampen.calibration.scores import errors, negative_log_likelihood, scatter
from gampen.errors import UsageError
from gampen.posterior import Posterior


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a set of truths says of a set of posteriors, parameter by parameter.

    `ranks`: the truths' probability integral transforms, NaN where a truth is not known; `known`:
    how many are; `coverage` at 68.27, 95.45 and 99.73 %, and the `chance` of deviations from it;
    `scatter` and `bias` of the medians (relative for lengths and fluxes); `nll` the mean negative
    log-likelihood a galaxy, of those of which every parameter is known.
    """

    names: tuple[str, ...]
    ranks: Float64[np.ndarray, "galaxy parameter"]
    known: Int64[np.ndarray, " parameter"]
    coverage: Float64[np.ndarray, "parameter level"]
    chance: Float64[np.ndarray, "parameter level"]
    distance: Float64[np.ndarray, " parameter"]
    scatter: Float64[np.ndarray, " parameter"]
    bias: Float64[np.ndarray, " parameter"]
    nll: float | None

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        truth: Float64[np.ndarray, "galaxy parameter"],
        null: Null | None = None,
    ) -> Calibration:
        """The judgement, NaN being unknown; `UsageError` where the two differ in number.

        `null` says how seldom a perfect posterior may be called anything else: once in a hundred
        sets where it is not given.
        """
        if len(posterior) != len(truth) or not len(truth):
            raise UsageError(
                f"posteriors and truths must be equally many, at least one; got {len(posterior)} "
                f"and {len(truth)}"
            )
        null = null or Null(len(truth), len(posterior.space), FALSE_ALARM / len(LEVELS))
        found, error = (
            ranks(posterior, truth),
            errors(posterior.median.numpy(), truth, posterior.space),
        )
        known = np.isfinite(truth).sum(axis=0)
        nulls = [null.among(int(count)) for count in known]
        whole = np.isfinite(truth).all(axis=1)
        complete = posterior.select(np.flatnonzero(whole).tolist())
        return cls(
            names=posterior.space.names,
            ranks=found,
            known=known,
            coverage=coverage(found, np.array(LEVELS)),
            chance=np.array([[part.share(level) for level in LEVELS] for part in nulls]),
            distance=np.array([uniform_distance(column) for column in found.T]),
            scatter=scatter(error),
            bias=np.nanmedian(error, axis=0),
            nll=_mean(negative_log_likelihood(complete, truth[whole])),
        )

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What each parameter's coverage says of its posterior's width."""
        pairs = zip(self.coverage, self.chance, strict=True)
        return tuple(Verdict.of(*pair) for pair in pairs)

    def report(self) -> dict[str, object]:
        """The figures as numbers and lists with names, ready for JSON."""
        rows = {
            name: {
                "galaxies": int(self.known[place]),
                "scatter": float(self.scatter[place]),
                "bias": float(self.bias[place]),
                "ks_distance": float(self.distance[place]),
                "verdict": self.verdicts[place].value,
                **{f"coverage_{100 * x:.2f}": float(c) for x, c in zip(LEVELS, row, strict=True)},
            }
            for place, (name, row) in enumerate(zip(self.names, self.coverage, strict=True))
        }
        return {"galaxies": len(self.ranks), "nll": self.nll, "parameters": rows}


def _mean(values: Float64[np.ndarray, " galaxy"]) -> float | None:
    """The mean, or none of nothing."""
    return float(values.mean()) if len(values) else None
