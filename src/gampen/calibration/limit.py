"""How well any method could know an isolated galaxy: the information limit, and a network's share.

The Bayesian Cramer-Rao bound (van Trees 1968, Detection, Estimation, and Modulation Theory, part I;
Gill & Levit 1995, doi:10.2307/3318681): no estimate's mean squared error is below the inverse of

    J^t C^-1 J + P,

with J the derivatives of the image by all coordinates, targets and nuisances alike, C the noise's
covariance over the good pixels and P the information of the prior. Here it is taken galaxy by
galaxy at the truth, so it is the width of the posterior that a perfect method would tell, as far as
that posterior is normal: of a bright galaxy. A faint one's may be narrower, since the prior's edges
bind it; Markov chains (`gold_standard`) are its measure. A uniform prior's own information is
infinite, from its edges; it is given that of the normal of its variance, `12 / width^2`, in the
coordinate that is used here. The little that the variance of C says of the light is left out.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gampen.calibration.priors import Priors
from gampen.calibration.scores import SIGMA_QUANTILES
from gampen.posterior import Posterior
from gampen.probability.bijections import Identity
from gampen.probability.marginals import Marginal
from gampen.rendering.coordinates import COORDINATES, TARGETS, coordinates_of, quantity_slopes
from gampen.rendering.derivatives import Slopes
from gampen.rendering.exposures import Exposure, Whitening, slope_of
from gampen.rendering.sersic import Sersic

PIXELS_AT_ONCE = 2**15  # so that the spectra of all derivatives stay near the processor
_BULGE, _DISK = 0, 5  # the places of the two ln fluxes among the quantities


def information_limit(
    profile: Sersic, exposure: Exposure, priors: Priors
) -> Float64[Tensor, "galaxy parameter parameter"]:
    """The least covariance of the targets of each bulge (component 0) and disk (component 1).

    In the unconstrained space of `MORPHOLOGY`: logistic bulge_to_total, ln effective_radius and ln
    flux, so that the pixel's and the image's units do not matter.
    """
    points = coordinates_of(profile, slope_of(exposure.psf))
    return least_covariance(points, exposure, priors)[:, :TARGETS, :TARGETS]


def least_covariance(
    points: Float64[Tensor, "galaxy coordinate"], exposure: Exposure, priors: Priors
) -> Float64[Tensor, "galaxy coordinate coordinate"]:
    """The inverse of information and prior at each point, over all coordinates.

    Coordinates are measured in their prior's deviation, in which the prior's information is one and
    what is known exactly drops out.
    """
    prior = priors.deviations(exposure)
    scale = prior[:, :, None] * prior[:, None, :]
    scaled = information(points, exposure, priors) * scale
    one = torch.eye(len(COORDINATES), dtype=torch.float64)
    covariance: Tensor = torch.linalg.inv(scaled + one)
    return covariance * scale


def information(
    points: Float64[Tensor, "galaxy coordinate"], exposure: Exposure, priors: Priors
) -> Float64[Tensor, "galaxy coordinate coordinate"]:
    """What the image says of the coordinates, `J^t C^-1 J` (the Fisher information).

    Images are in the precision of the exposure, sums over pixels in double precision. Nothing is
    asked of the PSF where the priors know it.
    """
    quantities, slopes = quantity_slopes(points)
    unsure = [priors.laws[name].variance > 0 for name in COORDINATES[-2:]]
    pixels = exposure.bad[0].numel() * exposure.oversampling**2
    size, parts = max(1, PIXELS_AT_ONCE // pixels), []
    for start in range(0, len(points), size):
        some = slice(start, start + size)
        parts.append(_quantity_information(quantities[some], exposure.take(some), unsure))
    return slopes.mT @ torch.cat(parts) @ slopes


@torch.no_grad()
def _quantity_information(
    quantities: Float64[Tensor, "galaxy quantity"], exposure: Exposure, unsure: list[bool]
) -> Float64[Tensor, "galaxy quantity quantity"]:
    images = Slopes(quantities.to(exposure.sky_sigma.dtype), exposure, *unsure).images()
    deviation = exposure.variance(images[:, _BULGE] + images[:, _DISK]).sqrt()
    white = Whitening.of(exposure)(images / deviation[:, None], exposure.bad)
    rows = white.flatten(2).to(torch.float64)
    return rows @ rows.mT


def deviations(
    covariance: Float64[Tensor, "galaxy parameter parameter"],
) -> Float64[Tensor, "galaxy parameter"]:
    """The standard deviation of each parameter."""
    return covariance.diagonal(dim1=1, dim2=2).sqrt()


def posterior_widths(posterior: Posterior) -> Float64[Tensor, "galaxy parameter"]:
    """Half of the central 68.27 % of each marginal, in unconstrained space."""
    widths = []
    for place in range(len(posterior.space)):
        marginal = Marginal.of(posterior.mixture.marginal([place]), Identity())
        low, high = (marginal.ppf(level) for level in SIGMA_QUANTILES)
        widths.append((high - low) / 2)
    return torch.stack(widths, dim=1)


def draw_widths(
    draws: Float64[Tensor, "draw galaxy parameter"],
) -> Float64[Tensor, "galaxy parameter"]:
    """Half of the range that holds the central 68.27 % of each parameter's draws."""
    places = (1 + round(level * (len(draws) - 1)) for level in SIGMA_QUANTILES)
    low, high = (draws.kthvalue(place, dim=0).values for place in places)
    return (high - low) / 2


def width_ratios(
    posterior: Posterior, least: Float64[Tensor, "galaxy parameter"]
) -> Float64[Tensor, "galaxy parameter"]:
    """How many times wider each marginal is than the least deviation, or than the widths of draws.

    `sigma_net / sigma_bound`: 1 where nothing of the image's information is lost.
    """
    return posterior_widths(posterior) / least


def medians_by_bin(
    values: Float64[Tensor, "galaxy parameter"],
    signal_to_noise: Float[Tensor, " galaxy"],
    edges: Float[Tensor, " edge"],
) -> Float64[Tensor, "bin parameter"]:
    """The median of each parameter's values between each two edges; NaN where there are none.

    A galaxy on an edge belongs to the bin above it.
    """
    place = torch.bucketize(signal_to_noise, edges, right=True)
    medians = torch.full((len(edges) - 1, values.shape[1]), torch.nan, dtype=values.dtype)
    for number in range(len(edges) - 1):
        inside = values[place == number + 1]
        if len(inside):
            medians[number] = inside.quantile(0.5, dim=0)
    return medians
