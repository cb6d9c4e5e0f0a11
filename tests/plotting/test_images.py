"""Outlines stand where the crop was taken, bars are as long as they say."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from torch.nn import functional

from gampen.cutouts import Cutout
from gampen.plotting.images import (
    DrawnCrop,
    bar_length,
    contact_sheet,
    draw_cutout,
    draw_scale_bar,
    noise_of,
)

HEIGHT, WIDTH = 40, 56


def crop_of(theta) -> DrawnCrop:
    return DrawnCrop(np.array(theta, dtype=np.float64), np.zeros((8, 8)))


def cutout_of(**known) -> Cutout:
    noise = np.random.default_rng(1).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    return Cutout(noise, object_id="galaxy", **known)


def test_the_outline_of_everything_is_the_edge_of_the_outer_pixels():
    corners = crop_of([[1, 0, 0], [0, 1, 0]]).outline(HEIGHT, WIDTH)
    left, right, low, high = -0.5, WIDTH - 0.5, -0.5, HEIGHT - 0.5
    assert corners.tolist() == [[left, low], [right, low], [right, high], [left, high]]


def test_the_outline_stands_where_the_pixels_of_the_crop_were_taken():
    theta = np.array([[0.3, 0.05, 0.1], [-0.04, 0.4, -0.2]])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    planes = torch.from_numpy(np.stack([columns, rows]))[None]
    grid = functional.affine_grid(torch.from_numpy(theta)[None], [1, 1, 9, 9], align_corners=False)
    centres = functional.grid_sample(planes, grid, align_corners=False)[0].reshape(2, -1)
    outline = crop_of(theta).outline(HEIGHT, WIDTH)
    assert outline.mean(axis=0) == pytest.approx(centres.mean(dim=1).numpy())
    # The outer pixel centres lie half a crop pixel inside of the edge: 8 / 9 of the whole span.
    spans = outline.max(axis=0) - outline.min(axis=0)
    seen = (centres.amax(dim=1) - centres.amin(dim=1)).numpy()
    assert seen == pytest.approx(8 / 9 * spans)


def test_a_crop_of_the_whole_cutout_is_the_cutout_in_units_of_its_noise():
    cutout = Cutout((100 + 3 * cutout_of().pixels)[:, :HEIGHT], sky_sigma=3.0)
    crop = DrawnCrop.of(cutout, np.array([[1.0, 0, 0], [0, 1.0, 0]]), side=HEIGHT)
    frame = np.pad((cutout.pixels - np.median(cutout.pixels)) / 3, 1)
    # the mean over a pixel of a line through its neighbours weighs them 1 : 6 : 1
    rows = (frame[:-2] + 6 * frame[1:-1] + frame[2:]) / 8
    expected = (rows[:, :-2] + 6 * rows[:, 1:-1] + rows[:, 2:]) / 8
    assert crop.pixels == pytest.approx(expected, abs=1e-4)


def test_bad_pixels_are_drawn_as_sky():
    bad = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bad[3, 4] = True
    spiked = cutout_of().pixels + 1e6 * bad.astype(np.float32)
    crop = DrawnCrop.of(Cutout(spiked, bad), np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    assert np.abs(crop.pixels).max() < 10


@given(st.floats(0.5, 800))
def test_a_bar_is_at_most_a_third_of_the_image_and_at_least_an_eighth(extent):
    assert bar_length(extent) <= max(0.1, extent / 3)
    assert bar_length(extent) >= extent / 8


def test_a_scale_bar_is_as_long_as_its_text_says():
    axes = Figure().subplots()
    draw_scale_bar(axes, (HEIGHT, WIDTH), pixel_scale=0.168)
    (bar,), (text,) = axes.lines, axes.texts
    ends = bar.get_xdata()
    assert (ends[1] - ends[0]) * 0.168 == pytest.approx(float(text.get_text().rstrip("″")))


def test_noise_is_measured_through_a_galaxy():
    size = 101
    rows, columns = np.mgrid[:size, :size] - size // 2
    galaxy = 50 * np.exp(-np.hypot(rows, columns) / 8)
    noise = np.random.default_rng(2).normal(0, 2.0, (size, size))
    assert noise_of(galaxy + noise) == pytest.approx(2.0, rel=0.05)


def test_noise_of_a_flat_or_noiseless_image_is_still_a_number_to_divide_by():
    assert noise_of(np.zeros((20, 20))) == 1
    assert noise_of(np.eye(20)) > 0


def test_a_cutout_without_a_pixel_scale_has_an_outline_and_no_bar():
    axes = Figure().subplots()
    draw_cutout(axes, cutout_of(), crop_of([[0.5, 0, 0], [0, 0.5, 0]]))
    assert [type(patch) for patch in axes.patches] == [Polygon]
    assert len(axes.images) == 1
    assert not axes.texts


def test_a_contact_sheet_has_six_in_a_row_each_with_its_label():
    crop, labels = crop_of([[0.5, 0, 0], [0, 0.5, 0]]), [f"galaxy {place}" for place in range(8)]
    figure = contact_sheet([cutout_of(pixel_scale=0.2)] * 8, [crop] * 8, labels)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_xlabel() for axes in shown] == labels
    assert len(figure.axes) == 12
