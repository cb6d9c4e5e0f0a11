"""Rows of a catalogue: the directions of galaxies on the sky beside those in their images."""

import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import pixel_to_skycoord

from gampen.estimator import Estimator
from gampen.inference.ellipses import sky_angles
from gampen.inference.sampling import Sampling
from gampen.verbs.rows import rows_of
from gampen.verbs.sights import see
from tiny import SIMULATION, changed, galaxies, paired_network

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md").read_text()
STEP = SIMULATION.survey.pixel_scale / 3600


def world(turn, flip, shear=0.0):
    """Cards of an image that is turned, mirrored where flip is 1, and sheared."""
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    matrix = STEP * np.array([[flip * cosine, -flip * sine], [sine + shear, cosine]])
    names = ("CD1_1", "CD1_2", "CD2_1", "CD2_2")
    place = {"CRPIX1": 500.0, "CRPIX2": 10.0, "CRVAL1": 34.5, "CRVAL2": -45.0}
    kind = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}
    return kind | place | dict(zip(names, matrix.ravel().tolist(), strict=True))


WORLDS = [world(0, -1), world(50, -1), world(-20, 1), world(110, 1, shear=0.2), {}]


@pytest.fixture(scope="module")
def rows():
    estimator = Estimator(paired_network(), SIMULATION, {"name": "paired"})
    cutouts = zip(galaxies(len(WORLDS)), WORLDS, strict=True)
    told = [changed(cutout, wcs=cards) for cutout, cards in cutouts]
    return rows_of(see(estimator, told, Sampling(passes=2)))


def test_position_angles_on_the_sky_are_those_of_astropy(rows):
    image, sky = (rows[f"disk_position_angle_{end}"].numbers() for end in ("mean", "sky"))
    for degrees, found, cards in zip(image, sky, WORLDS[:-1], strict=False):
        wcs, centre = WCS(fits.Header(cards)), 23.5
        offset = 0.05 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        start, end = (pixel_to_skycoord(*(centre + s * offset), wcs).icrs for s in (-1, 1))
        missed = (found - start.position_angle(end).to_value(units.deg) + 90) % 180 - 90
        assert abs(missed) < 1e-3
    assert ((sky[:-1] >= 0) & (sky[:-1] < 180)).all()


def test_where_the_sky_is_not_known_the_angle_is_not_either(rows):
    assert np.isnan(rows["disk_position_angle_sky"].values[-1])
    assert np.isfinite(rows["disk_position_angle_mean"].values).all()


def test_with_north_up_and_east_left_angles_are_counted_from_another_axis(rows):
    image, sky = (rows[f"disk_position_angle_{end}"].numbers()[0] for end in ("mean", "sky"))
    missed = (sky - (image - 90) + 90) % 180 - 90
    assert abs(missed) < 0.1  # 500 pixels from the projection's pole north is not quite up


def test_the_column_stands_beside_that_of_the_image(rows):
    place = rows.names.index("disk_position_angle_mean")
    assert rows.names[place + 1] == "disk_position_angle_sky"
    column = rows["disk_position_angle_sky"]
    assert (column.unit, column.values.dtype) == ("deg", np.float32)


def test_a_line_to_the_north_has_an_angle_of_nought_and_never_of_180():
    up = np.array([[[-1.0, 0.0], [0.0, 1.0]]])
    nearly = np.array([90.0, 90.0 + 1e-9, 90.0 - 1e-9, 90.0 - 1e-4])
    found = sky_angles(nearly, np.repeat(up, len(nearly), axis=0))
    assert (found < 180).all()
    assert np.allclose(np.minimum(found, 180 - found), 0, atol=2e-4)


def test_the_reference_has_every_column_that_follows_from_a_pair(rows):
    derived = [n for n in rows.names if re.match(r"disk_(axis_ratio|position_angle)_", n)]
    ends = {"lo68", "hi68", "lo95", "hi95", "lo997", "hi997"}
    wanted = {
        name.replace("disk_", "{stem}", 1) for name in derived if name.rsplit("_", 1)[1] not in ends
    }
    assert {"{stem}position_angle_sky", "{stem}axis_ratio_median"} <= wanted
    assert {name for name in wanted if f"`{name}`" not in REFERENCE} == set()
