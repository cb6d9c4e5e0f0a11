"""What a mixture says of points that are known with an error each, or not all of them.

A Gaussian mixture stays one when Gaussian errors are added to what it speaks of, and when some of
its dimensions are left out: both are exact, and differentiable.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.probability.mixtures import GaussianMixture


def blurred_log_prob(
    mixture: GaussianMixture,
    points: Float[Tensor, "galaxy parameter"],
    spread: Float[Tensor, "galaxy component parameter"],
) -> Float[Tensor, " galaxy"]:
    """ln of the density at points, each the mixture's own plus a normal error of this `spread`.

    A point that is NaN is not known: the density is then that of the others, whatever it is. Worked
    out in double precision, in which the narrowest posteriors keep their digits.
    """
    exact, noise = mixture.to(torch.float64), spread.to(torch.float64)
    known = points.isfinite()
    patterns, which = torch.unique(known, dim=0, return_inverse=True)
    found = torch.zeros(len(points), dtype=torch.float64, device=points.device)
    for number, pattern in enumerate(patterns):
        rows = (which == number).nonzero().squeeze(1)
        places = pattern.nonzero().squeeze(1).tolist()
        if not places:
            continue
        some = exact if len(rows) == len(points) else exact.select(rows)
        part = some if bool(pattern.all()) else _marginal(some, places)
        told = points[rows][:, places].to(torch.float64)
        found = found.index_put((rows,), _blurred(part, told, noise[rows][..., places]))
    return found


def _marginal(mixture: GaussianMixture, places: list[int]) -> GaussianMixture:
    """`GaussianMixture.marginal`, by a factorisation that has a derivative."""
    others = [place for place in range(mixture.parameters) if place not in places]
    turned = mixture.precision_cholesky[..., [*others, *places], :].mT
    upper = torch.linalg.qr(turned, mode="reduced")[1]
    sign = torch.where(upper.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(upper.dtype)
    factor = (upper * sign.unsqueeze(-1)).mT[..., len(others) :, len(others) :]
    return GaussianMixture(mixture.log_weights, mixture.means[..., places], factor)


def _blurred(
    mixture: GaussianMixture,
    points: Float[Tensor, "galaxy parameter"],
    spread: Float[Tensor, "galaxy component parameter"],
) -> Float[Tensor, " galaxy"]:
    """ln of the density at points that are known.

    With the precision L L^T and the noise's covariance E, the sum of both covariances is
    L^-T (1 + L^T E L) L^-1. What is factorised is never smaller than the identity, so that neither
    an inverse nor a narrow posterior can lose its digits.
    """
    factor = mixture.precision_cholesky
    offsets = (points.unsqueeze(-2) - mixture.means).unsqueeze(-1)
    whitened = factor.mT @ offsets
    noisy = spread.unsqueeze(-1) * factor
    identity = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    grown = torch.linalg.cholesky_ex(identity + noisy.mT @ noisy).L
    reach = torch.linalg.solve_triangular(grown, whitened, upper=False).squeeze(-1)
    log_volume = (grown.diagonal(dim1=-2, dim2=-1) / factor.diagonal(dim1=-2, dim2=-1)).log()
    constant = 0.5 * math.log(2 * math.pi) * points.shape[-1]
    density = -0.5 * reach.square().sum(dim=-1) - log_volume.sum(dim=-1) - constant
    return torch.logsumexp(mixture.log_weights + density, dim=-1)
