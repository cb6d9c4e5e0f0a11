"""Frames: noise measured, bad pixels filled, each galaxy by itself."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.network.frames import BRIGHTEST, Frames, fill_bad, measure_sky_sigma

SIDE = 64
SAMPLED = (SIDE // 2) ** 2
# The median absolute deviation of n normal pixels scatters by 1.17 / sqrt(2 n) of sigma.
SCATTER = 1.17 / math.sqrt(2 * SAMPLED)


def noise(galaxies, seed=0, height=SIDE, width=SIDE):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(galaxies, height, width, generator=generator)


def galaxy(brightness, radius, side=SIDE):
    axis = torch.arange(side) - (side - 1) / 2
    return brightness * (-torch.hypot(axis[:, None], axis[None, :]) / radius).exp()


def half_bad(galaxies, seed=1):
    return torch.rand(galaxies, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) < 0.5


@pytest.mark.parametrize("sigma", [1e-20, 0.03, 1.0, 5e4])
def test_the_sigma_of_pure_noise_is_measured(sigma):
    measured = measure_sky_sigma(sigma * noise(64), None) / sigma
    # Clipping at three sigma takes 1.4 % off.
    assert abs(float(measured.mean()) - 0.986) < 4 * SCATTER / 8
    assert float(measured.std()) < 1.5 * SCATTER


@pytest.mark.parametrize(("brightness", "radius"), [(5, 2.0), (100, 4.0), (1000, 3.0)])
def test_a_galaxy_hardly_changes_the_sigma(brightness, radius):
    measured = measure_sky_sigma(noise(32) + galaxy(brightness, radius), None)
    assert 0.95 < float(measured.mean()) < 1.2


def test_bad_pixels_do_not_enter_the_sigma():
    images, bad = noise(32), half_bad(32)
    spoilt = images.masked_fill(bad, 1e4)
    measured = measure_sky_sigma(spoilt, bad)
    assert torch.equal(measured, measure_sky_sigma(images, bad))
    assert abs(float(measured.mean()) - 0.986) < 4 * SCATTER * math.sqrt(2 / 32)


def test_a_constant_sky_level_does_not_enter_the_sigma():
    torch.testing.assert_close(
        measure_sky_sigma(noise(4) + 50, None), measure_sky_sigma(noise(4), None), rtol=1e-4, atol=0
    )


@given(st.sampled_from([0.0, 1.0, -3.0, 1e30, -1e30, 1e-30]), st.integers(1, 4))
def test_the_sigma_is_never_zero_even_without_noise(level, number):
    images = torch.zeros(2, 16, 16)
    images[:, 8 : 8 + number, 8] = level
    sigma = measure_sky_sigma(images, None)
    assert bool((sigma > 0).all())
    assert float((images / sigma[:, None, None]).abs().max()) <= 1.01 * BRIGHTEST


def test_an_image_whose_sampled_pixels_are_all_bad_still_has_a_sigma():
    bad = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    bad[:, ::2, ::2] = True
    assert bool((measure_sky_sigma(noise(1), bad) > 0).all())


def test_good_pixels_are_never_touched():
    images, bad = noise(8), half_bad(8)
    filled = fill_bad(images, bad)
    assert torch.equal(filled[~bad], images[~bad])


def test_what_bad_pixels_hold_does_not_matter():
    images, bad = noise(8), half_bad(8)
    psf = torch.full((8,), 3.0)
    spoilt = Frames.prepare(images.masked_fill(bad, torch.nan), bad, psf)
    assert torch.equal(spoilt.pixels, Frames.prepare(images, bad, psf).pixels)
    assert bool(spoilt.pixels.isfinite().all())


def test_a_single_bad_pixel_becomes_the_mean_of_its_neighbours():
    images, bad = noise(1), torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    bad[0, 30, 20] = True
    around = images[0, 29:32, 19:22].sum() - images[0, 30, 20]
    torch.testing.assert_close(fill_bad(images, bad)[0, 30, 20], around / 8)


def test_a_hole_in_a_plane_of_one_value_is_filled_with_that_value():
    images, bad = torch.full((1, SIDE, SIDE), 7.0), torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    bad[0, 20:26, 20:26] = True
    torch.testing.assert_close(fill_bad(images, bad), images)


def test_the_middle_of_a_large_hole_is_sky():
    images, bad = torch.full((1, SIDE, SIDE), 7.0), torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    bad[0, 10:50, 10:50] = True
    assert float(fill_bad(images, bad)[0, 30, 30]) == 0


def test_a_frame_does_not_depend_on_its_batch():
    images, bad = noise(7) + galaxy(50, 3.0), half_bad(7)
    bad[::2] = False
    psf = torch.tensor([2.0, torch.nan, 3.0, 4.0, 5.0, 6.0, 7.0])
    together = Frames.prepare(images, bad, psf)
    alone = [Frames.prepare(images[n : n + 1], bad[n : n + 1], psf[n : n + 1]) for n in range(7)]
    assert torch.equal(together.pixels, torch.cat([frame.pixels for frame in alone]))
    assert torch.equal(together.sky_sigma, torch.cat([frame.sky_sigma for frame in alone]))


def test_frames_are_the_images_over_their_sigma():
    images = 0.03 * noise(3)
    frames = Frames.prepare(images, None, torch.full((3,), 3.0))
    assert len(frames) == 3
    again = frames.pixels[:, 0] * frames.sky_sigma[:, None, None]
    torch.testing.assert_close(again, images)


@pytest.mark.parametrize("power", [-20, -3, 5, 20])
def test_the_unit_of_the_image_does_not_reach_the_pixels(power):
    images, psf = noise(2) + galaxy(50, 3.0), torch.full((2,), 3.0)
    one = Frames.prepare(images, None, psf)
    other = Frames.prepare(images * 2.0**power, None, psf)
    assert torch.equal(one.pixels, other.pixels)
