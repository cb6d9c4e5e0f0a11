"""Tables of any survey give positions, whatever these are called there."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.storage.positions import PAIRS, positioned
from gampen.storage.tables import read_catalog
from gampen.storage.wanted import object_ids

RA, DEC = [334.5, 334.6], [-39.9, -40.0]


def table(**columns):
    return Catalog.of(**{name: np.asarray(values) for name, values in columns.items()})


@pytest.mark.parametrize(("ra", "dec"), PAIRS)
def test_positions_have_the_names_of_many_tables(tmp_path, ra, dec):
    found = positioned(table(**{ra.upper(): RA, dec.upper(): DEC, "MAG": [20.0, 21.0]}), tmp_path)
    assert found.names == ("ra", "dec", "MAG")
    np.testing.assert_array_equal(found["ra"].values, RA)


def test_half_a_pair_is_no_position(tmp_path):
    with pytest.raises(UsageError, match="must have columns 'ra' and 'dec'"):
        positioned(table(ALPHA_J2000=RA, dej2000=DEC), tmp_path)


def test_our_own_names_come_first(tmp_path):
    found = positioned(
        table(alpha_j2000=[0.0, 0.0], delta_j2000=[0.0, 0.0], ra=RA, dec=DEC), tmp_path
    )
    np.testing.assert_array_equal(found["ra"].values, RA)


def test_sextractors_numbers_are_ids_where_no_two_are_the_same():
    assert object_ids(table(NUMBER=[7, 9])) == ["7", "9"]
    assert object_ids(table(NUMBER=[7, 7])) == ["galaxy-0000000", "galaxy-0000001"]
    assert object_ids(table(NUMBER=[7, 9], object_id=["a", "b"])) == ["a", "b"]


def test_of_an_ldac_file_the_objects_are_read(tmp_path):
    header = fits.Column("Field Header Card", "80A", array=np.array(["SIMPLE  = T"]))
    objects = Table({"ALPHAWIN_J2000": RA, "DELTAWIN_J2000": DEC, "NUMBER": [1, 2]})
    image = fits.BinTableHDU.from_columns([header], name="LDAC_IMHEAD")
    path = tmp_path / "objects.fits"
    tables = [fits.PrimaryHDU(), image, fits.BinTableHDU(objects, name="LDAC_OBJECTS")]
    fits.HDUList(tables).writeto(path)
    assert read_catalog(path).names == ("ALPHAWIN_J2000", "DELTAWIN_J2000", "NUMBER")
