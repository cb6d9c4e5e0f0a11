"""Small pictures of galaxies, read back from their PNG."""

import io

import numpy as np
import pytest
from PIL import Image

from gampen.cutouts import Cutout
from gampen.plotting.report.pictures import (
    LARGEST_SIDE,
    Picture,
    coloured,
    downwards,
    palette,
    smaller,
)

CENTRED = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])


def read(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def image(height=40, width=60, peak=1000.0):
    """Noise with a bright pixel near the upper left corner, as pictures are looked at."""
    pixels = np.random.default_rng(1).normal(size=(height, width)).astype(np.float32)
    pixels[height - 3, 5] = peak
    return Cutout(pixels, object_id="one", pixel_scale=0.2)


def test_a_cutout_is_drawn_with_its_first_row_at_the_bottom():
    grey = read(Picture.of(image(), 1.0, CENTRED).cutout)
    assert grey.shape == (40, 60)
    assert np.unravel_index(grey.argmin(), grey.shape) == (2, 5)
    assert grey[2, 5] == 0
    assert np.median(grey) > 200


def test_the_outline_runs_downwards_from_the_upper_left_corner():
    np.testing.assert_allclose(downwards(CENTRED, 40, 60), [[15, 30], [45, 30], [45, 10], [15, 10]])
    raised = CENTRED + np.array([[0, 0, 0], [0, 0, 0.25]])
    np.testing.assert_allclose(downwards(raised, 40, 60)[:, 1], [25, 25, 5, 5])


def test_a_bar_has_a_round_length_where_the_pixel_scale_is_known():
    length, text = Picture.of(image(), 1.0, CENTRED).bar
    assert (length, text) == (10.0, "2\N{DOUBLE PRIME}")
    unknown = Cutout(image().pixels, object_id="one")
    assert Picture.of(unknown, 1.0, CENTRED).bar is None


def test_what_a_model_leaves_over_is_red_where_the_galaxy_is_brighter():
    cutout = image()
    model = cutout.pixels.copy()
    model[10, 10] -= 4.0
    model[10, 20] += 4.0
    picture = Picture.of(cutout, 2.0, CENTRED).explained(cutout, 2.0, model)
    left = np.asarray(Image.open(io.BytesIO(picture.residual)).convert("RGB")).astype(int)
    brighter, fainter, same = left[29, 10], left[29, 20], left[5, 5]
    assert brighter[0] > brighter[2] + 50
    assert fainter[2] > fainter[0] + 50
    assert same.min() > 250


def test_a_model_is_drawn_on_the_scale_of_its_cutout():
    cutout = image()
    picture = Picture.of(cutout, 1.0, CENTRED).explained(cutout, 1.0, cutout.pixels)
    # the cutout is drawn above its median, the model above nothing
    assert np.abs(read(picture.model).astype(int) - read(picture.cutout)).max() <= 12


def test_bad_pixels_leave_nothing_over():
    bad = np.zeros((40, 60), dtype=bool)
    bad[10, 10] = True
    cutout = Cutout(image().pixels, bad, object_id="one")
    picture = Picture.of(cutout, 1.0, CENTRED).explained(cutout, 1.0, cutout.pixels + 100)
    left = read(picture.residual)
    assert left[29, 10] == 128
    assert left[29, 11] == 0


def test_a_large_cutout_is_averaged_down_and_its_outline_is_not():
    large = Cutout(np.random.default_rng(1).normal(size=(600, 520)).astype(np.float32))
    picture = Picture.of(large, 1.0, CENTRED)
    assert read(picture.cutout).shape == (200, 173)
    assert max(read(picture.cutout).shape) <= LARGEST_SIDE
    assert (picture.width, picture.height) == (520, 600)


def test_averages_are_those_of_blocks():
    grid = np.arange(4.0 * LARGEST_SIDE**2).reshape(2 * LARGEST_SIDE, -1)
    expected = grid.reshape(LARGEST_SIDE, 2, LARGEST_SIDE, 2).mean(axis=(1, 3))
    np.testing.assert_array_equal(smaller(grid), expected)


def test_colours_fall_alike_on_both_sides_of_white():
    colours = palette().astype(int)
    assert colours[127:129].min() > 250
    np.testing.assert_allclose(colours[0], [33, 102, 172])
    np.testing.assert_allclose(colours[-1], [178, 24, 43])


def test_equal_pictures_are_equal_files():
    left = np.random.default_rng(2).normal(size=(30, 30))
    assert coloured(left) == coloured(left.copy())


@pytest.mark.parametrize("sigma", [0.0, np.nan])
def test_a_noise_that_was_not_measured_is_measured_here(sigma):
    assert np.median(read(Picture.of(image(), sigma, CENTRED).cutout)) > 200
