"""Proper scores: smallest on average for the sharpest posterior that is true.

In unconstrained space, where every parameter is without bounds and without unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gampen.calibration.drawing import DRAWS, generator, parts_of
from gampen.calibration.labels import points_of
from gampen.calibration.scores import negative_log_likelihood
from gampen.posterior import Posterior
from gampen.probability.densities import Density


@dataclass(frozen=True, eq=False)
class ProperScores:
    """Every galaxy's -ln density at the truth [nat], CRPS of each marginal, and energy score."""

    names: tuple[str, ...]
    nll: Float64[np.ndarray, " galaxy"]
    crps: Float64[np.ndarray, "galaxy parameter"]
    energy: Float64[np.ndarray, " galaxy"]

    @classmethod
    def of(
        cls, posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"], seed: int
    ) -> ProperScores:
        """The scores of posteriors given their truths."""
        return cls(
            posterior.space.names,
            negative_log_likelihood(posterior, truth),
            crps(posterior, truth),
            energy_score(posterior, truth, seed),
        )

    @property
    def joint(self) -> dict[str, Float64[np.ndarray, " galaxy"]]:
        """Each kind of score, of all parameters together; the CRPS is their mean."""
        return {"nll": self.nll, "crps": self.crps.mean(axis=1), "energy": self.energy}

    @property
    def means(self) -> dict[str, float]:
        """The mean over galaxies of each score, and of each parameter's CRPS."""
        found = {name: float(score.mean()) for name, score in self.joint.items()}
        columns = zip(self.names, self.crps.mean(axis=0).tolist(), strict=True)
        return found | {f"crps_{name}": mean for name, mean in columns}

    def advantages(self, rival: ProperScores) -> dict[str, float]:
        """By how many standard errors each score is smaller than a rival's."""
        theirs = rival.joint
        return {name: advantage(score, theirs[name]) for name, score in self.joint.items()}


def crps(
    posterior: Posterior, truth: Float64[np.ndarray, "galaxy parameter"]
) -> Float64[np.ndarray, "galaxy parameter"]:
    """The continuous ranked probability score of each marginal, in unconstrained space.

    Exact for Gaussian mixtures (Grimit et al. 2006, doi:10.1256/qj.05.235); smaller is better.
    """
    points = posterior.space.unconstrain(torch.from_numpy(truth)).unbind(-1)
    columns = zip(posterior.marginals, points, strict=True)
    scores = [_mixture_crps(marginal.density, column) for marginal, column in columns]
    found: np.ndarray = torch.stack(scores, dim=-1).numpy()
    return found


def energy_score(
    posterior: Posterior,
    truth: Float64[np.ndarray, "galaxy parameter"],
    seed: int,
    draws: int = DRAWS,
) -> Float64[np.ndarray, " galaxy"]:
    """The energy score of each joint posterior, in unconstrained space; smaller is better.

    Mean distance of draws from the truth, less half of that of each draw from the next (Gneiting
    and Raftery 2007, doi:10.1198/016214506000001437), from seeded draws.
    """
    points = posterior.space.unconstrain(torch.from_numpy(truth))
    numbers = generator(seed, "energy")
    scores = []
    for part in parts_of(len(points), draws):
        drawn = points_of(posterior.select(part), draws, numbers)
        apart = (drawn - drawn.roll(1, dims=0)).norm(dim=-1).mean(dim=0)
        scores.append((drawn - points[part]).norm(dim=-1).mean(dim=0) - 0.5 * apart)
    found: np.ndarray = torch.cat(scores).numpy()
    return found


def advantage(
    scores: Float64[np.ndarray, " galaxy"], rival: Float64[np.ndarray, " galaxy"]
) -> float:
    """By how many standard errors the mean score is smaller than a rival's of the same galaxies."""
    gain = rival - scores
    error = float(gain.std()) / math.sqrt(len(gain))
    return float(gain.mean()) / error if error else 0.0


def _mixture_crps(density: Density, points: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
    """The score of one-dimensional mixtures: distances to the points less half of those within."""
    weights, means, deviations = density.log_weights.exp(), density.means, density.deviations
    score = (weights * _mean_distance(points - means, deviations)).sum(dim=0)
    for weight, mean, deviation in zip(weights, means, deviations, strict=True):
        spread = (deviations.square() + deviation.square()).sqrt()
        score -= 0.5 * weight * (weights * _mean_distance(means - mean, spread)).sum(dim=0)
    return score


def _mean_distance(
    offset: Float[Tensor, "component galaxy"], deviation: Float[Tensor, "component galaxy"]
) -> Float[Tensor, "component galaxy"]:
    """The mean absolute value of Gaussians of these means and deviations."""
    z = offset / deviation
    peak = math.sqrt(2 / math.pi) * (-0.5 * z.square()).exp()
    return deviation * peak + offset * torch.erf(z * math.sqrt(0.5))
