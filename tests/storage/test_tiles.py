"""Facts about tile-compressed images: sound ones are astropy's, and no claim is believed."""

import contextlib
import gzip
import io

import numpy as np
import pytest
from astropy.io import fits

from gampen.errors import GalaxyError
from gampen.storage import hdus, tiles

KINDS = {
    "RICE_1": {},
    "GZIP_1": {},
    "GZIP_2": {},
    "HCOMPRESS_1": {"tile_shape": (25, 30)},
    "PLIO_1": {},
    "NOCOMPRESS": {},
}


def whole(dtype="i4"):
    return np.random.default_rng(4).poisson(40, size=(50, 60)).astype(dtype)


def packed(pixels, kind="RICE_1", **options):
    """The bytes of a file of one compressed image."""
    buffer = io.BytesIO()
    compressed = fits.CompImageHDU(pixels, compression_type=kind, **options)
    fits.HDUList([fits.PrimaryHDU(), compressed]).writeto(buffer)
    return buffer.getvalue()


def assert_same(content):
    """We find the pixels that astropy finds."""
    with fits.open(io.BytesIO(content)) as found:
        expected = found[1].data
    array = hdus.split_hdus(content)[1].array
    assert array.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(array, expected)


def refusal(content):
    """The one line with which a file is refused."""
    with pytest.raises(GalaxyError) as refused:
        hdus.split_hdus(content)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def with_card(content, keyword, value):
    """A file with another value on a card of its table."""
    start = content.index(f"{keyword:<8}=".encode(), content.index(b"XTENSION"))
    return content[:start] + f"{keyword:<8}= {value:>20}".ljust(80).encode() + content[start + 80 :]


def data_start(content):
    """The byte where the rows of the table begin."""
    end = content.index(b"END" + 77 * b" ", content.index(b"XTENSION"))
    return -(-(end + 80) // 2880) * 2880


def with_bytes(content, place, new):
    """A file with other bytes at a place of the table's data."""
    place += data_start(content)
    return content[:place] + new + content[place + len(new) :]


def heap_of(content):
    """The place of the heap behind the rows."""
    with fits.open(io.BytesIO(content), disable_image_compression=True) as found:
        return found[1].header["NAXIS1"] * found[1].header["NAXIS2"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
def test_whole_numbers_are_those_that_astropy_finds(kind, dtype):
    assert_same(packed(whole(dtype), kind, **KINDS[kind]))


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_real_numbers_are_those_that_astropy_finds(kind, dtype):
    pixels = np.random.default_rng(5).normal(size=(50, 60)).astype(dtype)
    assert_same(packed(pixels, kind, quantize_level=16, quantize_method=1, dither_seed=7))
    if kind.startswith("GZIP"):
        assert_same(packed(pixels, kind, quantize_level=0))


def test_unsigned_and_three_dimensional_images_are_read():
    assert_same(packed(whole("u2")))
    assert_same(packed(np.stack([whole()] * 3)))
    assert_same(packed(np.stack([whole()] * 3), tile_shape=(2, 7, 11)))


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("ZNAXIS1", "61", "100 tiles are needed; it has 50"),
        ("ZTILE1", "0", "every ZTILE must be at least 1"),
        ("ZTILE1", "1", "3000 tiles are needed; it has 50"),
        ("NAXIS2", "49", "50 tiles are needed; it has 49"),
        ("ZBITPIX", "33", "ZBITPIX must be one of"),
        ("ZNAXIS", "9", "ZNAXIS must be at most 8"),
        ("ZCMPTYPE", "'MAGIC'", "must be a known compression; got 'MAGIC'"),
        ("TFORM1", "'1PX(9)'", "must be a list"),
        ("TFORM1", "'what'", "TFORM1 must be a known format"),
        ("TFORM1", "'7J'", "must be a list"),
        ("TTYPE1", "'OTHER'", "COMPRESSED_DATA must be there"),
        ("ZVAL1", "0", "the block size must be a sensible one"),
        ("ZVAL1", "2147483647", "the block size must be a sensible one"),
        ("ZVAL2", "3", "BYTEPIX must be 1, 2 or 4"),
        ("TFIELDS", "0", "the columns must fill the rows"),
    ],
)
def test_a_claim_that_cannot_be_true_is_refused(keyword, value, reason):
    assert reason in refusal(with_card(packed(whole()), keyword, value))


def test_an_image_that_would_take_all_memory_is_refused():
    huge = with_card(with_card(packed(whole()), "ZNAXIS1", "2000000"), "ZTILE1", "2000000")
    assert "at most 268435456 bytes, tiles included; a compressed one takes" in refusal(huge)


def test_tiles_lie_inside_of_the_heap_and_share_no_bytes():
    content = packed(whole())
    for descriptor in ([10**6, 0], [1, 10**9], [-1, 0], [8, -1]):
        changed = with_bytes(content, 0, np.array(descriptor, ">i4").tobytes())
        assert "every tile must lie inside of the heap" in refusal(changed)
    size = (len(content) - data_start(content) - heap_of(content)) // 2
    many = np.array([[size, 0]] * 50, ">i4").tobytes()
    assert "no two tiles may share" in refusal(with_bytes(content, 0, many))


def test_a_dither_seed_outside_of_its_table_is_refused():
    pixels = np.random.default_rng(5).normal(size=(50, 60))
    content = packed(pixels, quantize_level=16, quantize_method=1, dither_seed=7)
    quantized = with_card(content, "ZDITHER0", "-50000000")
    assert "ZDITHER0 must be from 1 to 10000" in refusal(quantized)


def test_a_gzipped_tile_may_not_swell():
    content = packed(whole(), "GZIP_1", tile_shape=(50, 60))
    bomb = gzip.compress(bytes(2 * 10**6))
    assert len(bomb) < len(content) - data_start(content) - heap_of(content)
    changed = with_bytes(content, heap_of(content), bomb)
    assert "no more than its pixels" in refusal(changed)


def test_a_list_of_runs_may_not_say_that_it_is_longer_than_it_is():
    content = packed(whole(), "PLIO_1")
    for place, value in ((6, 30000), (8, 30000), (4, 30000)):
        changed = with_bytes(content, heap_of(content) + place, np.array(value, ">i2").tobytes())
        assert "a list of runs must be whole" in refusal(changed)


@pytest.mark.parametrize(
    ("place", "new", "reason"),
    [
        (0, b"\0\0", "must begin like one"),
        (2, b"\0\0\x7f\0", "a tile must have sides"),
        (6, b"\0\xff\xff\xff", "a tile must have sides"),
        (22, b"\xff", "a sensible number of planes"),
    ],
)
def test_a_transformed_tile_may_not_say_that_it_is_larger_than_its_place(place, new, reason):
    content = packed(whole(), "HCOMPRESS_1", tile_shape=(25, 30))
    assert reason in refusal(with_bytes(content, heap_of(content) + place, new))


def test_a_decoder_that_minds_no_end_is_given_room_behind_each_tile():
    content = packed(whole(), "HCOMPRESS_1", tile_shape=(25, 30))
    cards, start = hdus.read_header(content, content.index(b"XTENSION"))
    found = tiles.checked_tiles(tiles.tiles_of(cards, content[start:], 2**28))
    before = sum(length for length, _ in tiles.descriptors(found, found.columns[0]).tolist())
    assert before > len(content[start:]) - heap_of(content) + 4 * 25 * 30


def test_tiles_that_are_damaged_inside_are_refused_or_read():
    random = np.random.default_rng(3)
    for kind, options in KINDS.items():
        content = packed(whole(), kind, **options)
        first = data_start(content)
        for _ in range(20):
            damaged = bytearray(content)
            for place in random.integers(first, len(content), 5):
                damaged[place] = random.integers(256)
            with contextlib.suppress(GalaxyError):
                assert hdus.split_hdus(bytes(damaged))[1].array.shape == (50, 60)


def test_an_empty_compressed_image_has_no_pixels():
    content = packed(whole())
    for keyword, value in (("ZNAXIS1", "0"), ("ZNAXIS", "0")):
        assert hdus.split_hdus(with_card(content, keyword, value))[1].array is None
