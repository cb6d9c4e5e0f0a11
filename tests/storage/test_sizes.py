"""Facts about the sizes of cutouts."""

import numpy as np
import pytest

from gampen.catalog import Catalog, Column
from gampen.errors import GalaxyError, UsageError
from gampen.storage.sizes import Size, Unit

SCALE = 0.2


def sides(size, unit="", scale=SCALE):
    """The sides of galaxies with radii 2, 10 and none, in a unit."""
    catalog = Catalog((Column("radius", np.array([2.0, 10.0, np.nan]), unit),))
    asked, told = size.of(catalog)
    found = []
    for value in asked:
        try:
            found.append(size.side(value, told, scale))
        except GalaxyError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize(
    ("size", "side"),
    [
        (Size(96), 96),
        (Size(96.2), 97),
        (Size(96, Unit.PIXEL), 96),
        (Size(20, Unit.ARCSEC), 100),
        (Size(20.1, Unit.ARCSEC), 101),
        (Size(100 * SCALE, Unit.ARCSEC), 100),
        (Size(2, Unit.ARCSEC), "a cutout's side must be from 16 to 4096 pixels; got 10"),
    ],
)
def test_a_fixed_side_is_rounded_up_to_whole_pixels(size, side):
    assert sides(size) == [side] * 3


def test_a_fixed_side_that_no_cutout_has_is_refused_at_once():
    for times in (0, -3, np.nan, np.inf, 15, 5000):
        with pytest.raises(UsageError, match=r"size must be a positive number|from 16 to 4096"):
            Size(times)


@pytest.mark.parametrize(
    ("size", "unit", "expected"),
    [
        (Size(8, column="radius"), "arcsec", [80, 400]),
        (Size(8, column="radius"), "", [80, 400]),
        (Size(8, column="radius"), "pix", [64, 80]),
        (Size(8, column="radius", least=20), "pix", [20, 80]),
        (Size(8, Unit.PIXEL, "radius"), "", [64, 80]),
        (Size(0.1, column="radius"), "arcmin", [64, 300]),
        (Size(8, Unit.ARCSEC, "radius"), "furlong", [80, 400]),
    ],
)
def test_a_side_is_so_many_times_a_column_in_its_unit(size, unit, expected):
    assert sides(size, unit) == [*expected, "radius must be a positive number; it tells no size"]


def test_capitals_do_not_matter_in_the_name_of_a_column():
    catalog = Catalog.of(FLUX_RADIUS=[20.0])
    asked, _ = Size(8, Unit.PIXEL, "flux_radius").of(catalog)
    assert asked.tolist() == [160]


def test_the_column_that_is_spelled_as_asked_comes_before_one_in_other_capitals():
    catalog = Catalog.of(FLUX_RADIUS=[20.0], flux_radius=[5.0])
    asked, _ = Size(8, Unit.PIXEL, "FLUX_RADIUS").of(catalog)
    assert asked.tolist() == [160]


def test_units_that_contradict_each_other_are_refused():
    for size, unit, reason in (
        (Size(8, column="radius"), "furlong", "it is in 'furlong': say --arcsec or --pixels"),
        (Size(8, Unit.PIXEL, "radius"), "arcsec", "cannot be taken in pixel"),
        (Size(8, column="extent"), "", "must have a column 'extent'"),
    ):
        with pytest.raises(UsageError, match=reason):
            sides(size, unit)


def test_a_size_in_arcsec_needs_a_pixel_scale():
    reason = "the pixel scale must be known for a size in arcsec; it is not"
    assert sides(Size(20, Unit.ARCSEC), scale=None) == [reason] * 3


def test_one_galaxy_of_an_impossible_radius_stops_no_other():
    catalog = Catalog.of(radius=[1e6, 2.0])
    size = Size(8, column="radius")
    asked, unit = size.of(catalog)
    with pytest.raises(GalaxyError, match=r"from 16 to 4096 pixels; got 4e\+07"):
        size.side(asked[0], unit, SCALE)
    assert size.side(asked[1], unit, SCALE) == 80
