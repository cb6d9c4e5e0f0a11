"""Crops as pixels: those that the network saw, and each where it is said to lie."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutouts
from gampen.inference.cropping import Cropped, crops, pixel_map, section
from gampen.inference.sampling import Sampling, frames_of, infer
from gampen.settings import CropFreedom
from tiny import NETWORK, changed, galaxies, network, ragged

SETTINGS = {f: replace(NETWORK, crop=f, crop_size=32) for f in CropFreedom}
WIDTH = 1.8  # [pixel] standard deviation of a star


def built(freedom=CropFreedom.ZOOM):
    return network(SETTINGS[freedom])


def star(shape, x, y, width=WIDTH):
    """A round Gaussian of one unit of light."""
    rows, columns = np.indices(shape)
    square = (rows - y) ** 2 + (columns - x) ** 2
    return np.exp(-square / (2 * width**2)) / (2 * math.pi * width**2)


def centroid(pixels, place, width):
    """The centre of light in a Gaussian window that follows it, from a first guess."""
    rows, columns = np.indices(pixels.shape)
    light = np.nan_to_num(pixels.astype(np.float64))
    for _ in range(60):
        square = (columns - place[0]) ** 2 + (rows - place[1]) ** 2
        weight = light * np.exp(-square / (2 * width**2))
        found = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
        place = place + 2 * (found - place)
    return place


@pytest.mark.parametrize("freedom", CropFreedom)
def test_a_crop_is_what_the_network_sees_in_the_units_of_the_image(freedom):
    cutouts = galaxies(5)
    found = crops(built(freedom), cutouts)
    frames = frames_of(list(cutouts))
    with torch.no_grad():
        crop = built(freedom).transformer(frames.pixels)
    seen = (crop.pixels[:, 0] * frames.sky_sigma[:, None, None]).numpy()
    for part, pixels, theta in zip(found, seen, crop.theta, strict=True):
        inside = np.isfinite(part.pixels)
        np.testing.assert_allclose(part.pixels[inside], pixels[inside], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(part.theta, theta, atol=1e-5)


@pytest.mark.parametrize("freedom", CropFreedom)
def test_crops_are_those_of_the_catalogue_to_the_bit_whatever_the_shapes(freedom):
    cutouts = ragged(9)
    said = infer(built(freedom), cutouts, Sampling(passes=2))
    found = crops(built(freedom), cutouts)
    assert all(
        np.array_equal(part.theta, theta.double().numpy())
        for part, theta in zip(found, said.theta, strict=True)
    )
    assert [part.zoom for part in found] == said.zoom.tolist()
    assert [np.float32(part.sky_sigma) for part in found] == said.sky_sigma.tolist()


def test_no_galaxies_have_no_crops():
    assert crops(built(), Cutouts(())) == []


@pytest.mark.parametrize("shape", [(64, 64), (60, 71)])
@pytest.mark.parametrize(
    ("freedom", "crop_size"),
    # The affine map is read by bilinear look-up, which moves stars a little in coarser pixels.
    [
        *((freedom, 48) for freedom in CropFreedom if freedom is not CropFreedom.AFFINE),
        (CropFreedom.AFFINE, 72),
    ],
)
def test_stars_lie_in_the_crop_where_the_map_says(freedom, crop_size, shape):
    built = network(replace(NETWORK, crop=freedom, crop_size=crop_size))
    middle = (np.array(shape[::-1]) - 1) / 2
    places = middle + np.array([(0.4, -0.3), (-10.7, -9.2), (11.2, 9.6), (10.1, -9.4)])
    image = sum(1000 * star(shape, x, y) for x, y in places)
    noise = np.random.default_rng(3).normal(size=shape) * 1e-4
    cutout = changed(galaxies(1)[0], pixels=image + noise, bad=np.zeros(shape, dtype=bool))
    (found,) = crops(built, Cutouts((cutout,)))
    side = math.sqrt(found.area)
    expected = (places - found.shift) @ np.linalg.inv(found.matrix).T
    edge = 3.5 * WIDTH / side
    whole = ((expected > edge) & (expected < crop_size - 1 - edge)).all(axis=1)
    seen = [centroid(found.pixels, place, 1.5 / side) for place in expected[whole]]
    assert whole.sum() >= (1 if freedom is CropFreedom.FIXED else 3)
    np.testing.assert_allclose(seen, expected[whole], atol=0.01)


def test_a_star_in_a_crop_has_the_light_that_it_has_in_the_image():
    noise = np.random.default_rng(3).normal(size=(64, 64)) * 1e-4
    cutout = changed(
        galaxies(1)[0], pixels=1000 * star((64, 64), 31.4, 31.7) + noise, bad=noise > 1
    )
    (found,) = crops(built(), Cutouts((cutout,)))
    assert found.pixels.sum() * found.area == pytest.approx(1000, rel=1e-3)


def test_bad_pixels_are_nan_where_they_are_most_of_what_is_seen():
    cutout = galaxies(1)[0]
    bad = np.zeros(cutout.shape, dtype=bool)
    bad[20:24, 26:32] = True
    (sound,), (found,) = (
        crops(built(), Cutouts((changed(cutout, bad=mask),))) for mask in (bad & False, bad)
    )
    assert np.isfinite(sound.pixels).all()
    rows, columns = np.indices(found.pixels.shape)
    places = np.stack([columns, rows], axis=-1) @ found.matrix.T + found.shift
    near = np.round(places).astype(int)
    expected = bad[near[..., 1], near[..., 0]]
    # A pixel whose centre is on the edge of a bad one may go either way.
    assert np.mean(np.isnan(found.pixels) == expected) > 0.97
    assert expected.sum() > 20


def test_what_lies_beyond_the_image_is_nan():
    theta = np.array([[0.5, 0.0, 0.8], [0.0, 0.5, 0.0]])
    cutout = galaxies(1)[0]
    whole = Cropped(
        np.zeros((32, 32), dtype=np.float32), *pixel_map(theta, (48, 48), 32), theta, 0.5, 1.0
    )
    own = whole.of_original(cutout)
    # From 24 + 0.8 x 24 - 12 to 12 beyond: the last 7 of its columns are not there.
    assert own.pixels.shape == (24, 25)
    assert np.isnan(own.pixels[:, 17:]).all()
    np.testing.assert_array_equal(own.pixels[:, :17], cutout.pixels[12:36, 31:48])
    assert own.shift.tolist() == [31, 12]


@pytest.mark.parametrize(
    ("zoom", "sides"), [(1.0, (36, 48)), (0.5, (18, 24)), (1 / 3, (12, 16)), (0.3, (12, 16))]
)
def test_a_section_reaches_no_further_than_the_crop(zoom, sides):
    theta = np.array([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]])
    columns, rows = section(theta * (1 + 1e-7), (48, 36))
    assert (len(columns), len(rows)) == sides
    assert columns[0] + columns[-1] == 35


def test_a_turned_crop_lies_within_its_section():
    theta = np.array([[0.5, 0.2, 0.05], [-0.2, 0.45, -0.02]])
    matrix, shift = pixel_map(theta, (40, 60), 32)
    columns, rows = section(theta, (40, 60))
    corners = np.array([(x, y) for x in (-0.5, 31.5) for y in (-0.5, 31.5)])
    low, high = (edge(corners @ matrix.T + shift, axis=0) for edge in (np.min, np.max))
    assert columns[0] - 0.5 <= low[0] < columns[0] + 0.5
    assert rows[0] - 0.5 <= low[1] < rows[0] + 0.5
    assert columns[-1] - 0.5 < high[0] <= columns[-1] + 0.5
    assert rows[-1] - 0.5 < high[1] <= rows[-1] + 0.5
