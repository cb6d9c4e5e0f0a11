"""The joint posterior at the truth: its highest-density level, and how surprising the truth is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from gampen.calibration.drawing import DRAWS, generator, level_among, parts_of
from gampen.calibration.labels import points_of
from gampen.posterior import Posterior


@dataclass(frozen=True, eq=False)
class JointDensity:
    """Each truth's density among those of draws of its own posterior, in unconstrained space.

    `level`: the probability of the region of higher density, uniform where posteriors are true;
    `excess`: by how much -ln density [nat] exceeds the draws' mean, zero on average where true;
    `variance`: that of the draws' ln density, by which chance moves the excess.
    """

    level: Float64[np.ndarray, " galaxy"]
    excess: Float64[np.ndarray, " galaxy"]
    variance: Float64[np.ndarray, " galaxy"]

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        truth: Float64[np.ndarray, "galaxy parameter"],
        seed: int,
        draws: int = DRAWS,
    ) -> JointDensity:
        """The truths' densities among those of seeded draws."""
        points = posterior.space.unconstrain(torch.from_numpy(truth))
        numbers = generator(seed, "joint")
        denser, excess, variance = [], [], []
        for part in parts_of(len(points), draws):
            chosen = posterior.select(part)
            mixture = chosen.mixture
            drawn = mixture.log_prob(points_of(chosen, draws, numbers))
            own = mixture.log_prob(points[part])
            denser.append((drawn > own).to(own.dtype).sum(dim=0))
            excess.append(drawn.mean(dim=0) - own)
            variance.append(drawn.var(dim=0))
        level = level_among(torch.cat(denser).numpy(), draws, seed)
        return cls(level, torch.cat(excess).numpy(), torch.cat(variance).numpy())
