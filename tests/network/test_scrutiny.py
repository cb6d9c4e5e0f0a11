"""Scrutiny: each number moves with what it is there to see, and no frame breaks it."""

import pytest
import torch

from gampen.network.frames import Frames
from gampen.network.scrutiny import NUMBERS, core, roughness, scrutiny, streaks, tiles
from tiny import network, scenes


def noise(galaxies=6, size=64, seed=0):
    return torch.randn(galaxies, size, size, generator=torch.Generator().manual_seed(seed))


def blob(size=64, width=5.0, height=200.0):
    axis = torch.arange(size) - (size - 1) / 2
    return height * torch.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * width**2))


def line(size=64, angle=0.4, height=3.0):
    axis = torch.arange(size) - (size - 1) / 2
    across = axis[:, None] * torch.cos(torch.tensor(angle)) + axis * torch.sin(torch.tensor(angle))
    return height * torch.exp(-0.5 * (across / 1.5) ** 2)


def test_there_are_as_many_numbers_as_are_said_and_all_are_finite():
    drawn = scenes(8)
    frames = Frames.prepare(drawn.images, drawn.bad, drawn.psf_fwhm)
    crop = network().transformer(frames.pixels)
    found = scrutiny(frames.pixels, crop)
    assert found.shape == (8, NUMBERS)
    assert bool(found.isfinite().all())
    alone = scrutiny(frames.pixels[2:3], network().transformer(frames.pixels[2:3]))
    assert torch.allclose(alone, found[2:3], atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 40), (48, 31), (250, 250)])
def test_a_frame_of_any_size_is_looked_at(height, width):
    image = torch.randn(2, height, width)
    assert bool(torch.cat([core(image), tiles(image), streaks(image)], dim=1).isfinite().all())


def test_a_core_that_is_cut_off_has_many_pixels_as_bright_as_its_peak():
    whole = noise() + blob()
    cut = torch.minimum(whole, torch.tensor(100.0))
    assert (core(cut)[:, 7:11].sum(dim=1) > core(whole)[:, 7:11].sum(dim=1) + 1).all()


def test_a_streak_is_seen_at_any_angle_and_a_galaxy_is_none():
    plain = streaks(noise() + blob())[:, 1]
    for angle in (0.0, 0.5, 1.1, 1.6, 2.3, 3.0):
        assert (streaks(noise() + blob() + line(angle=angle))[:, 1] > plain + 0.5).all()


def test_noise_that_is_higher_on_one_side_spreads_the_tiles():
    uneven = noise()
    uneven[:, :, 40:] *= 3
    spread = [values[:, 4] - values[:, 0] for values in (tiles(noise()), tiles(uneven))]
    assert (spread[1] > spread[0] + 1).all()


def test_a_sloping_sky_has_a_slope():
    slope = torch.linspace(-3, 3, 64)
    assert (tiles(noise() + slope)[:, -1] > tiles(noise())[:, -1] + 2).all()
    assert (tiles(noise() + slope[:, None])[:, -1] > tiles(noise())[:, -1] + 2).all()


def test_knots_make_a_crop_rough():
    drawn = scenes(4)
    frames = Frames.prepare(drawn.images, drawn.bad, drawn.psf_fwhm)
    knotted = frames.pixels.clone()
    knotted[:, :, 20, 28] += 300
    found = [
        roughness(network().transformer(pixels)).sum(dim=1) for pixels in (frames.pixels, knotted)
    ]
    assert (found[1] > found[0]).all()
