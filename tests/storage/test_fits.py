"""Facts about reading and writing cutouts."""

import math
import os

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from gampen.cutouts import Cutout, Flag
from gampen.errors import GalaxyError, UsageError
from gampen.storage.fits import Known, psf_of_file, read_cutout, write_cutout

MASK_CARDS = {"MP_BAD": 0, "MP_SAT": 1, "HIERARCH MP_DETECTED": 5, "HIERARCH MP_NO_DATA": 8}


def sky(height=24, width=30):
    return np.random.default_rng(3).normal(size=(height, width)).astype(np.float32)


def star(fwhm=4.0, side=33):
    rows, columns = np.indices((side, side)) - side // 2
    return np.exp(-4 * math.log(2) * (rows**2 + columns**2) / fwhm**2).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    """Writes HDUs, or the image and cards of a primary one, and tells the path."""

    def writer(*hdus, name="galaxy.fits", **cards):
        path = tmp_path / name
        if not hdus or isinstance(hdus[0], np.ndarray):
            primary = fits.PrimaryHDU(hdus[0] if hdus else sky())
            primary.header.update(cards)
            hdus = (primary, *hdus[1:])
        fits.HDUList(list(hdus)).writeto(path, overwrite=True)
        return path

    return writer


def test_a_bare_image_is_read_and_what_it_does_not_tell_is_flagged(write):
    cutout = read_cutout(write())
    np.testing.assert_array_equal(cutout.pixels, sky())
    assert (cutout.object_id, cutout.file_name) == ("galaxy", "galaxy.fits")
    unknown = Flag.PSF_UNKNOWN | Flag.PIXEL_SCALE_UNKNOWN | Flag.ZERO_POINT_UNKNOWN
    assert cutout.flags == unknown
    assert cutout.ra is None


@pytest.mark.parametrize("dtype", ["u1", ">i2", ">u2", ">i4", ">f4", ">f8"])
def test_every_type_of_pixel_becomes_native_float32(write, dtype):
    pixels = np.arange(400).reshape(20, 20).astype(dtype)
    cutout = read_cutout(write(pixels))
    assert cutout.pixels.dtype == np.dtype(np.float32)
    np.testing.assert_array_equal(cutout.pixels, pixels.astype(np.float64))


def test_the_first_image_is_found_behind_an_empty_primary_and_a_table(write):
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3))])
    path = write(fits.PrimaryHDU(), table, fits.ImageHDU(sky()))
    np.testing.assert_array_equal(read_cutout(path).pixels, sky())


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz", "a.fit", "a.fits.fz"])
def test_an_id_is_the_name_without_suffixes(write, name):
    assert read_cutout(write(name=name)).object_id == "a"


def test_a_file_of_hscs_cutout_service_is_read(stars):
    for path in stars:
        cutout = read_cutout(path)
        with fits.open(path) as hdus:
            np.testing.assert_array_equal(cutout.pixels, hdus[1].data)
            middle = [(side - 1) / 2 for side in hdus[1].data.shape[::-1]]
            place = WCS(hdus[1].header).all_pix2world([middle], 0)[0]
        assert cutout.zero_point == pytest.approx(27.0, abs=1e-9)
        assert cutout.pixel_scale == pytest.approx(0.168, abs=1e-9)
        np.testing.assert_allclose([cutout.ra, cutout.dec], place, atol=1e-9)
        assert cutout.flags == Flag.PSF_UNKNOWN


def test_only_bad_planes_of_a_mask_are_bad(write):
    mask = np.full((24, 30), 1 << 5, dtype=np.int32)
    mask[0, 0], mask[0, 1], mask[0, 2] = 1, 1 << 8, (1 << 5) | (1 << 1)
    plane = fits.ImageHDU(mask, fits.Header(MASK_CARDS))
    cutout = read_cutout(write(fits.PrimaryHDU(), fits.ImageHDU(sky(), name="IMAGE"), plane))
    assert np.argwhere(cutout.bad).tolist() == [[0, 0], [0, 1], [0, 2]]


def test_without_named_planes_all_but_zeros_are_bad(write):
    mask = np.zeros((24, 30), dtype=np.int16)
    mask[12, 15] = 4
    cutout = read_cutout(write(fits.PrimaryHDU(sky()), fits.ImageHDU(mask, name="MASK")))
    assert np.argwhere(cutout.bad).tolist() == [[12, 15]]
    assert Flag.MASKED_CORE in cutout.flags


@pytest.mark.parametrize("name", ["VARIANCE", "INVVAR", "WHT", "ERR"])
def test_a_pixel_without_a_positive_variance_is_bad(write, name):
    plane = np.ones((24, 30))
    plane[0, :4] = [0, -1, np.nan, np.inf]
    cutout = read_cutout(write(fits.PrimaryHDU(sky()), fits.ImageHDU(plane, name=name)))
    assert np.argwhere(cutout.bad)[:, 1].tolist() == [0, 1, 2, 3]


def test_pixels_that_are_not_a_number_are_bad(write):
    pixels = sky()
    pixels[2, 3] = np.nan
    assert np.argwhere(read_cutout(write(pixels)).bad).tolist() == [[2, 3]]


def test_a_mask_of_another_shape_is_refused(write):
    mask = fits.ImageHDU(np.zeros((9, 9), dtype=np.int16), name="MASK")
    with pytest.raises(GalaxyError, match=r"mask and image must have one shape; got \(9, 9\)"):
        read_cutout(write(fits.PrimaryHDU(sky()), mask))


def cube(bands=3):
    return np.stack([sky() + 10 * band for band in range(bands)])


def test_several_planes_without_a_choice_are_refused(write):
    with pytest.raises(GalaxyError, match=r"a band must be chosen .*; it holds 3 \(g, r, z\)"):
        read_cutout(write(cube(), BANDS="grz"))


@pytest.mark.parametrize(
    ("cards", "band"),
    [
        ({}, 1),
        ({"BANDS": "grz"}, "r"),
        ({"BANDS": "g,r,z"}, "R"),
        ({"BAND0": "g", "BAND1": "HSC-R", "BAND2": "z"}, "r"),
    ],
)
def test_a_plane_is_chosen_by_number_or_by_name(write, cards, band):
    cutout = read_cutout(write(cube(), **cards), Known(band=band))
    np.testing.assert_array_equal(cutout.pixels, cube()[1])


@pytest.mark.parametrize(
    ("cards", "band", "reason"),
    [
        ({}, 3, "band must be from 0 to 2; got 3"),
        ({"BANDS": "grz"}, "y", r"got 'y', the file has 3 \(g, r, z\)"),
        ({}, "g", "got 'g', the file has 3"),
    ],
)
def test_a_band_that_is_not_there_is_refused(write, cards, band, reason):
    with pytest.raises(GalaxyError, match=reason):
        read_cutout(write(cube(), **cards), Known(band=band))


def test_a_single_plane_needs_no_choice(write):
    np.testing.assert_array_equal(read_cutout(write(sky()[None, None])).pixels, sky())


def test_a_single_image_of_another_band_is_refused(write):
    path = write(FILTER="HSC-I")
    assert read_cutout(path, Known(band="i")).shape == (24, 30)
    with pytest.raises(GalaxyError, match="got 'r'"):
        read_cutout(path, Known(band="r"))


def test_bands_in_hdus_of_their_own_are_told_apart_with_their_weights(write):
    hdus = []
    for number, band in enumerate("grz"):
        weight = np.ones((24, 30), dtype=np.float32)
        weight[0, number] = 0
        for kind, plane in (("image", sky() + number), ("invvar", weight)):
            header = fits.Header({"BAND": band, "IMAGETYP": kind})
            hdus.append(fits.ImageHDU(plane, header))
    path = write(fits.PrimaryHDU(), *hdus)
    cutout = read_cutout(path, Known(band="r"))
    np.testing.assert_array_equal(cutout.pixels[1:], sky()[1:] + 1)
    assert np.argwhere(cutout.bad).tolist() == [[0, 1]]
    with pytest.raises(GalaxyError, match=r"holds 3 \(g, r, z\)"):
        read_cutout(path)


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"MAGZERO": 30.0, "FLUXMAG0": 1e10}, 30.0),
        ({"FLUXMAG0": 10 ** (27 / 2.5)}, 27.0),
        # The AB zero point that the WFC3 handbook gives for F105W.
        ({"PHOTFLAM": 3.0386574e-20, "PHOTPLAM": 10551.047}, 26.2687),
        ({"BUNIT": "nanomaggy"}, 22.5),
        ({"BUNIT": "nJy"}, 31.4),
        ({"BUNIT": "MJy/sr", "PIXAR_SR": 2.11539874851881e-14}, 28.0865),
        ({"BUNIT": "adu"}, None),
        ({"BUNIT": "MJy/sr"}, None),
        ({"MAGZERO": "unknown"}, None),
        ({"MAGZERO": "25.5"}, 25.5),
        ({"FLUXMAG0": -1.0}, None),
    ],
)
def test_the_zero_point_is_found_in_the_header(write, cards, expected):
    assert read_cutout(write(**cards)).zero_point == pytest.approx(expected, abs=1e-3)


def test_a_known_zero_point_goes_before_the_header(write):
    assert read_cutout(write(MAGZERO=30.0), Known(zero_point=0.0)).zero_point == 0.0


SCALE = {"CD1_1": -0.2 / 3600, "CD2_2": 0.2 / 3600}


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"PSF_FWHM": 0.8}, 4.0),
        ({"SEEING": 0.6}, 3.0),
        ({"SEEING": (2.5, "[pix] FWHM")}, 2.5),
        ({"SEEING": 0.0}, None),
        ({}, None),
    ],
)
def test_the_width_of_the_psf_is_found_in_the_header(write, cards, expected):
    cutout = read_cutout(write(**SCALE, **cards))
    assert cutout.psf_fwhm == (None if expected is None else pytest.approx(expected))


def test_a_known_width_is_in_arcsec_and_goes_before_the_header(write):
    cutout = read_cutout(write(**SCALE, PSF_FWHM=0.8), Known(psf_fwhm=1.0))
    assert cutout.psf_fwhm == pytest.approx(5.0)


def test_a_width_in_arcsec_says_nothing_without_a_pixel_scale(write):
    assert read_cutout(write(), Known(psf_fwhm=1.0)).psf_fwhm is None
    known = Known(psf_fwhm=1.0, pixel_scale=0.25)
    assert read_cutout(write(), known).psf_fwhm == pytest.approx(4.0)


def test_the_psf_in_the_file_goes_before_the_header(write):
    psf = fits.ImageHDU(star(4.0), name="PSF")
    primary = fits.PrimaryHDU(sky(), fits.Header({**SCALE, "PSF_FWHM": 2.0}))
    assert read_cutout(write(primary, psf)).psf_fwhm == pytest.approx(4.0, rel=0.03)


def test_a_psf_of_zeros_is_an_unknown_psf(write):
    psf = fits.ImageHDU(np.zeros((9, 9)), name="PSF")
    assert Flag.PSF_UNKNOWN in read_cutout(write(fits.PrimaryHDU(sky()), psf)).flags


def test_the_psf_of_the_chosen_band_is_measured(write):
    psfs = fits.ImageHDU(np.stack([star(3.0), star(4.0), star(5.0)]), name="PSF")
    path = write(fits.PrimaryHDU(cube()), psfs)
    assert read_cutout(path, Known(band=2)).psf_fwhm == pytest.approx(5.0, rel=0.03)


@pytest.mark.parametrize("name", [None, "PSF"])
def test_a_psf_file_is_measured(write, name):
    psf = fits.PrimaryHDU(star()) if name is None else fits.ImageHDU(star(), name=name)
    hdus = [psf] if name is None else [fits.PrimaryHDU(), psf]
    known = Known(psf_file=write(*hdus, name="psf.fits"), band=0)
    assert read_cutout(write(), known).psf_fwhm == pytest.approx(4.0, rel=0.03)


def test_a_psf_file_that_changes_is_measured_again(write):
    path = write(star(3.0), name="psf.fits")
    first = psf_of_file(path, None)
    path = write(star(5.0), name="psf.fits")
    os.utime(path, ns=(1, 1))
    assert psf_of_file(path, None)[0] > first[0] + 1


@pytest.mark.parametrize("content", [None, np.zeros((24, 24), dtype=np.float32)])
def test_a_psf_file_without_a_psf_is_refused(write, tmp_path, content):
    path = tmp_path / "none.fits" if content is None else write(content, name="psf.fits")
    with pytest.raises(GalaxyError, match=f"the PSF file {path.name}"):
        read_cutout(write(), Known(psf_file=path))


def test_facts_given_by_the_caller_go_before_those_of_the_catalogue(tmp_path):
    row = Known(object_id="a", psf_file=tmp_path, zero_point=27.0)
    merged = Known(psf_fwhm=0.7, zero_point=0.0).over(row)
    assert merged == Known(object_id="a", psf_fwhm=0.7, zero_point=0.0)


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros(200, dtype=np.float32), "at least 16 x 16 pixels; got 200"),
        (np.zeros((15, 90), dtype=np.float32), "at least 16 x 16 pixels; got 15 x 90"),
        (np.full((20, 20), np.nan, dtype=np.float32), "good; got 0%"),
        (np.zeros((2, 2, 20, 20), dtype=np.float32), "two or three axes; got 4"),
    ],
)
def test_what_is_no_image_of_a_galaxy_is_refused(write, pixels, reason):
    with pytest.raises(GalaxyError, match=reason):
        read_cutout(write(pixels), Known(band=0))


def test_a_file_without_an_image_is_refused(write):
    with pytest.raises(GalaxyError, match="must hold an image; it has none"):
        read_cutout(write(fits.PrimaryHDU()))


@pytest.mark.parametrize("position", [{}, {"ra": 150.1, "dec": -2.3}])
def test_a_cutout_survives_being_written(tmp_path, position):
    known = {"psf_fwhm": 3.5, "pixel_scale": 0.168, "zero_point": 27.0, **position}
    bad = np.zeros((24, 30), dtype=bool)
    bad[3, 4] = True
    before = Cutout(sky(), bad, object_id="a", **known)
    write_cutout(before, tmp_path / "a.fits")
    after = read_cutout(tmp_path / "a.fits")
    np.testing.assert_array_equal(after.bad, before.bad)
    np.testing.assert_array_equal(after.pixels[~bad], before.pixels[~bad])
    for name in ("psf_fwhm", "pixel_scale", "zero_point", "ra", "dec"):
        value = getattr(before, name)
        assert getattr(after, name) == (None if value is None else pytest.approx(value))
    assert after.flags == before.flags


def test_what_is_written_is_sound_fits_with_the_position_in_its_middle(tmp_path):
    path = tmp_path / "a.fits"
    write_cutout(Cutout(sky(), pixel_scale=0.2, ra=10.0, dec=20.0), path)
    with fits.open(path) as hdus:
        hdus.verify("exception")
        np.testing.assert_array_equal(hdus[0].data, sky())
        place = WCS(hdus[0].header).pixel_to_world_values(14.5, 11.5)
    np.testing.assert_allclose(place, [10.0, 20.0], atol=1e-9)
    assert path.stat().st_size % 2880 == 0


def test_world_coordinates_of_the_file_are_written_back(stars, tmp_path):
    before = read_cutout(stars[0])
    write_cutout(before, tmp_path / "star.fits")
    after = read_cutout(tmp_path / "star.fits")
    assert after.wcs == before.wcs
    assert (after.ra, after.dec) == (before.ra, before.dec)


def test_a_cutout_cannot_be_written_where_there_is_no_folder(tmp_path):
    with pytest.raises(UsageError, match="must exist; make"):
        write_cutout(Cutout(sky()), tmp_path / "none" / "a.fits")
