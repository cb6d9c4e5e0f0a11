"""First guesses of light and radius, from curves of growth."""

import math
from dataclasses import replace

import pytest
import torch

from gampen.network.apertures import aperture_signal
from gampen.network.growth import crop_light, growth_curve, guessed_radius, seen_radius
from gampen.network.transformer import SpatialTransformer
from gampen.settings import NetworkSettings

SETTINGS = NetworkSettings(views=(1.0, 0.25))


def gaussian(radius, flux=1e5, side=128):
    """A round Gaussian in the middle of the frame; its half-light radius is 1.177 `radius`."""
    axis = torch.arange(side) - (side - 1) / 2
    square = axis[:, None] ** 2 + axis[None, :] ** 2
    return (flux * (-square / (2 * radius**2)).exp() / (2 * math.pi * radius**2))[None, None]


def crop_of(image, zoom=0.6):
    """The crop of a frame, of a known size."""
    torch.manual_seed(0)
    theta = torch.tensor([[[zoom, 0.0, 0.0], [0.0, zoom, 0.0]]])
    signal = aperture_signal(image, torch.zeros(1, 2))
    return SpatialTransformer(SETTINGS).crop(image, theta, signal)


@pytest.mark.parametrize("zoom", [0.4, 0.6, 1.0])
def test_the_light_of_a_crop_that_holds_all_is_the_flux(zoom):
    assert float(crop_light(crop_of(gaussian(4.0), zoom))) == pytest.approx(1e5, rel=1e-3)


@pytest.mark.parametrize("radius", [2.0, 4.0, 8.0])
@pytest.mark.parametrize("zoom", [0.6, 1.0])
def test_the_curve_of_growth_is_that_of_the_galaxy_in_all_views(radius, zoom):
    crop = crop_of(gaussian(radius), zoom)
    shares, light = growth_curve(crop, SETTINGS.views)
    pixels = shares * zoom * 64
    expected = 1e5 * (1 - (-0.5 * (pixels / radius).square()).exp())
    assert bool((light[0].diff() >= -0.1).all())
    # resampling widens a galaxy by a third of a pixel, soft edges of circles by less
    assert float((light[0] - expected).abs().max()) < 0.1e5 / radius


@pytest.mark.parametrize("radius", [2.0, 4.0, 8.0])
def test_half_of_the_light_is_seen_inside_the_half_light_radius(radius):
    found = float(seen_radius(crop_of(gaussian(radius)), SETTINGS.views).exp())
    assert found == pytest.approx(1.1774 * radius, rel=0.05)


def test_the_psf_is_taken_off_in_quadrature_where_it_is_known():
    crop = crop_of(gaussian(4.0))
    seen = float(seen_radius(crop, SETTINGS.views).exp())
    unknown = float(guessed_radius(crop, SETTINGS.views, torch.tensor([torch.nan])).exp())
    known = float(guessed_radius(crop, SETTINGS.views, torch.tensor([5.0])).exp())
    assert unknown == pytest.approx(seen, rel=0.03)
    assert known == pytest.approx(math.sqrt(seen**2 - 2.5**2), rel=0.03)
    wider_than_the_galaxy = guessed_radius(crop, SETTINGS.views, torch.tensor([50.0]))
    assert math.isfinite(float(wider_than_the_galaxy))


def test_in_the_dark_the_guess_is_a_share_of_the_crop():
    noise = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(2))
    dark = crop_of(gaussian(4.0, flux=0.0) - 3 + 0 * noise)
    found = float(guessed_radius(dark, SETTINGS.views, torch.tensor([3.0])).exp())
    assert found == pytest.approx(0.1 * 0.6 * 128, rel=0.05)


def test_a_crop_without_inner_views_has_a_curve_too():
    crop = replace(crop_of(gaussian(8.0)), inner=())
    shares, light = growth_curve(crop, (1.0,))
    assert light.shape == (1, len(shares))
    assert float(seen_radius(crop, (1.0,)).exp()) == pytest.approx(1.1774 * 8, rel=0.1)
