"""First guesses of light and radius, from curves of growth."""

import math
from dataclasses import replace

import pytest
import torch

from gampen.network.apertures import aperture_signal
from gampen.network.growth import PLACES, STRETCH, Growth, across, cleaned, guessed_radius
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


def growth_of(image, zoom=0.6, symmetric=False):
    """The growth of a crop's light."""
    crop = crop_of(image, zoom)
    views = crop.views(SETTINGS.views)
    return Growth.of(cleaned(views, crop.sampling) if symmetric else views, crop.sampling)


@pytest.mark.parametrize("zoom", [0.4, 0.6, 1.0])
def test_the_light_of_a_crop_that_holds_all_is_the_flux(zoom):
    assert float(growth_of(gaussian(4.0), zoom).total) == pytest.approx(1e5, rel=1e-3)


@pytest.mark.parametrize("radius", [2.0, 4.0, 8.0])
@pytest.mark.parametrize("zoom", [0.6, 1.0])
def test_the_curve_of_growth_is_that_of_the_galaxy_in_all_views(radius, zoom):
    growth = growth_of(gaussian(radius), zoom)
    pixels = growth.radii * zoom * 64
    expected = 1e5 * (1 - (-0.5 * (pixels / radius).square()).exp())
    assert bool((growth.light[0].diff() >= -2e-3 * 1e5).all())
    # resampling widens a galaxy by a third of a pixel, soft edges of circles by less
    assert float((growth.light[0] - expected).abs().max()) < 0.1e5 / radius


@pytest.mark.parametrize("radius", [2.0, 4.0, 8.0])
def test_half_of_the_light_is_seen_inside_the_half_light_radius(radius):
    found = float(growth_of(gaussian(radius)).log_radius.exp())
    assert found == pytest.approx(1.1774 * radius, rel=0.05)


@pytest.mark.parametrize("radius", [3.0, 5.0])
@pytest.mark.parametrize("zoom", [0.7, 1.0])
def test_the_shape_of_the_curve_does_not_depend_on_size_brightness_or_crop(radius, zoom):
    one = growth_of(gaussian(4.0)).shape()
    other = growth_of(gaussian(radius, flux=3e6), zoom).shape()
    assert one.shape == (1, len(PLACES))
    torch.testing.assert_close(one, other, rtol=0, atol=0.08 * STRETCH)


def test_the_psf_is_taken_off_in_quadrature_where_it_is_known():
    growth = growth_of(gaussian(4.0))
    seen = float(growth.log_radius.exp())
    unknown = float(guessed_radius(growth, torch.tensor([torch.nan])).exp())
    known = float(guessed_radius(growth, torch.tensor([5.0])).exp())
    assert unknown == pytest.approx(seen, rel=0.03)
    assert known == pytest.approx(math.sqrt(seen**2 - 2.5**2), rel=0.03)
    wider_than_the_galaxy = guessed_radius(growth, torch.tensor([50.0]))
    assert math.isfinite(float(wider_than_the_galaxy))


def test_in_the_dark_the_guess_is_a_share_of_the_crop():
    dark = growth_of(gaussian(4.0, flux=0.0) - 3)
    found = float(guessed_radius(dark, torch.tensor([3.0])).exp())
    assert found == pytest.approx(0.1 * 0.6 * 128, rel=0.05)


def test_light_of_nothing_is_still_positive():
    assert bool((growth_of(gaussian(4.0, flux=0.0) - 30).total > 0).all())


def test_a_crop_without_inner_views_has_a_curve_too():
    crop = replace(crop_of(gaussian(8.0)), inner=())
    growth = Growth.of(crop.views((1.0,)), crop.sampling)
    assert growth.light.shape == (1, len(growth.radii))
    assert float(growth.log_radius.exp()) == pytest.approx(1.1774 * 8, rel=0.1)


def test_a_bright_neighbour_is_taken_off_by_symmetry_and_the_galaxy_is_left():
    galaxy = gaussian(4.0)
    neighbour = torch.roll(gaussian(2.5, flux=3e5), (20, -12), dims=(2, 3))
    both = growth_of(galaxy + neighbour)
    cleaned = growth_of(galaxy + neighbour, symmetric=True)
    assert float(both.total) > 3.5e5
    assert float(cleaned.total) == pytest.approx(1e5, rel=0.1)
    alone = growth_of(galaxy, symmetric=True)
    assert float(alone.total) == pytest.approx(1e5, rel=1e-3)


def test_noise_alone_is_hardly_touched_by_symmetry():
    noise = torch.randn(20, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    cleaned = across(noise, torch.ones(20))
    assert float((cleaned != noise).float().mean()) < 0.01
