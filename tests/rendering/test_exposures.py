"""Exposures: noise made independent exactly, bad pixels left out exactly."""

import pytest
import torch

from gampen.errors import UsageError
from gampen.rendering.exposures import Exposure, Whitening, slope_of, sloped, widened
from gampen.rendering.noise import correlate
from gampen.rendering.psf import Gaussian, Moffat, PixelPSF
from isolated import exposure, mixed_psf

HEIGHT, WIDTH = 9, 12


def small(correlation=0.3, galaxies=1):
    return exposure(galaxies, correlation, shape=(HEIGHT, WIDTH))


def correlated(correlation):
    """What each white pixel of the padded frame adds to the noise: pixels x white pixels."""
    number = (HEIGHT + 2) * (WIDTH + 2)
    each = torch.eye(number, dtype=torch.float64).view(number, HEIGHT + 2, WIDTH + 2)
    strength = torch.full((number,), correlation, dtype=torch.float64)
    return correlate(each, strength).flatten(1).T


@pytest.mark.parametrize("correlation", [0.1, 0.3, 0.45])
def test_whitened_noise_has_unit_covariance_up_to_the_edges(correlation):
    seen, noise = small(correlation), correlated(correlation)
    images = noise.T.reshape(1, -1, HEIGHT, WIDTH)
    white = Whitening.of(seen)(images, seen.bad)[0].flatten(1)
    one = torch.eye(HEIGHT * WIDTH, dtype=torch.float64)
    torch.testing.assert_close(white.T @ white, one, rtol=0, atol=1e-8)


def test_independent_noise_stays_as_it_is():
    seen = small(correlation=0.0)
    images = torch.randn(1, 3, HEIGHT, WIDTH, dtype=torch.float64)
    assert torch.equal(Whitening.of(seen)(images, seen.bad), images)


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.4])
def test_bad_pixels_are_left_out_of_the_covariance(correlation):
    seen = small(correlation)
    bad = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    bad[0, 2:6, 3:7] = bad[0, 8, 11] = True
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(1, 2, HEIGHT, WIDTH, generator=generator, dtype=torch.float64)
    good, noise = ~bad.flatten(), correlated(correlation)
    covariance = (noise @ noise.T)[good][:, good]
    kept = images[0].flatten(1)[:, good]
    expected = kept @ torch.linalg.inv(covariance) @ kept.T
    white = Whitening.of(seen)(images.masked_fill(bad[:, None], torch.nan), bad)[0].flatten(1)
    torch.testing.assert_close(white @ white.T, expected, rtol=1e-5, atol=1e-5)


def test_a_bad_pixel_next_to_good_ones_tells_less_than_a_pixel_of_nought():
    # seen to fail: leaving the pixel at nought would claim to know its noise
    seen = small(0.4)
    bad = seen.bad.clone()
    bad[0, 4, 5] = True
    image = torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.float64)
    whitening = Whitening.of(seen)
    nought = whitening(image.masked_fill(bad[:, None], 0), seen.bad)
    assert whitening(image, bad).square().sum() < 0.9 * nought.square().sum()


def test_some_exposures_are_taken_with_all_that_belongs_to_them():
    seen = exposure(6, psf=mixed_psf(6))
    again = seen.take(torch.tensor([2, 2, 5]))
    assert isinstance(again, Exposure)
    assert len(again) == 3
    assert torch.equal(again.psf.weights, seen.psf.weights[[2, 2, 5]])
    assert again.oversampling == seen.oversampling


def test_the_slope_of_a_composite_is_that_of_its_core():
    psf = mixed_psf(3)
    steeper = sloped(psf, slope_of(psf) + 1)
    assert torch.equal(slope_of(steeper), slope_of(psf) + 1)
    assert torch.equal(steeper.parts[2].beta, psf.parts[2].beta)


def test_what_cannot_be_unsure_is_refused():
    one = torch.ones(1, dtype=torch.float64)
    with pytest.raises(UsageError, match=r"family; got PixelPSF; set psf_error=0"):
        widened(PixelPSF(one.view(1, 1, 1)), one)
    with pytest.raises(UsageError, match="Moffat PSF; got Gaussian"):
        sloped(Gaussian(one), one)
    assert slope_of(Gaussian(one)) is None
    assert slope_of(Moffat(one, 2 * one)) == 2
