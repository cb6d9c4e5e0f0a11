"""Fluxes in AB magnitudes and nanojanskys, exact maps of the ln of a flux; and how they show."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.errors import UsageError
from gampen.probability.bijections import Exponential, Identity
from gampen.probability.marginals import Marginal

NANOJANSKY = 31.4  # the AB zero point of a nanojansky


def magnitudes(
    fluxes: Float[Tensor, "*draw galaxy"], zero_points: Float[Tensor, " galaxy"]
) -> Float[Tensor, "*draw galaxy"]:
    """AB magnitudes of fluxes [image units], `zero_point - 2.5 log10(flux)`."""
    return zero_points - 2.5 * fluxes.log10()


def nanojanskys(
    fluxes: Float[Tensor, "*draw galaxy"], zero_points: Float[Tensor, " galaxy"]
) -> Float[Tensor, "*draw galaxy"]:
    """Fluxes [nJy] of fluxes [image units], `flux * 10**((31.4 - zero_point) / 2.5)`."""
    return fluxes * 10 ** ((NANOJANSKY - zero_points) / 2.5)


def magnitude_marginal(flux: Marginal, zero_points: Float[Tensor, " galaxy"]) -> Marginal:
    """The marginal of the AB magnitude, NaN where the zero point is."""
    slope = torch.full_like(zero_points, -2.5 / math.log(10))
    return _positive(flux).affine(slope, zero_points, Identity())


def nanojansky_marginal(flux: Marginal, zero_points: Float[Tensor, " galaxy"]) -> Marginal:
    """The marginal of the flux [nJy], NaN where the zero point is."""
    offset = (NANOJANSKY - zero_points) * (math.log(10) / 2.5)
    return _positive(flux).affine(torch.ones_like(offset), offset, Exponential(0.0))


def signal_to_noise(
    flux: Float[Tensor, " galaxy"],
    radius: Float[Tensor, " galaxy"],
    psf_fwhm: Float[Tensor, " galaxy"],
    sky_sigma: Float[Tensor, " galaxy"],
) -> Float[Tensor, " galaxy"]:
    """Half of the flux over the sky noise inside the half-light circle, widened by the PSF.

    `0.5 flux / (sky_sigma sqrt(pi (radius^2 + (psf_fwhm / 2)^2)))`, with flux and sky_sigma [image
    units], the latter per pixel, and radius (of half of the light) and psf_fwhm [pixel].
    """
    return 0.5 * flux / (sky_sigma * (math.pi * (radius**2 + (psf_fwhm / 2) ** 2)).sqrt())


def _positive(flux: Marginal) -> Marginal:
    """The marginal itself; `UsageError` unless zero is its only bound."""
    if flux.bijection != Exponential(0.0):
        raise UsageError(
            "a magnitude needs a flux that is bounded below by zero, and only so; "
            f"got a parameter with {flux.bijection}"
        )
    return flux
