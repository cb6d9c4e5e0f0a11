"""Facts about places on the sky by number."""

import cdshealpix
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import Latitude, Longitude

from gampen.storage.healpix import FACES, pixels_at


def sky(galaxies, seed=1):
    """Positions all over the sky, many of them close to the poles."""
    generator = np.random.default_rng(seed)
    ra = generator.uniform(-180, 540, galaxies)
    dec = np.degrees(np.arcsin(generator.uniform(-1, 1, galaxies)))
    polar = 10 ** generator.uniform(-9, 1, galaxies // 2)
    dec[: galaxies // 2] = np.where(ra[: galaxies // 2] < 180, 90 - polar, polar - 90)
    return ra, dec


@pytest.mark.parametrize("order", [0, 1, 2, 7, 13, 20, 29])
def test_pixels_are_those_of_another_library(order):
    ra, dec = sky(20_000)
    expected = cdshealpix.lonlat_to_healpix(
        Longitude(ra, units.deg), Latitude(dec, units.deg), order
    )
    found = pixels_at(ra, dec, order)
    # Half a unit in the last place of a position moves one in a million over an edge at order 29.
    assert (found != expected.astype(np.int64)).sum() <= (1 if order > 20 else 0)


def test_a_pixel_lies_in_the_pixel_of_any_lower_order():
    ra, dec = sky(5_000, seed=2)
    finest = pixels_at(ra, dec, 29)
    for order in range(29):
        # At an edge the last digit of a product decides, at each order anew.
        assert (pixels_at(ra, dec, order) != finest >> 2 * (29 - order)).mean() < 1e-3


def test_pixels_have_equal_areas():
    generator = np.random.default_rng(3)
    galaxies = 192_000
    dec = np.degrees(np.arcsin(generator.uniform(-1, 1, galaxies)))
    counts = np.bincount(pixels_at(generator.uniform(0, 360, galaxies), dec, 2))
    assert len(counts) == FACES * 16
    # chi-squared of 191 degrees of freedom: 191 +- 5 sqrt(382).
    assert abs(((counts - 1000) ** 2 / 1000).sum() - 191) < 5 * np.sqrt(382)


def test_the_poles_and_the_edges_of_faces_have_a_pixel():
    ra = np.array([0.0, 360.0, -0.0, 90.0, 270.0, 0.0, 123.0])
    dec = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 90.0, -90.0])
    for order in (0, 5, 29):
        found = pixels_at(ra, dec, order)
        assert ((found >= 0) & (found < FACES * 4**order)).all()
        assert found[0] == found[1] == found[2]
