"""The learned crop: bounded, conserving light, without aliasing, in the place it states."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gampen.network.transformer import (
    FREEDOMS,
    LARGEST_SHEAR,
    LARGEST_SHIFT,
    LEAST_ZOOM,
    START_ZOOM,
    SpatialTransformer,
    crop_sampling,
    crop_zoom,
    on_frame,
    resample,
)
from gampen.settings import CropFreedom, NetworkSettings

# The determinant of the stretch, shear and turn of an affine map, at its extremes.
AFFINE_LOW, AFFINE_HIGH = math.sqrt(1 - 2 * LARGEST_SHEAR**2), math.sqrt(1 + LARGEST_SHEAR**2)
raw_numbers = st.lists(
    st.sampled_from([-1e30, -1e3, 1e3, 1e30]) | st.floats(-5, 5), min_size=6, max_size=6
)


def galaxy(height, width, radius, x=0.0, y=0.0):
    """A round Gaussian of one unit of flux, off the centre by x and y [pixel]."""
    rows = torch.arange(height) - (height - 1) / 2 - y
    columns = torch.arange(width) - (width - 1) / 2 - x
    square = rows[:, None] ** 2 + columns[None, :] ** 2
    return ((-square / (2 * radius**2)).exp() / (2 * math.pi * radius**2))[None, None]


def noise(side, galaxies=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(galaxies, 1, side, side, generator=generator)


def theta(zoom, x=0.0, y=0.0, galaxies=1):
    """A centred zoom, shifted by x and y [half-frames]."""
    return torch.tensor([[[zoom, 0.0, x], [0.0, zoom, y]]]).repeat(galaxies, 1, 1)


def transformer(freedom=CropFreedom.ZOOM, strength=0.0):
    """An untrained transformer, whose last layer is random where a strength is given."""
    torch.manual_seed(0)
    settings = NetworkSettings(crop=freedom, crop_size=16, widths=(8,), views=(1.0, 0.5))
    built = SpatialTransformer(settings).requires_grad_(False)
    if strength:
        nn.init.normal_(built.propose[-1].weight, std=strength)
    return built


def light_in(crop, pixels, seen):
    """The light inside of a crop."""
    sampling = crop_sampling(pixels, seen, crop.shape[-1])
    return float(crop.sum() * sampling.square())


def centroid(crop):
    """Where the light lies from the crop's centre [crop pixel], x and y."""
    image = crop[0, 0]
    axis = torch.arange(len(image)) - (len(image) - 1) / 2
    return torch.stack([(image.sum(0) * axis).sum(), (image.sum(1) * axis).sum()]) / image.sum()


def extent(crop):
    """The standard deviation of the light along x and y [crop pixel]."""
    image = crop[0, 0]
    square = (torch.arange(len(image)) - (len(image) - 1) / 2) ** 2
    return torch.stack([(image.sum(n) * square).sum() for n in (0, 1)]).sqrt() / image.sum().sqrt()


@pytest.mark.parametrize("freedom", CropFreedom)
@given(numbers=raw_numbers)
def test_no_raw_numbers_lead_out_of_the_bounds(freedom, numbers):
    rule = FREEDOMS[freedom]()
    found = rule.theta(torch.tensor([numbers])[:, : rule.raw_size])
    zoom = torch.linalg.det(found[:, :, :2]).sqrt()
    affine = freedom is CropFreedom.AFFINE
    low, high = (AFFINE_LOW, AFFINE_HIGH) if affine else (1.0, 1.0)
    assert LEAST_ZOOM * low - 1e-6 <= float(zoom) <= high + 1e-6
    assert float(found[:, :, 2].abs().max()) <= LARGEST_SHIFT + 1e-6


@pytest.mark.parametrize("freedom", CropFreedom)
def test_raw_zeros_are_the_start(freedom):
    rule = FREEDOMS[freedom]()
    torch.testing.assert_close(rule.theta(torch.zeros(1, rule.raw_size)), theta(START_ZOOM))


@given(st.floats(-5, 5), st.floats(0.1, 3))
def test_a_larger_raw_number_is_a_larger_zoom(raw, more):
    rule = FREEDOMS[CropFreedom.ZOOM]()
    low, high = rule.theta(torch.tensor([[raw], [raw + more]]))[:, 0, 0]
    assert float(low) < float(high)


@pytest.mark.parametrize("freedom", CropFreedom)
@pytest.mark.filterwarnings("error")
def test_an_untrained_transformer_starts_with_the_same_crop_for_all(freedom):
    crop = transformer(freedom)(noise(48))
    torch.testing.assert_close(crop.zoom, torch.full((4,), START_ZOOM))


@pytest.mark.parametrize("side", [48, 143, 256])
@pytest.mark.parametrize("zoom", [0.25, 0.4, 0.55, 0.7, 0.85, 1.0])
def test_light_is_conserved_at_every_zoom(zoom, side):
    image = galaxy(side, side, side / 50)
    assert abs(light_in(resample(image, theta(zoom), 64), image, theta(zoom)) - 1) < 1e-4


def test_at_the_least_zoom_the_light_inside_the_crop_is_conserved():
    image, seen = galaxy(143, 143, 1.5), theta(LEAST_ZOOM)
    assert abs(light_in(resample(image, seen, 64), image, seen) - 1) < 1e-4


def test_light_and_its_place_and_extent_do_not_depend_on_where_pixels_fall():
    image = galaxy(64, 64, 1.2, x=0.3, y=-0.2)
    for shift in (0.0, 0.1, 0.25, 0.5):
        seen = theta(0.5, shift / 32)
        crop = resample(image, seen, 32)
        assert light_in(crop, image, seen) == pytest.approx(1, abs=1e-5)
        expected = torch.tensor([0.3 - shift, -0.2])
        torch.testing.assert_close(centroid(crop), expected, atol=1e-4, rtol=0)
        # a crop pixel's box and the hat function each widen the light by a known variance
        wide = (crop[0, 0].sum(1) * (torch.arange(32) - 15.5 + 0.2).square()).sum()
        assert float(wide) == pytest.approx(1.2**2 + 1 / 12 + 1 / 6, abs=2e-3)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_an_inner_view_is_the_middle_of_the_crop(share):
    image = noise(64)
    inner = resample(image, theta(0.8, galaxies=4), 32, share)
    torch.testing.assert_close(inner, resample(image, theta(0.8 * share, galaxies=4), 32))


def test_a_map_that_only_zooms_is_seen_alike_by_both_ways_of_resampling():
    image, seen = galaxy(64, 64, 5.0, x=2.0), theta(0.7, 0.05, -0.02)
    turned = seen.clone()
    turned[:, 0, 1] = 1e-6
    torch.testing.assert_close(
        resample(image, seen, 32), resample(image, turned, 32), atol=1e-4, rtol=0.05
    )


def test_crops_are_centred_on_the_target():
    image = 1000 * galaxy(64, 64, 2.0, x=2.4, y=-1.7) + noise(64, galaxies=1)
    crop = transformer()(image)
    place = crop.theta[0, :, 2] * 32
    torch.testing.assert_close(place, torch.tensor([2.4, -1.7]), atol=0.1, rtol=0)
    assert [view.shape for view in (crop.pixels, *crop.inner)] == [(1, 1, 16, 16)] * 2


@pytest.mark.parametrize("side", [128, 181, 256])
def test_a_shrunk_crop_of_noise_is_an_average_not_a_sample(side):
    crop = resample(noise(side), theta(1.0, galaxies=4), 64)
    average = (64 / side) ** 2
    found = float(crop[:, :, 2:-2, 2:-2].var())
    assert 0.3 * average < found < 1.05 * average


def test_the_whole_frame_at_its_own_size_is_the_frame_read_as_piecewise_linear():
    image = noise(48)
    crop = resample(image, theta(1.0, galaxies=4), 48)
    # the mean over a pixel of a line through its neighbours weighs them 1 : 6 : 1
    kernel = torch.tensor([1.0, 6.0, 1.0]) / 8
    expected = nn.functional.conv2d(image, (kernel[:, None] * kernel)[None, None], padding=1)
    torch.testing.assert_close(crop, expected, rtol=1e-4, atol=1e-4)
    assert float(crop_sampling(image[:1], theta(1.0), 48)) == pytest.approx(1)


@pytest.mark.parametrize(("x", "y"), [(0.1, 0.0), (0.0, -0.1), (0.05, 0.08)])
@pytest.mark.parametrize("zoom", [0.4, 0.8])
def test_a_shift_moves_the_galaxy_by_the_stated_pixels(x, y, zoom):
    side, size = 100, 64
    image, seen = galaxy(side, side, 4.0), theta(zoom, x, y)
    crop = resample(image, seen, size)
    stated = -torch.tensor([x, y]) * (side / 2) / crop_sampling(image, seen, size)
    torch.testing.assert_close(centroid(crop), stated, atol=0.05, rtol=0)


def test_a_galaxy_off_the_centre_is_found_where_it_lies():
    image = galaxy(100, 100, 4.0, x=5.0, y=-3.0)
    crop = resample(image, theta(0.5), 64)
    stated = torch.tensor([5.0, -3.0]) / crop_sampling(image, theta(0.5), 64)
    torch.testing.assert_close(centroid(crop), stated, atol=0.05, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(100, 100), (80, 125), (160, 62), (143, 142)])
def test_a_frame_that_is_not_square_squeezes_no_galaxy(height, width):
    image, seen = galaxy(height, width, 5.0), on_frame(theta(0.5), height, width)
    crop = resample(image, seen, 64)
    stated = 5.0 / float(crop_sampling(image, seen, 64))
    torch.testing.assert_close(extent(crop), torch.full((2,), stated), rtol=0.03, atol=0)
    assert light_in(crop, image, seen) == pytest.approx(1, abs=0.01)
    assert float(crop_zoom(seen)) == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("freedom", [f for f in CropFreedom if f is not CropFreedom.FIXED])
def test_the_gradient_reaches_every_number_of_the_map(freedom):
    rule = FREEDOMS[freedom]()
    raw = torch.zeros(1, rule.raw_size, requires_grad=True)
    # Off the centre and not round, so that every motion changes the sum of squares.
    image = galaxy(64, 64, 4.0, x=3.0, y=5.0) + galaxy(64, 64, 3.0, x=-6.0, y=4.0)
    crop = resample(image, rule.theta(raw), 32, along_axes=rule.along_axes)
    (crop * torch.arange(32) ** 1.5).square().sum().backward()
    assert bool((raw.grad.abs() > 1e-6 * raw.grad.abs().max()).all())


def test_the_gradient_of_the_map_is_that_of_finite_differences():
    image = galaxy(64, 64, 5.0, x=3.0)
    raw = torch.tensor([[0.3]], requires_grad=True)

    def score(value):
        seen = FREEDOMS[CropFreedom.ZOOM]().theta(value)
        found = resample(image, seen, 32) * crop_sampling(image, seen, 32).square()
        return found.square().sum()

    score(raw).backward()
    step = 1e-2
    with torch.no_grad():
        slope = (score(raw + step) - score(raw - step)) / (2 * step)
    torch.testing.assert_close(raw.grad[0, 0], slope, rtol=0.1, atol=0)


def test_the_crop_of_a_bright_galaxy_does_not_depend_on_its_brightness():
    built = transformer(strength=0.5)
    image = 1e5 * torch.cat([galaxy(48, 48, radius) for radius in (3.0, 5.0, 8.0)])
    one, other = built(image).zoom, built(4 * image).zoom
    assert float((one - other).abs().max()) < 0.02 * float(one.std())


def test_a_crop_does_not_depend_on_its_batch():
    built = transformer(CropFreedom.AFFINE, strength=0.5)
    image = 5 * noise(48, galaxies=7)
    together = built(image)
    alone = torch.cat([built(image[n : n + 1]).theta for n in range(7)])
    torch.testing.assert_close(together.theta, alone, rtol=0, atol=1e-5)
    assert float(together.zoom.std()) > 1e-3
