"""The sky around a crop."""

import pytest
import torch

from gampen.network.apertures import aperture_signal
from gampen.network.surroundings import LIMIT, NUMBERS, RINGS, STRETCH, surroundings
from gampen.network.transformer import SpatialTransformer
from gampen.settings import NetworkSettings

SETTINGS = NetworkSettings()


def crop_of(pixels, zoom=0.3, shift=(0.0, 0.0)):
    """A crop of known size and place."""
    theta = torch.tensor([[[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]]]).expand(len(pixels), 2, 3)
    signal = aperture_signal(pixels, torch.zeros(len(pixels), 2))
    return SpatialTransformer(SETTINGS).crop(pixels, theta, signal)


def rings(pixels, zoom=0.3, shift=(0.0, 0.0)):
    """Means clipped late, means clipped early [sky sigma], and pixels, of each ring."""
    numbers = surroundings(pixels, crop_of(pixels, zoom, shift))[0]
    assert numbers.shape == (NUMBERS,)
    late, early, counts = numbers.view(3, RINGS)
    return late / STRETCH, early / STRETCH, (5 * counts).exp() - 1


@pytest.mark.parametrize("side", [48, 97, 144, 256])
def test_the_sky_is_found_outside_of_the_crop(side):
    late, early, counts = rings(torch.full((1, 1, side, side), 0.1))
    held = counts > 0
    torch.testing.assert_close(late[held], torch.full_like(late[held], 0.1))
    torch.testing.assert_close(early[held], torch.full_like(early[held], 0.1))
    assert float(late[~held].abs().sum()) == 0


@pytest.mark.parametrize("side", [48, 96, 144])
def test_every_pixel_outside_is_counted_once(side):
    counts = rings(torch.zeros(1, 1, side, side))[2]
    assert float(counts.sum()) == pytest.approx(side**2 * (1 - 0.3**2), rel=0.03)


def test_what_lies_in_the_crop_is_not_seen():
    pixels = torch.zeros(1, 1, 96, 96)
    pixels[..., 36:60, 36:60] = 100.0
    late, early, _ = rings(pixels, zoom=0.5)
    assert float(late.abs().max() + early.abs().max()) == 0


def test_the_crop_is_looked_for_where_it_lies():
    pixels = torch.zeros(1, 1, 96, 96)
    pixels[..., 26:50, 46:70] = 100.0  # 10 pixels above the centre, and 10 to the right of it
    shift = (10 / 48, -10 / 48)
    assert float(rings(pixels, 0.3, shift)[0].abs().max()) == 0
    assert float(rings(pixels, 0.3)[0].abs().max()) > 0


def test_a_bright_neighbour_counts_less_the_earlier_it_is_clipped():
    pixels = torch.zeros(1, 1, 96, 96)
    pixels[..., 10:14, 10:14] = 1e4
    late, early, _ = rings(pixels)
    assert 0 < float(early.max()) < 0.5 * float(late.max()) < 0.1


def test_nothing_is_outside_of_a_crop_of_the_whole_frame():
    numbers = surroundings(torch.ones(1, 1, 64, 64), crop_of(torch.ones(1, 1, 64, 64), 1.0))
    assert float(numbers.abs().sum()) == 0


def test_frames_need_not_be_square():
    late, _, counts = rings(torch.full((1, 1, 60, 140), 0.1))
    assert float(counts.sum()) > 0
    torch.testing.assert_close(late[counts > 0], torch.full_like(late[counts > 0], 0.1))


@pytest.mark.parametrize("level", [-1e6, 1e6, torch.nan])
def test_numbers_are_bounded_and_a_frame_that_is_none_is_no_error(level):
    pixels = torch.full((1, 1, 64, 64), level)
    numbers = surroundings(pixels, crop_of(pixels))
    assert not bool((numbers.abs() > LIMIT).any())
