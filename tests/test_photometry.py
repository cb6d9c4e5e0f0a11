"""Magnitudes and nanojanskys of fluxes, on the AB scale."""

import math

import pytest
import torch

from gampen.errors import UsageError
from gampen.photometry import (
    magnitude_marginal,
    magnitudes,
    nanojansky_marginal,
    nanojanskys,
    signal_to_noise,
)
from gampen.probability.bijections import Exponential, Identity
from gampen.probability.marginals import Marginal
from strategies import random_mixture

ZERO_POINTS = torch.tensor([27.0, 31.4, 22.5], dtype=torch.float64)
FLUX = Marginal.of(random_mixture(3, 4, 1), Exponential(0.0))


def test_a_flux_of_one_has_the_zero_point_as_its_magnitude():
    one = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(magnitudes(one, ZERO_POINTS), ZERO_POINTS)
    assert math.isclose(nanojanskys(one, ZERO_POINTS)[1].item(), 1)


def test_a_nanojansky_is_a_magnitude_of_31_4():
    fluxes = torch.tensor([3.0, 40.0, 0.2], dtype=torch.float64)
    expected = 31.4 - 2.5 * nanojanskys(fluxes, ZERO_POINTS).log10()
    torch.testing.assert_close(magnitudes(fluxes, ZERO_POINTS), expected)


def test_quantiles_of_the_magnitude_are_magnitudes_of_the_fluxes_quantiles():
    magnitude = magnitude_marginal(FLUX, ZERO_POINTS)
    torch.testing.assert_close(magnitude.ppf(0.1), magnitudes(FLUX.ppf(0.9), ZERO_POINTS))


def test_every_statistic_of_the_flux_scales_to_nanojanskys():
    scaled = nanojansky_marginal(FLUX, ZERO_POINTS)
    for statistic in ("mean", "median", "mode", "std"):
        expected = nanojanskys(getattr(FLUX, statistic), ZERO_POINTS)
        torch.testing.assert_close(getattr(scaled, statistic), expected)
    torch.testing.assert_close(scaled.skewness, FLUX.skewness)


def test_an_unknown_zero_point_gives_nan():
    unknown = torch.tensor([27.0, math.nan, 27.0], dtype=torch.float64)
    for marginal in (magnitude_marginal(FLUX, unknown), nanojansky_marginal(FLUX, unknown)):
        assert marginal.median.isnan().tolist() == [False, True, False]


def test_a_flux_that_may_be_negative_has_no_magnitude():
    with pytest.raises(UsageError, match="bounded below by zero"):
        magnitude_marginal(
            Marginal(FLUX.density).affine(*[ZERO_POINTS] * 2, Identity()), ZERO_POINTS
        )


def test_signal_to_noise_is_half_of_the_flux_over_the_noise_of_the_widened_half_light_circle():
    flux, radius, fwhm, sigma = 300.0, 20.3, 9.0, 0.2
    offset = torch.arange(-40, 41, dtype=torch.float64)
    pixels = (torch.hypot(offset[:, None], offset) < math.hypot(radius, fwhm / 2)).sum()
    expected = 0.5 * flux / (sigma * pixels.double().sqrt())
    given = (torch.tensor([value], dtype=torch.float64) for value in (flux, radius, fwhm, sigma))
    # a circle of 21 pixels holds as many pixels as its area says to 1 %
    torch.testing.assert_close(signal_to_noise(*given)[0], expected, rtol=0.01, atol=0)


def test_signal_to_noise_has_no_unit():
    flux, radius, fwhm, sigma = torch.rand(4, 5, dtype=torch.float64) + 1
    expected = signal_to_noise(flux, radius, fwhm, sigma)
    torch.testing.assert_close(signal_to_noise(7 * flux, radius, fwhm, 7 * sigma), expected)
