"""Facts about cutouts and their flags."""

from dataclasses import replace

import numpy as np
import pytest

from gampen.cutouts import CORE_RADIUS, Cutout, Cutouts, Flag, Rejection, describe_flags
from gampen.errors import GalaxyError

KNOWN = {"psf_fwhm": 3.5, "pixel_scale": 0.168, "zero_point": 27.0}


def sky(height=32, width=40):
    return np.random.default_rng(1).normal(size=(height, width)).astype(np.float32)


def test_a_cutout_of_which_all_is_known_has_no_flags():
    assert Cutout(sky(), **KNOWN).flags == Flag(0)


@pytest.mark.parametrize(
    ("missing", "flag"),
    [
        ("psf_fwhm", Flag.PSF_UNKNOWN),
        ("pixel_scale", Flag.PIXEL_SCALE_UNKNOWN),
        ("zero_point", Flag.ZERO_POINT_UNKNOWN),
    ],
)
def test_what_is_not_known_is_flagged_until_it_is(missing, flag):
    cutout = Cutout(sky(), **{**KNOWN, missing: None})
    assert cutout.flags == flag
    assert replace(cutout, **{missing: 1.0}).flags == Flag(0)


def test_flags_of_others_survive_a_change():
    cutout = Cutout(sky(), **KNOWN, flags=Flag.UNUSUAL)
    assert replace(cutout, sky_sigma=1.0).flags == Flag.UNUSUAL


def test_pixels_that_are_not_finite_are_bad_and_become_finite():
    pixels = sky()
    pixels[0, 0], pixels[1, 1] = np.nan, np.inf
    cutout = Cutout(pixels, **KNOWN)
    assert cutout.bad.sum() == 2
    assert np.isfinite(cutout.pixels).all()
    assert cutout.flags == Flag.MASKED_PIXELS
    assert np.isnan(pixels[0, 0]), "the array that was given must stay as it was"


@pytest.mark.parametrize("offset", [0, CORE_RADIUS, CORE_RADIUS + 1])
def test_a_bad_pixel_near_the_centre_has_its_own_flag(offset):
    bad = np.zeros((33, 33), dtype=bool)
    bad[16 + offset, 16] = True
    flagged = Flag.MASKED_CORE in Cutout(sky(33, 33), bad).flags
    assert flagged == (offset <= CORE_RADIUS)


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<i2", ">i4", "u1"])
def test_pixels_of_any_type_become_native_float32(dtype):
    pixels = np.arange(256).reshape(16, 16).astype(dtype)
    cutout = Cutout(pixels)
    assert cutout.pixels.dtype == np.dtype(np.float32)
    np.testing.assert_array_equal(cutout.pixels, pixels.astype(np.float64))


def test_a_value_too_large_for_float32_is_bad():
    pixels = sky().astype(np.float64)
    pixels[3, 3] = 1e300
    assert Cutout(pixels).bad.sum() == 1


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros(100), "at least 16 x 16 pixels; got 100"),
        (np.zeros((15, 40)), "at least 16 x 16 pixels; got 15 x 40"),
        (np.full((20, 20), np.nan), "25% of a cutout's pixels must be good; got 0%"),
        (np.full((20, 20), 7.0), "must have contrast; all good pixels are 7"),
    ],
)
def test_an_array_that_is_no_image_of_a_galaxy_is_refused(pixels, reason):
    with pytest.raises(GalaxyError, match=reason):
        Cutout(pixels)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(GalaxyError, match="one shape"):
        Cutout(sky(), np.zeros((5, 5), dtype=bool))


@pytest.mark.parametrize("name", ["psf_fwhm", "pixel_scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_widths_and_scales_must_be_positive(name, value):
    with pytest.raises(GalaxyError, match=f"{name} must be a positive number"):
        Cutout(sky(), **{name: value})


def test_every_flag_is_one_bit_with_a_line_that_describes_it():
    assert [int(flag) for flag in Flag] == [1 << bit for bit in range(len(Flag))]
    assert all(flag.description and "\n" not in flag.description for flag in Flag)
    assert len(describe_flags()) == len(Flag)


def test_bits_keep_their_meaning():
    assert Flag.UNREADABLE == 1
    assert Flag.MASKED_PIXELS == 2
    assert Flag.PSF_UNKNOWN == 8
    assert Flag.UNUSUAL == 512


def test_cutouts_of_any_sizes_are_one_sequence():
    known = Cutout(sky(), object_id="a", **KNOWN)
    cutouts = Cutouts.of([known, Cutout(sky(20, 16), object_id="b")])
    assert len(cutouts) == 2
    assert cutouts.object_ids == ("a", "b")
    assert cutouts[1].shape == (20, 16)
    np.testing.assert_array_equal(cutouts.psf_fwhms, [3.5, np.nan])
    np.testing.assert_array_equal(cutouts.pixel_scales, [0.168, np.nan])
    np.testing.assert_array_equal(cutouts.zero_points, [27.0, np.nan])
    assert cutouts.flags.tolist() == [0, 104]
    assert cutouts.take([1]).object_ids == ("b",)
    assert [cutout.object_id for cutout in cutouts] == ["a", "b"]


def test_a_rejection_is_flagged_as_unreadable():
    assert Rejection("a", "a.fits", "missing").flags == Flag.UNREADABLE
