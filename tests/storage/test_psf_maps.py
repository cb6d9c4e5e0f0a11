"""Facts about maps of PSFs."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from gampen.catalog import Catalog
from gampen.cutouts import Rejection
from gampen.errors import UsageError
from gampen.storage.fits import psf_image
from gampen.storage.mosaics import Cutting, open_mosaics
from gampen.storage.psf_maps import open_psf_map
from gampen.storage.sizes import Size
from gampen.storage.tables import write_catalog
from patches import wcs_of, write_positions, write_tile

FWHMS = (3.0, 4.0, 5.0, 6.0)
CORNERS = [(20, 20), (320, 20), (20, 280), (320, 280)]
PLACES = [(100.0, 100.0), (250.0, 60.0), (90.0, 250.0), (300.0, 200.0)]


def star(fwhm, side=33):
    rows, columns = np.indices((side, side)) - side // 2
    return np.exp(-4 * np.log(2) * (rows**2 + columns**2) / fwhm**2).astype(np.float32)


@pytest.fixture
def tile(tmp_path):
    return write_tile(tmp_path / "tile.fits", SEEING=1.6)


def positions(tile):
    """Sky positions of the corners of a tile."""
    return wcs_of(tile).all_pix2world(CORNERS, 0).T


def table_of(tmp_path, tile):
    """PSFs as a table of positions and files."""
    ra, dec = positions(tile)
    names = [f"psf-{n}.fits" for n in range(4)]
    for name, fwhm in zip(names, FWHMS, strict=True):
        fits.PrimaryHDU(star(fwhm)).writeto(tmp_path / name)
    write_catalog(Catalog.of(ra=ra, dec=dec, psf_file=names), tmp_path / "psfs.csv")
    return tmp_path / "psfs.csv"


def cube_of(tmp_path, tile):
    """PSFs as a cube beside a table of positions."""
    ra, dec = positions(tile)
    table = fits.BinTableHDU(Table({"RA": ra, "DEC": dec}))
    cube = np.stack([star(fwhm) for fwhm in FWHMS])
    fits.HDUList([fits.PrimaryHDU(cube), table]).writeto(tmp_path / "psfs.fits")
    return tmp_path / "psfs.fits"


def widths(tile, tmp_path, psf_map, **columns):
    """The widths of the PSFs of galaxies at places, as gampen takes them."""
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, tile, **columns)
    source = open_mosaics([tile], catalog, Cutting(Size(64), psf_map=psf_map))
    return [getattr(entry, "psf_fwhm", entry) for entry in source.read()]


@pytest.mark.parametrize("make", [table_of, cube_of])
def test_each_galaxy_has_the_psf_of_the_nearest_position(tmp_path, tile, make):
    found = widths(tile, tmp_path, make(tmp_path, tile))
    np.testing.assert_allclose(found, FWHMS, rtol=0.03)


def test_columns_go_before_the_map_and_the_map_before_the_tile(tmp_path, tile):
    fits.PrimaryHDU(star(7.0)).writeto(tmp_path / "own.fits")
    told = {"psf_file": ["own.fits", "", "", ""], "psf_fwhm_arcsec": [0.5, 0.5, np.nan, np.nan]}
    found = widths(tile, tmp_path, table_of(tmp_path, tile), **told)
    np.testing.assert_allclose(found, [7.0, 2.5, 5.0, 6.0], rtol=0.03)
    np.testing.assert_allclose(widths(tile, tmp_path, None, **told), [7.0, 2.5, 8, 8], rtol=0.03)


def test_a_psf_that_is_missing_or_no_psf_costs_its_galaxies_alone(tmp_path, tile):
    psf_map = table_of(tmp_path, tile)
    (tmp_path / "psf-1.fits").unlink()
    fits.PrimaryHDU(np.zeros((33, 33), "f4")).writeto(tmp_path / "flat.fits")
    names = ["", "", "flat.fits", "../../none.fits"]
    found = widths(tile, tmp_path, psf_map, psf_file=names)
    assert found[0] == pytest.approx(3.0, rel=0.03)
    assert all(isinstance(entry, Rejection) for entry in found[1:])
    reasons = [entry.reason for entry in found[1:]]
    assert reasons[0] == "the PSF file psf-1.fits: the file must exist; it is missing"
    assert "a PSF image must have two axes, 5 pixels a side and a positive peak" in reasons[1]
    assert "must stay inside of its folder" in reasons[2]


def test_a_psf_beside_an_image_and_its_mask_is_found(tmp_path):
    others = [
        fits.ImageHDU(np.ones((64, 64), "i2"), name="MASK"),
        fits.ImageHDU(star(4.0), name="PSF"),
    ]
    fits.HDUList([fits.PrimaryHDU(np.ones((64, 64), "f4")), *others]).writeto(tmp_path / "all.fits")
    np.testing.assert_array_equal(psf_image(tmp_path / "all.fits", None), star(4.0))


def test_nearest_is_meant_on_the_sky(tmp_path):
    path = tmp_path / "psfs.csv"
    for name in ("a.fits", "b.fits"):
        fits.PrimaryHDU(star(3.0)).writeto(tmp_path / name)
    catalog = Catalog.of(ra=[359.9, 1.0], dec=[60.0, 60.0], psf_file=["a.fits", "b.fits"])
    write_catalog(catalog, path)
    ra, dec = np.array([0.3, 0.5, 180.0, np.nan]), np.array([60.0, 60.0, 89.9, 0.0])
    assert open_psf_map(path).nearest(ra, dec)[:3].tolist() == [0, 1, 1]


def test_maps_that_cannot_be_are_refused(tmp_path, tile):
    def named(name):
        return tmp_path / name

    write_catalog(Catalog.of(ra=[1.0], dec=[2.0]), named("files.csv"))
    write_catalog(Catalog.of(ra=[np.nan], dec=[2.0], psf_file=["a"]), named("nan.csv"))
    write_catalog(Catalog.of(ra=[1.0], dec=[2.0], psf_file=["no.fits"]), named("missing.csv"))
    write_catalog(Catalog.of(x=[1.0], psf_file=["no.fits"]), named("where.csv"))
    cube = cube_of(tmp_path, tile)
    with fits.open(cube) as hdus:
        hdus[0].data = hdus[0].data[:3]
        hdus.writeto(named("three.fits"))
        fits.HDUList([fits.PrimaryHDU(), hdus[1]]).writeto(named("none.fits"))
    for name, reason in {
        "files.csv": "must have a column 'psf_file'",
        "nan.csv": "must hold positions, all of them numbers",
        "missing.csv": "the file must exist; it is missing",
        "where.csv": "must have columns 'ra' and 'dec'",
        "three.fits": "must hold an image a position; it has 3 and 4",
        "none.fits": "must hold a cube of images",
        "nothing.csv": "the table must exist",
    }.items():
        with pytest.raises(UsageError, match=reason):
            open_psf_map(named(name))
