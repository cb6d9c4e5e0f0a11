"""Facts about reading FITS files: the quick way and astropy agree bit for bit."""

import contextlib
import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gampen.errors import GalaxyError
from gampen.storage import hdus as storage
from gampen.storage.headers import Cards

TYPES = ["u1", ">i2", ">i4", ">i8", ">f4", ">f8"]


def contents(*hdus):
    """The bytes of a FITS file."""
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


def image(dtype=">f4", shape=(20, 30)):
    return np.random.default_rng(2).uniform(0, 200, size=shape).astype(dtype)


def astropys(content):
    """The headers and pixels that astropy finds in a file's bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False) as found:
            return [(hdu.header.copy(), hdu.data if hdu.is_image else None) for hdu in found]


def assert_same(content, headers=True):
    """We and astropy find the same headers and the same bits."""
    ours, theirs = storage.split_hdus(content), astropys(content)
    assert len(ours) == len(theirs)
    for hdu, (header, pixels) in zip(ours, theirs, strict=True):
        raw = header.tostring(sep="", padding=False).encode("latin-1")
        assert not headers or dict(hdu.cards) == dict(Cards(raw))
        assert (hdu.array is None) == (pixels is None)
        if pixels is not None:
            native = pixels.dtype.newbyteorder("=")
            assert hdu.array.dtype.newbyteorder("=") == native
            assert hdu.array.shape == pixels.shape
            assert hdu.array.astype(native).tobytes() == pixels.astype(native).tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_the_quick_way_and_astropy_agree_for_every_type(dtype):
    assert_same(contents(fits.PrimaryHDU(image(dtype))))


@given(arrays.arrays(">f4", st.tuples(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40))))
def test_the_quick_way_and_astropy_agree_for_every_shape_and_value(pixels):
    assert_same(contents(fits.PrimaryHDU(pixels)))


def test_the_quick_way_and_astropy_agree_for_many_hdus():
    primary = fits.PrimaryHDU()
    primary.header["FLUXMAG0"] = 63095734448.0194
    primary.header["HIERARCH variance_scale"] = 1.1656
    primary.header["OBJECT"] = "O'Neill's / galaxy"
    primary.header["EMPTY"] = None
    primary.header["FLAG"] = True
    primary.header["COMMENT"] = "= not a value"
    named = [fits.ImageHDU(image(), name="IMAGE"), fits.ImageHDU(image(">i4"), name="MASK")]
    assert_same(contents(primary, *named, fits.ImageHDU(), fits.ImageHDU(image(">f8"))))


@given(
    st.one_of(
        st.integers(-(10**15), 10**15),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    )
)
def test_a_card_has_the_value_that_astropy_reads(value):
    hdu = fits.PrimaryHDU()
    hdu.header["VALUE"] = (value, "and / a comment")
    content = contents(hdu)
    cards = storage.split_hdus(content)[0].cards
    expected = fits.Header.fromstring(content[:2880])["VALUE"]
    assert cards["VALUE"] == (expected if not isinstance(expected, str) else expected.rstrip())
    assert cards.comment("VALUE") == "and / a comment"


def test_real_files_are_read_alike(stars):
    for star in stars:
        assert_same(star.read_bytes())


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_integers_of_either_sign_are_those_that_astropy_finds(dtype):
    limits = np.iinfo(dtype)
    pixels = np.random.default_rng(1).integers(limits.min, limits.max, (20, 30), dtype, True)
    assert_same(contents(fits.PrimaryHDU(pixels)), headers=False)
    array = storage.split_hdus(contents(fits.PrimaryHDU(pixels)))[0].array
    np.testing.assert_array_equal(array, pixels)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "cards",
    [{"BSCALE": 0.01, "BZERO": 100}, {"BZERO": -7}, {"BSCALE": 3, "BLANK": 7}, {"BLANK": 150}],
)
def test_scaled_numbers_are_those_that_astropy_finds(dtype, cards):
    raw = contents(fits.PrimaryHDU(image(dtype)))
    end = raw.index(b"END" + 77 * b" ")
    lines = [fits.Card(keyword, value).image.encode() for keyword, value in cards.items()]
    added = b"".join(lines) + b"END".ljust(80)
    assert_same(raw[:end] + added + raw[end + len(added) :], headers=False)


def test_blank_integers_become_not_a_number(tmp_path):
    hdu = fits.PrimaryHDU(np.arange(400, dtype=">i2").reshape(20, 20))
    hdu.header["BLANK"] = 7
    hdu.writeto(tmp_path / "blank.fits")
    array = storage.read_hdus(tmp_path / "blank.fits")[0].array
    assert np.isnan(array).sum() == 1


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2"])
def test_tile_compressed_images_are_read(tmp_path, kind):
    pixels = image(">i4")
    path = tmp_path / "image.fits.fz"
    compressed = fits.CompImageHDU(pixels, compression_type=kind)
    fits.HDUList([fits.PrimaryHDU(), compressed]).writeto(path)
    np.testing.assert_array_equal(storage.read_hdus(path)[1].array, pixels)


def test_gzipped_files_are_read(tmp_path):
    path = tmp_path / "image.fits.gz"
    path.write_bytes(gzip.compress(contents(fits.PrimaryHDU(image()))))
    np.testing.assert_array_equal(storage.read_hdus(path)[0].array, image())


def test_a_table_has_no_image(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3))])
    path = tmp_path / "table.fits"
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    assert [hdu.array for hdu in storage.read_hdus(path)] == [None, None]


def damaged(tmp_path, content):
    path = tmp_path / "damaged.fits"
    path.write_bytes(content)
    return path


PLAIN = contents(fits.PrimaryHDU(image()))


def with_card(keyword, value):
    """The plain file with one value of its header changed."""
    start = PLAIN.index(keyword.ljust(8).encode() + b"=") + 10
    return PLAIN[:start] + value.rjust(20).encode() + PLAIN[start + 20 :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"object_id,ra,dec\n1,2,3\n" * 300, "it does not begin like one"),
        (PLAIN[:1000], "must be whole; it ends after 1000 bytes"),
        (PLAIN[:4000], "must be whole; it ends after 4000 bytes where at least 5280"),
        (gzip.compress(PLAIN, mtime=0)[:500], "gzip stream is damaged or truncated"),
        (gzip.compress(b"hello", mtime=0), "it does not begin like one"),
        (with_card("NAXIS", "'a'"), "must be a sound FITS file"),
        (with_card("NAXIS1", "9999999999"), "must be whole"),
        (with_card("BITPIX", "77"), "must be a sound FITS file"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content, reason):
    with pytest.raises(GalaxyError, match=reason) as refusal:
        storage.read_hdus(damaged(tmp_path, content))
    assert "\n" not in str(refusal.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(GalaxyError, match="must exist; it is missing"):
        storage.read_hdus(tmp_path / "none.fits")
    with pytest.raises(GalaxyError, match="must be an ordinary one; it is a folder"):
        storage.read_hdus(tmp_path)


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_a_file_with_any_byte_changed_is_read_or_refused(tmp_path_factory, place, value):
    content = bytearray(PLAIN)
    content[place] = value
    path = damaged(tmp_path_factory.mktemp("changed"), bytes(content))
    with contextlib.suppress(GalaxyError):
        storage.read_hdus(path)


def test_a_last_block_without_padding_is_enough(tmp_path):
    hdu = storage.read_hdus(damaged(tmp_path, PLAIN[: 2880 + 2400]))[0]
    np.testing.assert_array_equal(hdu.array, image())


def test_odd_headers_give_no_warnings(tmp_path):
    content = with_card("NAXIS1", "30.").replace(b"EXTEND", b"extend")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(GalaxyError):
            storage.read_hdus(damaged(tmp_path, content))
    assert not seen
