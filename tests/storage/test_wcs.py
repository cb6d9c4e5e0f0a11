"""Facts about world coordinates worked out by hand: astropy's WCS agrees."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from hypothesis import given
from hypothesis import strategies as st

from gampen.storage.headers import Cards
from gampen.storage.wcs import central_position, pixel_scale, tangent_cards

STEP = 0.168 / 3600
TANGENT = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 5.0, "CRPIX2": 7.0}


def cards_of(values):
    return Cards(fits.Header(values).tostring(padding=False).encode())


def rotated(degrees, steps=(-STEP, STEP)):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.diag(steps) @ turn


def matrix_cards(name, matrix):
    return {
        f"{name}{row + 1}_{column + 1}": matrix[row, column] for row, column in np.ndindex(2, 2)
    }


def scale_by_astropy(values):
    return 3600 * np.sqrt(proj_plane_pixel_area(WCS(fits.Header(values)).celestial))


@pytest.mark.parametrize("degrees", [0, 33, 90, 217])
@pytest.mark.parametrize("steps", [(-STEP, STEP), (STEP, STEP), (-STEP, 2 * STEP)])
def test_a_rotated_matrix_has_the_scale_that_astropy_finds(degrees, steps):
    matrix = rotated(degrees, steps)
    unit = rotated(degrees, (1.0, 1.0))
    sky = {**TANGENT, "CRVAL1": 10.0, "CRVAL2": 20.0}
    for values in (
        {**sky, **matrix_cards("CD", matrix)},
        {**sky, **matrix_cards("PC", unit), "CDELT1": steps[0], "CDELT2": steps[1]},
        {**sky, **matrix_cards("PC", matrix), "CDELT1": 1.0, "CDELT2": 1.0},
        {**sky, **matrix_cards("PC", matrix)},
        {**sky, "CDELT1": steps[0], "CDELT2": steps[1], "CROTA2": float(degrees)},
    ):
        assert pixel_scale((cards_of(values),)) == pytest.approx(scale_by_astropy(values), rel=1e-9)


def test_units_other_than_degrees_are_understood():
    values = {"CDELT1": -0.2, "CDELT2": 0.2, "CUNIT1": "arcsec", "CUNIT2": "arcsec"}
    assert pixel_scale((cards_of(values),)) == pytest.approx(0.2)
    assert pixel_scale((cards_of({**values, "CUNIT1": "m"}),)) is None


def test_a_matrix_without_all_its_cards_has_zeros_there():
    assert pixel_scale((cards_of({"CD1_2": STEP, "CD2_1": STEP}),)) == pytest.approx(0.168)


@pytest.mark.parametrize("values", [{}, {"CDELT1": 1.0, "CDELT2": 1.0}, {"CD1_1": 0.0}])
def test_a_header_without_sky_coordinates_has_no_scale(values):
    assert pixel_scale((cards_of(values),)) is None


@pytest.mark.parametrize("name", ["PIXSCALE", "SECPIX"])
def test_a_scale_in_words_is_taken_where_there_is_no_matrix(name):
    assert pixel_scale((cards_of({}), cards_of({name: 0.3}))) == 0.3
    assert pixel_scale((cards_of({"CD1_1": STEP, "CD2_2": STEP}), cards_of({name: 0.3}))) < 0.2


@given(
    ra=st.floats(0, 359.99),
    dec=st.floats(-89, 89),
    degrees=st.floats(0, 360),
    origin=st.tuples(st.floats(-20000, 20000), st.floats(-20000, 20000)),
    shape=st.tuples(st.integers(16, 99), st.integers(16, 99)),
)
def test_the_centre_is_where_astropy_finds_it(ra, dec, degrees, origin, shape):
    names = {**TANGENT, "CRPIX1": origin[0], "CRPIX2": origin[1], "CRVAL1": ra, "CRVAL2": dec}
    values = {**names, **matrix_cards("CD", rotated(degrees))}
    place = central_position(cards_of(values), shape)
    middle = [[(shape[1] - 1) / 2, (shape[0] - 1) / 2]]
    expected = WCS(fits.Header(values)).all_pix2world(middle, 0)[0]
    # Angles apart, so that neither a full turn nor the pole counts as a difference.
    apart = (np.array(place) - expected + 180) % 360 - 180
    assert abs(apart[1]) < 1e-8
    assert abs(apart[0]) * np.cos(np.radians(expected[1])) < 1e-8


def test_a_distorted_projection_has_no_centre_by_hand():
    values = {**TANGENT, "CTYPE1": "RA---TAN-SIP", "CRVAL1": 1.0, "CRVAL2": 2.0, "CD1_1": STEP}
    assert central_position(cards_of(values), (20, 20)) is None
    assert central_position(cards_of({**TANGENT, "CD1_1": STEP}), (20, 20)) is None


@pytest.mark.parametrize("shape", [(24, 30), (25, 31)])
def test_the_cards_written_have_north_up_and_the_position_in_the_middle(shape):
    values = tangent_cards(shape, 0.2, (10.0, -20.0))
    assert central_position(cards_of(values), shape) == pytest.approx((10.0, -20.0))
    assert pixel_scale((cards_of(values),)) == pytest.approx(0.2)
    wcs = WCS(fits.Header(values))
    (left_ra, _), (right_ra, _) = wcs.all_pix2world([[0, 10], [20, 10]], 0)
    (_, low_dec), (_, high_dec) = wcs.all_pix2world([[10, 0], [10, 20]], 0)
    assert left_ra > right_ra
    assert high_dec > low_dec


def test_without_a_position_the_cards_tell_the_scale_alone():
    cards = cards_of(tangent_cards((20, 20), 0.2))
    assert pixel_scale((cards,)) == pytest.approx(0.2)
    assert central_position(cards, (20, 20)) is None
