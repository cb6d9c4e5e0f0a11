"""Facts about what a table says of each galaxy."""

import sys

import numpy as np
import pytest

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.facts import in_our_units


def read(name, values, unit=""):
    """A column as it comes back."""
    return in_our_units(Catalog((Column(name, np.array(values), unit),)))[name]


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("psf_fwhm_arcsec", "arcsec", 1),
        ("psf_fwhm_arcsec", "arcmin", 60),
        ("psf_fwhm_arcsec", "deg", 3600),
        ("psf_fwhm_arcsec", "mas", 1e-3),
        ("pixel_scale_arcsec", "arcsec/pixel", 1),
        ("pixel_scale_arcsec", "arcsec pix-1", 1),
        ("pixel_scale_arcsec", "deg/pix", 3600),
        ("pixel_scale_arcsec", "mas", 1e-3),
        ("ra", "degrees", 1),
        ("ra", "hourangle", 15),
        ("ra", "rad", 180 / np.pi),
        ("dec", "DEG", 1),
        ("zero_point", "mag(AB)", 1),
        ("zero_point", "mmag", 1e-3),
        ("psf_concentration", "percent", 1e-2),
    ],
)
def test_a_unit_that_can_be_converted_is(name, unit, factor):
    found = read(name, [0.5, np.nan], unit)
    np.testing.assert_allclose(found.values, [0.5 * factor, np.nan], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("psf_fwhm_arcsec", "pix"),
        ("psf_fwhm_arcsec", "mag"),
        ("psf_fwhm_arcsec", "nonsense"),
        ("psf_fwhm_arcsec", "arcsec/pix/pix"),
        ("pixel_scale_arcsec", "pix"),
        ("zero_point", "Jy"),
        ("ra", "m"),
    ],
)
def test_a_unit_that_cannot_is_refused_in_one_line(name, unit):
    with pytest.raises(UsageError, match=f"column '{name}' must be in .* got '{unit}'") as refusal:
        read(name, [0.5], unit)
    assert "\n" not in str(refusal.value)


def test_usual_units_need_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy", None)
    assert read("psf_fwhm_arcsec", [0.5], "arcsec").values.tolist() == [0.5]


def test_text_that_is_numbers_is_numbers_and_empty_cells_are_unknown():
    found = read("ra", ["1.5", " 2 ", "", "N/A", "--", "nan"])
    np.testing.assert_array_equal(found.values, [1.5, 2, *4 * [np.nan]])


def test_other_text_is_refused_with_its_row():
    with pytest.raises(UsageError, match="'ra' must hold numbers; row 2 holds '10:20:30'"):
        read("ra", ["1.5", "10:20:30"])
    with pytest.raises(UsageError, match=r"'ra' must hold numbers; row 1 holds 'x{40}'"):
        read("ra", ["x" * 10**6])


def test_several_numbers_a_galaxy_are_refused():
    with pytest.raises(UsageError, match="one number a galaxy; it holds several"):
        read("ra", [[1.0, 2.0]])


def test_columns_that_are_not_heeded_stay_as_they_are():
    catalog = Catalog((Column("z", np.array(["x"]), "pix"), Column("ra", np.array([1]))))
    found = in_our_units(catalog)
    assert found["z"] is catalog["z"]
    assert found.names == catalog.names
