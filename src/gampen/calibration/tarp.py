"""TARP: tests of accuracy with random points (Lemos et al. 2023, arXiv:2302.03026)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gampen.calibration.drawing import DRAWS, generator, level_among, parts_of
from gampen.calibration.labels import points_of
from gampen.posterior import Posterior


def references(posterior: Posterior, seed: int) -> Float[Tensor, "galaxy parameter"]:
    """A point a galaxy to measure distances from, in unconstrained space: a draw of its posterior.

    A reference may depend on the data in any way, only not on the truth. One that is close sees the
    posterior's extent; one from far away sees only a line through it.
    """
    return points_of(posterior, 1, generator(seed, "reference"))[0]


def tarp_levels(
    posterior: Posterior,
    truth: Float64[np.ndarray, "galaxy parameter"],
    reference: Float[Tensor, "galaxy parameter"],
    seed: int,
    draws: int = DRAWS,
) -> Float64[np.ndarray, " galaxy"]:
    """The share of draws closer to the reference than the truth: uniform where posteriors are true.

    Distances are Euclidean in unconstrained space, each parameter in its own posterior deviations.
    """
    points = posterior.space.unconstrain(torch.from_numpy(truth))
    scale = posterior.mixture.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    numbers = generator(seed, "tarp")
    closer = []
    for part in parts_of(len(points), draws):
        drawn = points_of(posterior.select(part), draws, numbers)
        places = torch.cat([points[part][None], drawn])
        distance = ((places - reference[part]) / scale[part]).norm(dim=-1)
        closer.append((distance[1:] < distance[0]).to(distance.dtype).sum(dim=0))
    return level_among(torch.cat(closer).numpy(), draws, seed)
