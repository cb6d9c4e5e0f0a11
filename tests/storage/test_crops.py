"""Crops on disk: read again as what they are, with all that is still true of their header."""

import math

import numpy as np
import pytest
from astropy.io import fits

from gampen.cutouts import Cutout
from gampen.storage.crops import CropImage, crop_records, write_crop
from gampen.storage.fits import read_cutout
from gampen.storage.header_records import cards_of, record, records_of
from gampen.storage.remapping import PixelMap

ZOOM = PixelMap(0.5 * np.eye(2), np.array([4.0, 6.0]))
PIXELS = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)


def cutout(**fields):
    facts = {"pixel_scale": 0.2, "psf_fwhm": 3.5, "zero_point": 27.0, **fields}
    return Cutout(np.random.default_rng(1).normal(size=(24, 30)), **facts)


def header(**values):
    return records_of(fits.Header(values).tostring(sep="", padding=False))


def cards(own=None, of=None, notes=None):
    crop = CropImage(PIXELS, ZOOM, notes or {})
    return cards_of(crop_records(crop, of or cutout(), header(**(own or {}))))


def test_a_pixel_holds_the_light_that_falls_into_it(tmp_path):
    write_crop(CropImage(PIXELS, ZOOM, {}), cutout(), header(BUNIT="nJy"), tmp_path / "a.fits")
    found, said = fits.getdata(tmp_path / "a.fits", header=True)
    np.testing.assert_array_equal(found, PIXELS / 4)
    assert (said["BUNIT"], said["MAGZERO"]) == ("nJy", 27.0)


@pytest.mark.parametrize("unit", ["MJy/sr", "MJy sr-1", "nJy arcsec**-2", "mJy/arcsec2"])
def test_a_pixel_of_brightness_stays_brightness_and_its_unit_is_less_light(tmp_path, unit):
    own = header(BUNIT=unit, PIXAR_SR=4e-14, PIXAR_A2=1e-3)
    write_crop(CropImage(PIXELS, ZOOM, {}), cutout(), own, tmp_path / "a.fits")
    found, said = fits.getdata(tmp_path / "a.fits", header=True)
    np.testing.assert_array_equal(found, PIXELS)
    assert said["PIXAR_SR"] == pytest.approx(1e-14)
    assert said["PIXAR_A2"] == pytest.approx(2.5e-4)
    assert said["MAGZERO"] == pytest.approx(27.0 - 2.5 * math.log10(0.25))


@pytest.mark.parametrize("unit", ["electron/s", "adu", "nanomaggy", "counts", "DN/s", "Jy", ""])
def test_units_of_light_are_not_taken_for_those_of_brightness(unit):
    assert cards({"BUNIT": unit}).number("MAGZERO") == 27.0


def test_a_crop_is_read_again_with_what_was_known(tmp_path):
    old = cutout(ra=150.0, dec=-30.0)
    write_crop(CropImage(PIXELS, ZOOM, {}), old, [], tmp_path / "a.fits")
    new = read_cutout(tmp_path / "a.fits")
    assert new.pixel_scale == pytest.approx(0.1)
    assert new.psf_fwhm == pytest.approx(7.0)
    assert new.zero_point == 27.0


def test_without_a_scale_the_psf_is_told_in_the_pixels_of_the_crop(tmp_path):
    old = cutout(pixel_scale=None)
    own = [record("PSF_FWHM", 3.5, "[pixel]"), record("SEEING", 3.6, "pixels")]
    write_crop(CropImage(PIXELS, ZOOM, {}), old, own, tmp_path / "a.fits")
    assert read_cutout(tmp_path / "a.fits").psf_fwhm == pytest.approx(7.0)
    assert fits.getheader(tmp_path / "a.fits")["SEEING"] == pytest.approx(7.2)


@pytest.mark.parametrize("keyword", ["PIXSCALE", "SECPIX"])
def test_a_scale_in_words_is_that_of_the_new_pixels(keyword):
    found = cards({keyword: 0.2})
    assert found.number(keyword) == pytest.approx(0.1)
    assert "CD1_1" not in found


def test_coordinates_that_only_the_cutout_knows_are_carried_too():
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 5.0, "CRPIX2": 7.0}
    found = cards(of=cutout(wcs={**wcs, "CD1_1": -1e-5, "CD2_2": 1e-5}))
    assert found.number("CD1_1") == pytest.approx(-5e-6)
    assert found.number("CRPIX1") == pytest.approx((5.0 - 1 - 4) / 0.5 + 1)


def test_what_was_true_of_the_old_pixels_alone_is_left_out_and_all_else_stays():
    kept = {"OBJECT": "NGC 1", "EXPTIME": 3.0, "FILTER": "i", "FLUXMAG0": 6.3e10}
    gone = {"CHECKSUM": "a", "DATASUM": "b", "BSCALE": 2.0, "BZERO": 1.0, "NAXIS3": 3}
    gone |= {"DATAMAX": 5.0, "DATASEC": "[1:10,1:10]", "MP_BAD": 0, "BAND0": "g", "BANDS": "gri"}
    found = cards({**kept, **gone})
    assert {keyword: found.value(keyword) for keyword in kept} == kept
    assert [keyword for keyword in gone if keyword in found] == []


def test_a_note_takes_the_place_of_an_older_one():
    found = crop_records(
        CropImage(PIXELS, ZOOM, {"CROPPIX": ("resampled", "now")}),
        cutout(),
        header(CROPPIX="original"),
    )
    assert [part.text[:30].rstrip() for part in found if part.keyword == "CROPPIX"] == [
        "CROPPIX = 'resampled' / now"
    ]
