"""Light along a galaxy's own ellipses, and the ellipses themselves."""

import math

import pytest
import torch
from torch.nn.functional import avg_pool2d

from gampen.network.apertures import aperture_signal
from gampen.network.growth import Growth, cleaned
from gampen.network.profiles import (
    HARMONIC_STRETCH,
    HARMONICS,
    LIMIT,
    MOST_ELONGATED,
    NUMBERS,
    ORDERS,
    RINGS,
    STRETCH,
    Ellipse,
    Profiles,
    Tiling,
    ellipse_of,
)
from gampen.network.transformer import SpatialTransformer
from gampen.settings import NetworkSettings

SHARES = (1.0, 0.25)
SETTINGS = NetworkSettings(views=SHARES)
RADIUS = 6.0
MEASURED = slice(6, None)  # rings with enough pixels for a fourth harmonic


def disk(axis_ratio, angle=30.0, radius=RADIUS, flux=1e6, side=128):
    """An exponential disk in the middle of a frame; the area of its half-light ellipse is given."""
    axis = torch.arange(side) - (side - 1) / 2
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    u = cosine * axis[None, :] + sine * axis[:, None]
    v = cosine * axis[:, None] - sine * axis[None, :]
    distance = (u.square() * axis_ratio + v.square() / axis_ratio).sqrt()
    light = (-1.678 * distance / radius).exp()
    return (flux * light / light.sum())[None, None]


def crop_of(image, zoom=0.7):
    """The crop of a frame, of a known size."""
    torch.manual_seed(0)
    theta = torch.tensor([[[zoom, 0.0, 0.0], [0.0, zoom, 0.0]]])
    signal = aperture_signal(image, torch.zeros(1, 2))
    return SpatialTransformer(SETTINGS).crop(image, theta, signal)


def profiles_of(image, zoom=0.7):
    """The profiles of an image."""
    crop = crop_of(image, zoom)
    views = crop.views(SHARES)
    symmetric = cleaned(views, crop.sampling)
    return Profiles.of(views, symmetric, crop.sampling, Growth.of(symmetric, crop.sampling))


def told(image, zoom=0.7):
    """What the profile says of an image: rings of all light, of the cleaned, and two numbers."""
    numbers = profiles_of(image, zoom).rings()[0]
    assert numbers.shape == (NUMBERS,)
    return numbers.split([RINGS, RINGS, 2])


def harmonics(image, zoom=0.7):
    """The harmonics [raw or cleaned, order, cosine or sine, ring]."""
    numbers = profiles_of(image, zoom).harmonics()[0]
    assert numbers.shape == (HARMONICS,)
    return numbers.view(2, len(ORDERS), 2, RINGS)


def axis_ratio_of(image):
    return float(told(image)[2][1].exp())


@pytest.mark.parametrize("axis_ratio", [1.0, 0.7, 0.4, 0.2])
@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
def test_the_axis_ratio_is_found_at_any_angle(axis_ratio, angle):
    assert axis_ratio_of(disk(axis_ratio, angle)) == pytest.approx(axis_ratio, rel=0.06)


@pytest.mark.parametrize("axis_ratio", [0.7, 0.4])
@pytest.mark.parametrize("angle", [0.0, 30.0, 89.0, 91.0, 135.0, 179.0, 181.0])
def test_the_heading_lies_along_the_galaxy_at_any_angle(axis_ratio, angle):
    ellipse = profiles_of(disk(axis_ratio, angle)).ellipse
    twice = torch.deg2rad(torch.tensor(2 * angle))
    expected = torch.stack([twice.cos(), twice.sin()])
    torch.testing.assert_close(ellipse.heading[0], expected, rtol=0, atol=0.01)
    assert float(ellipse.length) == pytest.approx(math.sqrt(-math.log(axis_ratio)), rel=0.1)


def test_a_circle_has_a_heading_too():
    ellipse = Ellipse.round(torch.ones(2, 1))
    assert torch.equal(ellipse.heading, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    assert torch.equal(ellipse.length, torch.zeros(2))


@pytest.mark.parametrize("axis_ratio", [0.8, 0.4])
def test_all_of_the_light_lies_on_the_rings(axis_ratio):
    whole, cleaned, _ = told(disk(axis_ratio))
    for rings in (whole, cleaned):
        assert float((rings + 0.5).sum() / STRETCH) == pytest.approx(1, rel=0.01)


def test_a_disk_looks_the_same_along_its_ellipses_however_inclined():
    face_on, inclined = (told(disk(axis_ratio))[1] for axis_ratio in (1.0, 0.5))
    # the rings are counted from the radius of a circle that holds half: it shrinks by a few per
    # cent, and with it each ring's light by as much of its slope
    torch.testing.assert_close(face_on, inclined, rtol=0, atol=0.2)


@pytest.mark.parametrize("angle", [0.0, 45.0])
def test_turned_galaxies_have_one_profile(angle):
    one, other = (torch.cat(told(disk(0.5, turn))) for turn in (30.0, angle))
    torch.testing.assert_close(one, other, rtol=0, atol=0.05)


def test_the_profile_does_not_depend_on_brightness_or_on_the_crop():
    one = torch.cat(told(disk(0.6)))
    torch.testing.assert_close(torch.cat(told(disk(0.6, flux=3e7))), one, rtol=0, atol=0.01)
    torch.testing.assert_close(torch.cat(told(disk(0.6), zoom=0.9)), one, rtol=0, atol=0.12)


def test_a_neighbour_is_seen_in_the_raw_light_only():
    lone, beset = disk(0.6), disk(0.6) + torch.roll(disk(1.0, radius=2.0), (22, 14), dims=(2, 3))
    whole, cleaned, shape = told(beset)
    _, expected, alone = told(lone)
    torch.testing.assert_close(cleaned, expected, rtol=0, atol=0.35)
    torch.testing.assert_close(shape, alone, rtol=0, atol=0.15)
    assert float((whole - cleaned).sum()) / STRETCH > 0.5  # of 1, the rings being bounded


def test_where_there_is_only_noise_the_ellipse_is_nearly_round():
    noise = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(3))
    _, _, shape = told(noise)
    assert float(shape[0]) < 0.4


@pytest.mark.parametrize("level", [0.0, -5.0, 1e6])
def test_any_frame_has_finite_numbers_within_bounds(level):
    whole, cleaned, shape = told(torch.full((1, 1, 64, 64), level))
    assert float(torch.cat([whole, cleaned]).abs().max()) <= LIMIT + 0.5
    assert bool(shape.isfinite().all())


def test_a_frame_that_is_not_a_number_is_no_error():
    assert not bool(torch.cat(told(torch.full((1, 1, 64, 64), torch.nan))).isfinite().all())


def test_the_tiles_cover_the_crop_once():
    tiling = Tiling.of(64, (0.25, 1.0), torch.device("cpu"))
    assert float(tiling.side.square().sum()) == pytest.approx(64**2)
    assert float(tiling.moments[0] @ tiling.side.square()) == pytest.approx(64**4 / 6, rel=0.01)
    assert len(tiling.places[0]) == 64**2
    assert len(tiling.places[1]) == 64**2 - 16**2


def test_ellipses_are_as_large_as_the_circle_they_replace():
    moments = torch.tensor([[4.0, 4.0], [4.0, -4.0], [0.0, 0.0]])  # places (2, 0) and (0, 2)
    squares = Ellipse(torch.tensor([[0.6]]), torch.zeros(1, 1)).square_radius(moments)[0]
    assert float(squares.prod().sqrt()) == pytest.approx(4.0)
    assert float((squares[0] / squares[1]).sqrt()) == pytest.approx(0.5)  # q^2 = 0.4 / 1.6


def test_no_ellipse_is_longer_than_the_longest():
    tiling = Tiling.of(64, (1.0,), torch.device("cpu"))
    line = torch.zeros(1, 1, 64, 64)
    line[..., 31:33, :] = 1e4
    light, radius = tiling.light([line]), torch.tensor([[16.0]])
    found = ellipse_of(light, torch.ones_like(light), tiling.moments, radius)
    assert float(found.elongation) == pytest.approx(MOST_ELONGATED, abs=0.01)


def bulge_and_disk(twist=0.0, turn=0.0):
    """A round or turned bulge in an inclined disk."""
    bulge = disk(0.5 if twist else 1.0, turn + 30 + twist, radius=2.5)
    return (0.5 * bulge + disk(0.4, turn + 30, radius=9.0)) / 1.5


def test_light_along_its_own_ellipses_has_no_twist():
    found = harmonics(disk(0.8, 30.0))[0, 0, :, MEASURED]
    assert float(found[1].abs().max()) < 0.1
    assert float(found[0].max()) > 0.3  # by a round angle, an ellipse is longer along its axis


def test_a_round_bulge_lies_across_the_ellipses_of_its_disk():
    alone, both = (harmonics(image)[0, 0, 0] for image in (disk(0.4), bulge_and_disk()))
    assert float((alone - both).abs().max()) > 0.5


def test_a_twist_is_seen_in_the_sines_and_its_sense_in_their_sign():
    straight, left, right = (harmonics(bulge_and_disk(twist)) for twist in (0, 40, -40))
    straight, left, right = (found[0, 0, 1, MEASURED] for found in (straight, left, right))
    assert float(straight.abs().max()) < 0.2 * float(left.abs().max())
    torch.testing.assert_close(left, -right, rtol=0, atol=0.1)


@pytest.mark.parametrize("turn", [15.0, 45.0, 90.0])
def test_harmonics_turn_with_the_galaxy(turn):
    one, other = (harmonics(bulge_and_disk(40.0, angle))[..., MEASURED] for angle in (0.0, turn))
    torch.testing.assert_close(one, other, rtol=0, atol=0.2)


def test_harmonics_do_not_depend_on_brightness():
    bright = harmonics(30 * bulge_and_disk(40.0))
    torch.testing.assert_close(bright, harmonics(bulge_and_disk(40.0)), rtol=0, atol=0.05)


def test_harmonics_are_sums_over_the_light():
    """Against the definition, pixel by pixel."""
    image = bulge_and_disk(40.0)
    profiles, crop = profiles_of(image), crop_of(image)
    views = {share: avg_pool2d(view, 2) for share, view in crop.views(SHARES).items()}
    tiling = Tiling.of(32, (0.25, 1.0), image.device)
    light = tiling.light([views[0.25], views[1.0]])[0] * (2 * crop.sampling) ** 2
    x2y2, xy = tiling.moments[1], tiling.moments[2]
    angle = torch.atan2(xy, x2y2) / 2
    axis = torch.atan2(profiles.ellipse.athwart, profiles.ellipse.along)[0] / 2
    whole = (light * torch.cos(2 * (angle - axis))).sum() / profiles.total[0]
    found = harmonics(image)[0, 0, 0].sum() / HARMONIC_STRETCH
    assert float(found) == pytest.approx(float(whole), abs=2e-3)


@pytest.mark.parametrize("level", [0.0, -5.0, 1e6])
def test_harmonics_of_any_frame_are_finite_and_bounded(level):
    assert float(harmonics(torch.full((1, 1, 64, 64), level)).abs().max()) <= LIMIT
