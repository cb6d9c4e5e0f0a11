"""World coordinates carried into other pixels: astropy finds the same sky there."""

import re
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import GalaxyError
from gampen.storage.headers import Cards
from gampen.storage.remapping import PixelMap, remapped, substituted

STEP = 0.168 / 3600
SKY = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "CRVAL1": 150.1,
    "CRVAL2": -32.2,
    "CRPIX1": -512.3,
    "CRPIX2": 873.9,
}
SIP = {
    "A_ORDER": 3,
    "B_ORDER": 2,
    "AP_ORDER": 2,
    "BP_ORDER": 3,
    "A_2_0": 3e-6,
    "A_1_1": -2e-6,
    "A_0_2": 1e-6,
    "A_3_0": 4e-9,
    "A_1_2": -3e-9,
    "B_2_0": -2e-6,
    "B_1_1": 5e-6,
    "B_0_2": 2e-6,
    "B_DMAX": 1.5,
    "AP_1_0": 1e-5,
    "AP_0_1": -2e-5,
    "AP_2_0": -3e-6,
    "AP_1_1": 2e-6,
    "AP_0_0": 1e-3,
    "BP_1_0": -1e-5,
    "BP_2_0": 2e-6,
    "BP_1_1": -5e-6,
    "BP_0_2": -2e-6,
    "BP_3_0": 1e-9,
}
DISTORTED = {**SKY, "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", **SIP}
PV = {
    "CTYPE1": "RA---TPV",
    "CTYPE2": "DEC--TPV",
    "PV1_0": 1e-6,
    "PV1_1": 1.0001,
    "PV1_4": 2e-3,
    "PV2_0": -2e-6,
    "PV2_1": 0.9999,
    "PV2_5": 1e-3,
}


def turn(degrees):
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def named(name, matrix, version=""):
    pairs = ((f"{name}{i + 1}_{j + 1}{version}", matrix[i, j]) for i, j in np.ndindex(2, 2))
    return {keyword: float(value) for keyword, value in pairs}


NORTH_UP = np.diag([-STEP, STEP])
SHEARED = np.array([[-1.0, 0.25], [0.1, 1.2]]) * STEP
FLIPS = [np.diag([x, y]) for x in (1, -1) for y in (1, -1)]
ORIENTATIONS = [flip @ axes for flip in FLIPS for axes in (np.eye(2), np.eye(2)[::-1])]

HEADERS = {
    "north up": {**SKY, **named("CD", NORTH_UP)},
    "rotated": {**SKY, **named("CD", turn(37) @ NORTH_UP)},
    "sheared": {**SKY, **named("CD", SHEARED)},
    "two cards of CD": {**SKY, "CD1_2": STEP, "CD2_1": STEP},
    "PC and CDELT": {**SKY, **named("PC", turn(-71)), "CDELT1": -STEP, "CDELT2": STEP},
    "two cards of PC": {**SKY, "PC1_1": 0.9, "PC2_1": 0.2, "CDELT1": -STEP, "CDELT2": 1.5 * STEP},
    "CDELT alone": {**SKY, "CDELT1": -STEP, "CDELT2": STEP},
    "CROTA": {**SKY, "CDELT1": -STEP, "CDELT2": 1.3 * STEP, "CROTA1": 0.0, "CROTA2": 28.0},
    "CROTA, latitude first": {
        **SKY,
        "CTYPE1": "DEC--TAN",
        "CTYPE2": "RA---TAN",
        "CRVAL1": -32.2,
        "CRVAL2": 150.1,
        "CDELT1": STEP,
        "CDELT2": -1.3 * STEP,
        "CROTA1": 28.0,
    },
    "arcsec": {
        **SKY,
        "CUNIT1": "arcsec",
        "CUNIT2": "arcsec",
        "CDELT1": -0.2,
        "CDELT2": 0.2,
        "CRVAL1": 540360.0,
        "CRVAL2": -115920.0,
    },
    "SIP": {**DISTORTED, **named("CD", turn(37) @ NORTH_UP)},
    "SIP beside PC": {**DISTORTED, **named("PC", SHEARED / STEP), "CDELT1": STEP, "CDELT2": STEP},
    "PV": {**SKY, **named("CD", SHEARED), **PV},
    "galactic, cylindrical": {
        **SKY,
        "CTYPE1": "GLON-CAR",
        "CTYPE2": "GLAT-CAR",
        "CRVAL2": 0.0,
        **named("CD", turn(5) @ NORTH_UP),
    },
    **{
        f"orientation {place}": {**DISTORTED, **named("CD", NORTH_UP @ orientation)}
        for place, orientation in enumerate(ORIENTATIONS)
    },
}
MAPS = {
    "zoom": PixelMap(0.61 * np.eye(2), np.array([10.2, -3.7])),
    "another zoom for each axis": PixelMap(np.diag([1.7, 1.6]), np.array([-4.0, 12.0])),
    "affine": PixelMap(np.array([[0.8, -0.31], [0.22, 1.9]]), np.array([3.25, 17.75])),
    "mirror": PixelMap(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.0, 0.0])),
    "shift": PixelMap(np.eye(2), np.array([31.0, -12.0])),
}
PLACES = np.array([[0.0, 0.0], [63.0, 0.0], [11.5, 40.2], [70.3, 69.9], [-30.0, 2000.0]])


def cards_of(values):
    return Cards(fits.Header(values).tostring(padding=False).encode())


def wcs_of(values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(fits.Header(values))


def carried(values, pixels):
    """The header in other pixels."""
    changes = remapped(cards_of(values), pixels)
    merged = {**values, **changes}
    return {keyword: value for keyword, value in merged.items() if value is not None}


def apart(one, other, cosine):
    """The largest angle [deg] between positions."""
    across = ((one[:, 0] - other[:, 0] + 180) % 360 - 180) * cosine
    return max(np.abs(across).max(), np.abs(one[:, 1] - other[:, 1]).max())


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("name", MAPS)
def test_each_place_of_the_sky_is_where_astropy_finds_it_in_the_old_image(header, name):
    old, pixels = HEADERS[header], MAPS[name]
    new = carried(old, pixels)
    expected = wcs_of(old).all_pix2world(PLACES @ pixels.matrix.T + pixels.shift, 0)
    found = wcs_of(new).all_pix2world(PLACES, 0)
    # Of a pixel of 0.17 arcsec this is less than 1e-6.
    assert apart(found, expected, np.cos(np.radians(32.2))) < 1e-10


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("header", ["SIP", "SIP beside PC"])
def test_the_inverse_distortion_is_carried_too(header, name):
    old, pixels = HEADERS[header], MAPS[name]
    sky = wcs_of(old).wcs_pix2world(PLACES[:4] + 300, 0)
    expected = (by_inverse(wcs_of(old), sky) - pixels.shift) @ pixels.inverse.T
    np.testing.assert_allclose(by_inverse(wcs_of(carried(old, pixels)), sky), expected, atol=1e-6)


def by_inverse(wcs, sky):
    """Pixels of places on the sky, by the polynomials of the inverse."""
    offset = wcs.wcs_world2pix(sky, 1) - wcs.wcs.crpix
    moves = [np.polynomial.polynomial.polyval2d(*offset.T, c) for c in (wcs.sip.ap, wcs.sip.bp)]
    return offset + np.stack(moves, axis=-1) + wcs.wcs.crpix - 1


def test_the_linear_part_alone_would_miss_a_distorted_star():
    old, pixels = HEADERS["SIP"], MAPS["affine"]
    new = {**carried(old, pixels), **SIP}
    expected = wcs_of(old).all_pix2world(PLACES @ pixels.matrix.T + pixels.shift, 0)
    assert apart(wcs_of(new).all_pix2world(PLACES, 0), expected, 0.85) > 0.1 * STEP


def test_a_shift_changes_nothing_but_the_reference_pixel():
    for values in HEADERS.values():
        changes = remapped(cards_of(values), MAPS["shift"])
        assert {k: v for k, v in changes.items() if v is not None or k in values} == {
            "CRPIX1": SKY["CRPIX1"] - 31,
            "CRPIX2": SKY["CRPIX2"] + 12,
        }


def test_an_angle_becomes_a_matrix_unless_only_shifted():
    new = carried(HEADERS["CROTA"], MAPS["affine"])
    assert "CROTA1" not in new
    assert "CROTA2" not in new
    assert new["CDELT2"] == 1.3 * STEP


def test_further_versions_of_the_coordinates_are_carried_each_in_its_form():
    plate = {"CTYPE1A": "LINEAR", "CTYPE2A": "LINEAR", "CRPIX1A": 1.0, "CRPIX2A": 1.0}
    plate |= {"CRVAL1A": 12000.0, "CRVAL2A": 8000.0, "WCSAXESA": 2}
    second = {**named("CD", SHEARED, "B"), "CTYPE1B": "RA---TAN", "CTYPE2B": "DEC--TAN"}
    second |= {"CRVAL1B": 10.0, "CRVAL2B": 20.0, "CRPIX1B": 5.0, "CRPIX2B": 6.0}
    old, pixels = {**HEADERS["north up"], **plate, **second}, MAPS["affine"]
    new = carried(old, pixels)
    for version in ("A", "B"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            before, after = (WCS(fits.Header(values), key=version) for values in (old, new))
        expected = before.wcs_pix2world(PLACES[:4] @ pixels.matrix.T + pixels.shift, 0)
        np.testing.assert_allclose(after.wcs_pix2world(PLACES[:4], 0), expected, rtol=1e-12)


def test_the_physical_pixels_of_iraf_are_carried():
    old = {"LTV1": -512.0, "LTV2": 40.5, "LTM1_1": 0.5, "LTM2_2": 0.5}
    pixels = MAPS["affine"]
    new = remapped(cards_of(old), pixels)
    physical = np.array([1200.0, 300.0])
    in_old = 0.5 * physical + [-512.0, 40.5]
    matrix = np.array([[new["LTM1_1"], new["LTM1_2"]], [new["LTM2_1"], new["LTM2_2"]]])
    in_new = matrix @ physical + [new["LTV1"], new["LTV2"]]
    np.testing.assert_allclose(pixels.matrix @ (in_new - 1) + pixels.shift + 1, in_old)


def test_an_axis_of_bands_goes():
    bands = {"WCSAXES": 3, "CTYPE3": "WAVE", "CRPIX3": 1.0, "CRVAL3": 1e-6, "CDELT3": 1e-7}
    bands |= {"CUNIT3": "m", "CD3_3": 1e-7, "CD1_3": 0.0}
    old = {**bands, **HEADERS["rotated"]}
    new = carried(old, MAPS["zoom"])
    assert [keyword for keyword in new if re.search("3", keyword)] == []
    assert new["WCSAXES"] == 2
    assert wcs_of(new).naxis == 2


@pytest.mark.parametrize("keyword", ["CPDIS1", "D2IMDIS2"])
def test_distortions_in_a_table_are_refused(keyword):
    with pytest.raises(GalaxyError, match=f"got {keyword}, a table beside it"):
        remapped(cards_of({**HEADERS["rotated"], keyword: "LOOKUP"}), MAPS["zoom"])


def test_a_distortion_of_a_higher_order_than_there_is_is_refused():
    with pytest.raises(GalaxyError, match="order up to 9; got 40"):
        remapped(cards_of({**DISTORTED, "A_ORDER": 40}), MAPS["zoom"])


def test_a_header_without_coordinates_needs_no_change():
    assert remapped(cards_of({"OBJECT": "NGC 1"}), MAPS["zoom"]) == {}


numbers = st.floats(-2, 2)


@given(
    matrix=st.lists(numbers, min_size=4, max_size=4),
    terms=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), numbers), max_size=6),
    place=st.tuples(numbers, numbers),
)
def test_a_polynomial_of_changed_variables_is_the_substituted_one(matrix, terms, place):
    old = np.zeros((10, 10))
    for p, q, value in terms:
        old[p, q] = value
    square = np.array(matrix).reshape(2, 2)
    x, y = square @ np.array(place)
    expected = np.polynomial.polynomial.polyval2d(x, y, old)
    found = np.polynomial.polynomial.polyval2d(*place, substituted(old, square))
    size = np.polynomial.polynomial.polyval2d(*[np.abs(square).sum(axis=1).max() * 2] * 2, abs(old))
    assert found == pytest.approx(expected, abs=1e-9 * (1 + size))
