"""Where north and east point in an image, against astropy."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import pixel_to_skycoord

from gampen.cutouts import Cutout
from gampen.storage.orientation import as_cards, directions, is_plain
from gampen.storage.wcs import tangent_cards

STEP = 5e-5  # [deg / pixel]
SHAPE = (61, 80)


def header(matrix, kind="RA---TAN DEC--TAN", **more):
    """Cards of a projection about a place that is not the image's centre."""
    first, second = kind.split()
    cd = dict(zip(("CD1_1", "CD1_2", "CD2_1", "CD2_2"), (STEP * m for m in matrix), strict=True))
    place = {"CRPIX1": 35.0, "CRPIX2": 20.0, "CRVAL1": 150.1, "CRVAL2": 2.2}
    return {"CTYPE1": first, "CTYPE2": second, "CUNIT1": "deg", "CUNIT2": "deg"} | place | cd | more


def turned(degrees, flip=-1):
    """North up and east left (or right, where flipped), turned."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (flip * cosine, -flip * sine, sine, cosine)


FAR = {"CRPIX1": 9000.0, "CRPIX2": -7000.0}
WITHOUT_CD = dict.fromkeys(("CD1_1", "CD1_2", "CD2_1", "CD2_2"))
STEPS = WITHOUT_CD | {"CDELT1": -STEP, "CDELT2": STEP}
PC = {"PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8}
SIP = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 2e-5, "B_1_1": -3e-5, "A_1_1": 1e-5}
AXES = {"CRVAL1": 2.2, "CRVAL2": 150.1}
PLAIN = {
    "north up": header(turned(0)),
    "turned": header(turned(33.0)),
    "flipped": header(turned(0, flip=1)),
    "turned and flipped": header(turned(-71.0, flip=1)),
    "sheared": header((-1.0, 0.4, 0.1, 1.3)),
    "far from its pole": header(turned(20.0), **FAR),
    "near that of the sky": header(turned(20.0), **FAR, CRVAL2=89.2),
    "south": header(turned(20.0), **FAR, CRVAL2=-75.0),
    "of steps": header(turned(0), **STEPS, **PC),
    "of CROTA2": header(turned(0), **STEPS, CROTA2=25.0),
    "in arcsec": header(tuple(3600 * m for m in turned(10.0)), CUNIT1="arcsec", CUNIT2="arcsec"),
    "of FK5": header(turned(10.0), RADESYS="FK5", EQUINOX=2000.0),
}
OTHERS = {
    "distorted": header(turned(33.0), "RA---TAN-SIP DEC--TAN-SIP", **SIP),
    "orthographic": header(turned(33.0), "RA---SIN DEC--SIN", **FAR),
    "polynomial": header(turned(33.0), "RA---TPV DEC--TPV", PV1_0=0.0, PV1_1=1.01, PV2_1=0.99),
    "galactic": header(turned(33.0), "GLON-TAN GLAT-TAN"),
    "of 1950": header(turned(33.0), RADESYS="FK4", EQUINOX=1950.0),
    "with axes exchanged": header((0.0, 1.0, -1.0, 0.2), "DEC--TAN RA---TAN", **AXES),
    "turned at its pole": header(turned(0.0), LONPOLE=150.0),
}


def cutout(cards):
    told = {name: value for name, value in cards.items() if value is not None}
    pixels = np.random.default_rng(0).normal(size=SHAPE)
    return Cutout(pixels, wcs=told)


def angle_by_astropy(galaxy, degrees):
    """The position angle of a short line through the centre, in the image at this angle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(fits.Header(dict(galaxy.wcs)))
    x, y = (SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2
    dx, dy = 0.05 * np.cos(np.radians(degrees)), 0.05 * np.sin(np.radians(degrees))
    start, end = (pixel_to_skycoord(x + s * dx, y + s * dy, wcs).icrs for s in (-1, 1))
    return start.position_angle(end).deg % 180


@pytest.mark.parametrize("cards", [*PLAIN.values(), *OTHERS.values()], ids=[*PLAIN, *OTHERS])
def test_lines_have_the_position_angles_of_astropy(cards):
    galaxy = cutout(cards)
    found = directions(galaxy)
    for degrees in (0.0, 27.0, 90.0, 160.0):
        line = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        angle = np.degrees(np.arctan2(*(found @ line)))
        missed = (angle - angle_by_astropy(galaxy, degrees) + 90) % 180 - 90
        assert abs(missed) < 1e-3  # what the line's own length on the sky leaves


@pytest.mark.parametrize("cards", PLAIN.values(), ids=PLAIN)
def test_plain_projections_are_worked_out_by_hand(cards):
    assert is_plain(as_cards(cutout(cards).wcs))


@pytest.mark.parametrize("cards", OTHERS.values(), ids=OTHERS)
def test_others_are_not(cards):
    assert not is_plain(as_cards(cutout(cards).wcs))


@pytest.mark.parametrize(
    "cards",
    [
        {},
        tangent_cards(SHAPE, 0.2),
        {"CTYPE1": "LINEAR", "CTYPE2": "LINEAR", "CD1_1": 1.0, "CD2_2": 1.0},
        {"CTYPE1": "RA---TAN", "CTYPE2": "RA---TAN"},
        {"CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ"},
        {"CTYPE1": 3.0, "CTYPE2": "é"},
    ],
)
def test_without_world_coordinates_of_the_sky_nothing_is_known(cards):
    assert np.isnan(directions(cutout(cards))).all()
