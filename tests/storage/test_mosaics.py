"""Facts about galaxies in mosaics: astropy cuts the same pixels, with the same sky."""

import dataclasses
import pickle
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS

from gampen.cutouts import Flag, Rejection
from gampen.errors import UsageError
from gampen.storage.boxes import Box
from gampen.storage.fits import Known
from gampen.storage.mosaic_tiles import Beside
from gampen.storage.mosaics import Cutting, open_mosaics
from gampen.storage.open_tiles import OpenTile
from gampen.storage.planes import Role
from gampen.storage.sizes import Size, Unit
from patches import (
    HEADERS,
    pixels,
    sky_cards,
    turned,
    wcs_of,
    write_positions,
    write_tile,
)

PLACES = [(100.2, 120.7), (170.5, 150.5), (6.3, 7.9), (335.0, 290.0), (200.0, 3.0), (51.0, 260.0)]
SMALL = Cutting(Size(64))
SHAPE = (300, 340)


@pytest.fixture
def cut(tmp_path):
    """Cuts galaxies at places of a tile, which a test writes first."""

    def cutter(tile, places=PLACES, cutting=SMALL, known=None, **columns):
        catalog = write_positions(tmp_path / "catalog.parquet", places, tile, **columns)
        return list(open_mosaics([tile], catalog, cutting).read(known))

    return cutter


def sky_of(wcs, shape, first=(0, 0)):
    """Sky positions of a grid of an image's pixels."""
    rows, columns = (axis.ravel() for axis in np.mgrid[0 : shape[0] : 9, 0 : shape[1] : 9])
    return np.stack(wcs.all_pix2world(columns + first[1], rows + first[0], 0))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kind", HEADERS)
def test_pixels_and_sky_are_those_of_astropys_cutouts(tmp_path, cut, kind, compress):
    tile = write_tile(tmp_path / "tile.fits", compress=compress, **HEADERS[kind])
    wcs = wcs_of(tile)
    with fits.open(tile) as hdus:
        image = hdus[1 if compress else 0].data
    for (x, y), cutout in zip(PLACES, cut(tile), strict=True):
        theirs = Cutout2D(image, (x, y), 64, wcs=wcs, mode="partial", fill_value=np.nan)
        np.testing.assert_array_equal(np.where(cutout.bad, np.nan, cutout.pixels), theirs.data)
        own = WCS(fits.Header(dict(cutout.wcs)))
        ours, expected = sky_of(own, (64, 64)), sky_of(theirs.wcs, (64, 64))
        # 1e-6 px of 0.2" is 5.6e-11 deg; the right ascension of one more is the same.
        np.testing.assert_allclose(ours, expected, rtol=0, atol=5e-11)


@pytest.mark.parametrize("side", [64, 65])
def test_the_galaxy_lies_within_half_a_pixel_of_the_middle(tmp_path, cut, side):
    tile = write_tile(tmp_path / "tile.fits", **HEADERS["sip"])
    places = np.random.default_rng(2).uniform(80, 220, size=(40, 2))
    for cutout in cut(tile, places, Cutting(Size(side))):
        x, y = WCS(fits.Header(dict(cutout.wcs))).all_world2pix(cutout.ra, cutout.dec, 0)
        assert max(abs(x - (side - 1) / 2), abs(y - (side - 1) / 2)) <= 0.5 + 2e-5


def test_a_cutout_knows_what_its_tile_does(tmp_path, cut):
    tile = write_tile(tmp_path / "tile.fits", SEEING=0.8, **HEADERS["rotated"])
    cutout = cut(tile)[0]
    assert (cutout.object_id, cutout.file_name, cutout.zero_point) == ("g0", "g0.fits", 27.0)
    assert cutout.pixel_scale == pytest.approx(0.2)
    assert cutout.psf_fwhm == pytest.approx(4.0)
    assert cutout.flags == Flag(0)


def test_columns_go_before_headers_and_the_caller_before_columns(tmp_path, cut):
    tile = write_tile(tmp_path / "tile.fits", SEEING=0.8)
    told = {"psf_fwhm_arcsec": [0.6, np.nan], "zero_point": [25.0, np.nan]}
    first, second = cut(tile, PLACES[:2], **told)
    assert first.psf_fwhm == pytest.approx(3.0)
    assert second.psf_fwhm == pytest.approx(4.0)
    assert (first.zero_point, second.zero_point) == (25.0, 27.0)
    told = cut(tile, PLACES[:2], known=Known(psf_fwhm=1.0, zero_point=30.0))
    assert [cutout.psf_fwhm for cutout in told] == pytest.approx([5.0, 5.0])
    assert [cutout.zero_point for cutout in told] == [30.0, 30.0]


def test_a_galaxy_is_taken_from_the_tile_in_which_it_lies_deepest(tmp_path):
    whole = pixels((300, 500))
    cards = sky_cards(whole.shape)
    tiles, firsts = [], (0, 190)
    for number, first in enumerate(firsts):
        moved = {**cards, "CRPIX1": cards["CRPIX1"] - first}
        tile = tmp_path / f"tile-{number}.fits"
        tiles.append(write_tile(tile, whole[:, first : first + 310] + 100 * number, **moved))
    # Beyond column 249.5, the middle of what the tiles share, the second one is the deeper.
    places = [(200, 150), (249, 150), (251, 150), (300, 150), (499, 150), (20, 150)]
    catalog = write_positions(tmp_path / "catalog.csv", places, tiles[0])
    found = list(open_mosaics(tiles, catalog, SMALL).read())
    assert [round(float(cutout.pixels[~cutout.bad].mean()), -2) for cutout in found] == [
        *(0, 0, 100, 100, 100, 0)
    ]
    again = list(open_mosaics(tiles[::-1], catalog, SMALL).read())
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_of_two_tiles_alike_the_first_counts(tmp_path):
    tiles = [write_tile(tmp_path / f"{n}.fits", pixels(SHAPE) + 100 * n) for n in range(2)]
    catalog = write_positions(tmp_path / "catalog.csv", PLACES[:1], tiles[0])
    for order, mean in ((tiles, 0), (tiles[::-1], 100)):
        assert next(open_mosaics(order, catalog, SMALL).read()).pixels.mean() == pytest.approx(
            mean, abs=0.1
        )


def test_galaxies_that_cannot_be_cut_are_rows_that_say_why(tmp_path):
    tile = write_tile(tmp_path / "tile.fits")
    catalog = write_positions(
        tmp_path / "catalog.parquet",
        [(100, 100), (-60, 100), (400, 700), (100, 100), (100, 100), (100, 100), (100, 100)],
        tile,
    )
    source = open_mosaics([tile], catalog, Cutting(Size(64)))
    ra, dec = source.rows["ra"].values.copy(), source.rows["dec"].values.copy()
    ra[3], dec[4], dec[5], ra[6] = np.nan, np.nan, 95.0, ra[6] + 180
    columns = [dataclasses.replace(source.rows[n], values=v) for n, v in (("ra", ra), ("dec", dec))]
    source = dataclasses.replace(source, rows=source.rows.with_columns(columns))
    entries = list(source.read())
    outside = "the galaxy must lie in a mosaic; it lies outside of all of them"
    missing = "ra and dec must be numbers; at least one is missing"
    assert [getattr(entry, "reason", "") for entry in entries] == [
        *("", outside, outside, missing, missing),
        f"ra and dec must be a position in deg; got {ra[5]:g}, 95",
        outside,
    ]
    assert [entry.object_id for entry in entries] == [f"g{n}" for n in range(7)]


def test_beyond_the_edges_pixels_are_bad_in_every_layer(tmp_path):
    fills = {"MASK": (0, 1), "VARIANCE": (1, np.nan), "WHT": (1, 0), "ERR": (1, np.nan)}
    others = [fits.ImageHDU(np.full(SHAPE, f[0], "i2"), name=n) for n, f in fills.items()]
    tile = write_tile(tmp_path / "tile.fits", others=others)
    catalog = write_positions(tmp_path / "catalog.csv", [(8.0, 150.0)], tile)
    source = open_mosaics([tile], catalog, SMALL)
    beyond = next(source.read())
    assert beyond.flags & Flag.MASKED_PIXELS
    assert beyond.bad[:, :24].all()
    assert not beyond.bad[:, 24:].any()
    _, *maps = next(source.each(lambda stamp: stamp)).pieces
    for piece, (inside, outside) in zip(maps, fills.values(), strict=True):
        np.testing.assert_array_equal(piece.array[:, 24:], inside)
        np.testing.assert_array_equal(piece.array[:, :24], outside)


def test_masks_and_variances_are_cut_along(tmp_path, cut):
    mask, variance = np.zeros(SHAPE, "u2"), np.ones(SHAPE, "f4")
    mask[120, 101], mask[121, 101] = 1 << 8, 1 << 5
    variance[119, 99] = 0
    cards = fits.Header({"MP_BAD": 8, "HIERARCH MP_DETECTED": 5})
    others = [fits.ImageHDU(mask, cards, name="MASK"), fits.ImageHDU(variance, name="VARIANCE")]
    tile = write_tile(tmp_path / "tile.fits", others=others)
    bad = cut(tile, [(100.0, 120.0)], Cutting(Size(65)))[0].bad
    assert np.argwhere(bad).tolist() == [[31, 31], [32, 33]]


def of_its_own(path, image, **cards):
    """A map in a file of its own, called whatever its survey likes."""
    header = fits.Header({"EXTNAME": "COADD", "FILTER": "a band", **cards})
    hdus = [fits.PrimaryHDU(), fits.CompImageHDU(image, header)]
    fits.HDUList(hdus).writeto(path)


def test_maps_in_files_beside_the_tiles_are_cut_along(tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    mask, weight = np.zeros(SHAPE, "i4"), np.ones(SHAPE, "f4")
    mask[120, 101], mask[121, 101], weight[119, 99] = 1 << 8, 1 << 5, 0
    tile = write_tile(folder / "brick-image-r.fits", FILTER="r")
    of_its_own(folder / "brick-maskbits.fits", mask, MP_BAD=8)
    of_its_own(folder / "brick-invvar-r.fits", weight)
    beside = (Beside(Role.MASK, "image-r", "maskbits"), Beside(Role.WEIGHT, "image", "invvar"))
    cutting = Cutting(Size(65), "r", beside=beside)
    catalog = write_positions(tmp_path / "catalog.csv", [(100.0, 120.0), (3.0, 3.0)], tile)
    source = open_mosaics([folder], catalog, cutting)
    assert source.tiling.paths == (tile,)
    inner, edge = part(source, 0).read()
    assert np.argwhere(inner.bad).tolist() == [[31, 31], [32, 33]]
    assert edge.bad.sum() == 65**2 - 36**2
    names = [piece.cards.text("EXTNAME") for piece in next(source.each(lambda stamp: stamp)).pieces]
    assert names == ["", "MASK", "WEIGHT"]
    before = source.fingerprint()
    (folder / "brick-invvar-r.fits").unlink()
    of_its_own(folder / "brick-invvar-r.fits", weight + 1)
    assert source.fingerprint() != before


def test_files_beside_tiles_must_be_there_and_of_the_same_shape(tmp_path):
    tile = write_tile(tmp_path / "image.fits")
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, tile)
    of_its_own(tmp_path / "small.fits", np.zeros((9, 9), "i2"))
    for old, new, reason in (
        ("image", "none", r"must exist; .*none\.fits"),
        ("image", "small", r"small.fits: mask and image must have one shape; got \(9, 9\) and"),
        ("coadd", "mask", "the mask of image.fits must be in a file of another name"),
    ):
        with pytest.raises(UsageError, match=reason):
            open_mosaics([tile], catalog, Cutting(beside=(Beside(Role.MASK, old, new),)))


def cubes(path, **cards):
    """A tile of three bands, each with its own variance."""
    cube = np.stack([pixels(SHAPE, seed) for seed in range(3)])
    variance = fits.ImageHDU(np.stack([np.full(SHAPE, v, "f4") for v in (1, 0, 1)]), name="VAR")
    header = {"BANDS": "gri", "CTYPE3": "BAND", "CRPIX3": 1.0, "CRVAL3": 0.0, "CDELT3": 1.0}
    return write_tile(path, cube, [variance], **{**header, **cards}), cube


@pytest.mark.parametrize("band", [2, "i"])
def test_a_band_of_a_cube_is_cut_out(tmp_path, cut, band):
    tile, cube = cubes(tmp_path / "tile.fits")
    with fits.open(tile) as hdus:
        hdus[1].data[1] = 1
    cutout = cut(tile, [(100.0, 120.0)], Cutting(Size(65), band))[0]
    np.testing.assert_array_equal(cutout.pixels, cube[2, 88:153, 68:133])
    assert "CTYPE3" not in cutout.wcs
    assert cutout.flags == Flag.PSF_UNKNOWN
    with pytest.raises(UsageError, match=r"a band must be chosen .* it holds 3 \(g, r, i\)"):
        cut(tile)


def test_tiles_of_several_bands_are_told_apart(tmp_path):
    tiles = [
        write_tile(tmp_path / f"{band}.fits", pixels(SHAPE) + 100 * n, FILTER=f"HSC-{band}")
        for n, band in enumerate("GRI")
    ]
    catalog = write_positions(tmp_path / "catalog.csv", PLACES[:1], tiles[0])
    with pytest.raises(UsageError, match=r"several bands \(HSC-G, HSC-I, HSC-R\): .* --band"):
        open_mosaics(tiles, catalog, SMALL)
    found = next(open_mosaics(tiles, catalog, Cutting(Size(64), "r")).read())
    assert found.pixels.mean() == pytest.approx(100, abs=0.1)
    with pytest.raises(UsageError, match="must be of band 'y'; these are of HSC-G, HSC-I, HSC-R"):
        open_mosaics(tiles, catalog, Cutting(Size(64), "y"))


@pytest.mark.parametrize("kind", ["i2", "u2", "i4", "f8", "blank"])
def test_every_type_of_pixel_is_read_as_astropy_reads_it(tmp_path, cut, kind):
    image = (1000 * pixels(SHAPE)).astype("i2" if kind == "blank" else kind)
    tile = write_tile(tmp_path / "tile.fits", image)
    if kind == "blank":
        with fits.open(tile, do_not_scale_image_data=True) as hdus:
            hdus[0].header.update(BSCALE=0.5, BZERO=3.0, BLANK=int(image[110, 100]))
            hdus.writeto(tile, overwrite=True)
    with fits.open(tile) as hdus:
        expected = hdus[0].data.astype("f4")[88:153, 68:133]
    cutout = cut(tile, [(100.0, 120.0)], Cutting(Size(65)))[0]
    assert np.isnan(expected).any() == (kind == "blank")
    np.testing.assert_array_equal(np.where(cutout.bad, np.nan, cutout.pixels), expected)


def test_rows_come_in_the_catalogues_order_whatever_order_tiles_are_read_in(tmp_path, monkeypatch):
    cards = sky_cards(SHAPE)
    tiles = [write_tile(tmp_path / "0.fits"), None]
    tiles[1] = write_tile(tmp_path / "1.fits", pixels(SHAPE, 2), CRPIX1=cards["CRPIX1"] - 340)
    x = np.random.default_rng(3).uniform(40, 640, size=60)
    catalog = write_positions(tmp_path / "catalog.csv", [(place, 150) for place in x], tiles[0])
    source = open_mosaics(tiles, catalog, SMALL)
    entries = list(source.read())
    assert [entry.object_id for entry in entries] == source.object_ids
    monkeypatch.setattr("gampen.storage.wanted.WINDOW", 7 * 5 * 64**2)
    for one, other in zip(entries, source.read(), strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
    pieces = [entry for start in range(0, 60, 11) for entry in part(source, start).read()]
    for one, other in zip(entries, pieces, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def part(source, start, size=11):
    """A slice of a source, as another process finds it."""
    slice_ = source.take(range(start, min(start + size, len(source))))
    return pickle.loads(pickle.dumps(slice_))  # noqa: S301 - our own


def test_a_slice_takes_little_room_when_it_is_sent(tmp_path):
    tile = write_tile(tmp_path / "tile.fits")
    places = np.random.default_rng(3).uniform(40, 300, size=(4000, 2))
    catalog = write_positions(tmp_path / "catalog.parquet", places, tile)
    source = open_mosaics([tile], catalog, SMALL)
    list(source.take(range(2)).read())
    assert len(pickle.dumps(source.take(range(2048)))) < 2048 * 100
    assert len(pickle.dumps(source.take(range(1)))) < 4096


def test_the_fingerprint_changes_with_all_that_a_result_depends_on(tmp_path):
    tile = write_tile(tmp_path / "tile.fits")
    paths = {n: tmp_path / f"{n}.csv" for n in range(2)}
    for n, path in paths.items():
        write_positions(path, [(100 + n, 120)], tile)
    changes = [
        open_mosaics([tile], paths[0], SMALL),
        open_mosaics([tile], paths[1], SMALL),
        open_mosaics([tile], paths[0], Cutting(Size(65))),
        open_mosaics([tile], paths[0], Cutting(Size(64, Unit.ARCSEC))),
        open_mosaics([tile, write_tile(tmp_path / "2.fits")], paths[0], SMALL),
    ]
    prints = [source.fingerprint() for source in changes]
    assert len(set(prints)) == len(prints)
    assert open_mosaics([tile], paths[0], SMALL).fingerprint() == prints[0]
    write_tile(tile, pixels(SHAPE, 5))
    assert open_mosaics([tile], paths[0], SMALL).fingerprint() != prints[0]


@pytest.fixture
def sections(monkeypatch):
    """The boxes that were unpacked so far."""
    read, boxes = OpenTile._section, []
    monkeypatch.setattr(
        OpenTile, "_section", lambda self, layer, box: boxes.append(box) or read(self, layer, box)
    )
    return boxes


def crowd(tmp_path, galaxies):
    """So many galaxies in a tile that is packed row by row."""
    tile = write_tile(tmp_path / "tile.fits", compress=True)
    places = np.random.default_rng(3).uniform(40, 260, size=(galaxies, 2))
    catalog = write_positions(tmp_path / "catalog.csv", places, tile)
    return open_mosaics([tile], catalog, SMALL)


@pytest.mark.parametrize(("galaxies", "whole"), [(6, False), (7, True)])
def test_a_packed_tile_is_read_whole_once_where_many_need_it(
    tmp_path, monkeypatch, sections, galaxies, whole
):
    # Of 300 rows each stamp needs 64: seven of them need more than 1.3 times all.
    source = crowd(tmp_path, galaxies)
    found = list(source.read())
    assert (sections == [Box(0, 0, *SHAPE)]) == whole
    assert len(sections) == (1 if whole else galaxies)
    # What a stamp shows is its own: a view would keep all of the tile in memory.
    assert all(entry.pixels.base is None for entry in found)
    monkeypatch.setattr("gampen.storage.shelves.WORTH", 1000)
    for one, other in zip(found, source.read(), strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_a_plain_tile_is_read_whole_once_where_many_need_it(tmp_path, monkeypatch):
    tile = write_tile(tmp_path / "tile.fits")
    places = np.random.default_rng(3).uniform(40, 260, size=(11, 2))
    catalog = write_positions(tmp_path / "catalog.csv", places, tile)
    read, boxes = OpenTile._plain, []
    monkeypatch.setattr(
        OpenTile, "_plain", lambda self, layer, box: boxes.append(box) or read(self, layer, box)
    )
    monkeypatch.setattr("gampen.storage.shelves.MANY_PLAIN", 10)
    source = open_mosaics([tile], catalog, SMALL)
    found = list(source.read())
    assert boxes == [Box(0, 0, *SHAPE)]
    apart = [entry for n in range(11) for entry in source.take(range(n, n + 1)).read()]
    assert len(boxes) == 12
    for one, other in zip(found, apart, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_of_packed_tiles_too_large_to_hold_rows_are_unpacked_once(tmp_path, monkeypatch, sections):
    source = crowd(tmp_path, 40)
    found = list(source.read())
    sections.clear()
    monkeypatch.setattr("gampen.storage.shelves.LARGEST_HELD", 4 * 300 * 340 - 1)
    monkeypatch.setattr("gampen.storage.open_tiles.BAND", 4 * 100 * 340)
    for one, other in zip(found, source.read(), strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
    assert {box.width for box in sections} == {340}
    assert max(box.height for box in sections) == 100
    assert len(sections) <= 7  # a hundred rows hold the first of all stamps of 37 rows


def sparse_tile(path, side):
    """A plain tile of `side` x `side` pixels; only some rows in the middle hold anything."""
    header = fits.Header(
        {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS1": side, "NAXIS2": side}
    )
    header.update(sky_cards((side, side)))
    start = len(header.tostring())
    with path.open("wb") as file:
        file.write(header.tostring().encode())
        row = pixels((side,)).astype(">f4").tobytes()
        for number in range(side // 2 - 40, side // 2 + 40):
            file.seek(start + 4 * side * number)
            file.write(row)
        file.truncate(start + -(-4 * side * side // 2880) * 2880)
    return path


def peak_of(source):
    """The most memory [byte] that numpy and Python took while a source was read."""
    list(source.read())  # what is loaded on first use does not count
    tracemalloc.start()
    try:
        entries = list(source.read())
        return tracemalloc.get_traced_memory()[1], entries
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("side", [4200, 40000])
def test_a_tile_is_never_loaded_whole_for_one_galaxy(tmp_path, side):
    tile = sparse_tile(tmp_path / "tile.fits", side)
    catalog = write_positions(tmp_path / "catalog.csv", [(side / 2 + 3, side / 2 - 4)], tile)
    peak, entries = peak_of(open_mosaics([tile], catalog, SMALL))
    assert entries[0].pixels.std() > 0.5
    assert peak < 2**20  # of a tile of 67 MB and of one of 6 GB


def test_of_a_packed_tile_only_the_rows_of_a_galaxy_are_unpacked(tmp_path):
    side = 2000
    image = np.zeros((side, side), dtype=np.int16)
    image[900:1100] = np.random.default_rng(1).integers(0, 9, size=(200, side))
    tile = write_tile(tmp_path / "tile.fits", image, compress=True)
    catalog = write_positions(tmp_path / "catalog.csv", [(1000, 1000)], tile)
    peak, entries = peak_of(open_mosaics([tile], catalog, SMALL))
    assert not isinstance(entries[0], Rejection)
    assert peak < 0.25 * image.nbytes


def test_memory_stays_flat_however_many_galaxies_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr("gampen.storage.wanted.WINDOW", 1 << 18)
    tile = write_tile(tmp_path / "tile.fits")
    places = np.random.default_rng(3).uniform(70, 230, size=(96, 2))
    peaks = []
    for number in (24, 96):
        catalog = write_positions(tmp_path / f"{number}.csv", places[:number], tile)
        source = open_mosaics([tile], catalog, Cutting(Size(128)))
        list(source.take(range(2)).read())
        tracemalloc.start()
        for entry in source.read():
            assert entry.shape == (128, 128)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A galaxy's row takes a kilobyte or two, its stamp eighty: rows are all that may grow.
    assert peaks[1] - peaks[0] < 72 * 4000


def test_a_tile_cut_short_meanwhile_costs_its_galaxies_alone(tmp_path):
    cards = sky_cards(SHAPE)
    tiles = [write_tile(tmp_path / "0.fits"), None]
    tiles[1] = write_tile(tmp_path / "1.fits", pixels(SHAPE, 2), CRPIX1=cards["CRPIX1"] - 340)
    catalog = write_positions(tmp_path / "catalog.csv", [(100, 150), (500, 150)], tiles[0])
    source = open_mosaics(tiles, catalog, SMALL)
    tiles[0].write_bytes(tiles[0].read_bytes()[:40_000])
    first, second = source.read()
    assert "0.fits must be whole" in first.reason
    assert second.flags == Flag.PSF_UNKNOWN
    tiles[0].unlink()
    first, second = source.read()
    assert "0.fits" in first.reason
    assert not isinstance(second, Rejection)


@pytest.mark.parametrize("compress", [False, True])
def test_a_damaged_tile_is_refused_in_one_line(tmp_path, compress):
    tile = write_tile(tmp_path / "tile.fits", compress=compress)
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, tile)
    content = tile.read_bytes()
    for damaged in (content[:3000], content[:1000], b"", b"no FITS file" * 500, content[:-9000]):
        tile.write_bytes(damaged)
        with pytest.raises(UsageError) as refused:
            open_mosaics([tile], catalog, SMALL)
        assert len(str(refused.value).splitlines()) == 1


WRONG = {
    "there must be a file": (lambda path: path / "none.fits", "a mosaic must exist"),
    "no WCS": (lambda path: bare(path / "bare.fits"), "must have celestial world coordinates"),
    "zipped": (lambda path: zipped(path / "tile.fits.gz"), "unzip it first"),
    "no image": (lambda path: empty(path / "empty.fits"), "must hold an image"),
    "other mask": (lambda path: odd(path / "odd.fits"), "mask and image must have one shape"),
    "folder": (lambda path: folder(path / "folder"), "must be FITS files; there are none in"),
}


def bare(path):
    fits.PrimaryHDU(pixels(SHAPE)).writeto(path)
    return path


def zipped(path):
    return write_tile(path)


def empty(path):
    fits.PrimaryHDU().writeto(path)
    return path


def odd(path):
    return write_tile(path, others=[fits.ImageHDU(np.zeros((9, 9), "i2"), name="MASK")])


def folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_mosaic_is_refused(tmp_path, kind):
    make, reason = WRONG[kind]
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, write_tile(tmp_path / "t.fits"))
    with pytest.raises(UsageError, match=reason):
        open_mosaics([make(tmp_path)], catalog, SMALL)


def test_a_folder_of_tiles_is_a_mosaic(tmp_path):
    (tmp_path / "tiles").mkdir()
    tile = write_tile(tmp_path / "tiles" / "a.fits")
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, tile)
    assert [p.name for p in open_mosaics([tmp_path / "tiles"], catalog).tiling.paths] == ["a.fits"]


def test_catalogues_that_name_no_galaxies_are_refused(tmp_path):
    tile = write_tile(tmp_path / "tile.fits")
    write = {
        "ids": ({"object_id": ["a"] * 6}, "object ids must be distinct; 1 are not"),
        "ra": ({"ra": None}, "must have columns 'ra' and 'dec'"),
        "text": ({"ra": ["north"] * 6}, "must hold numbers"),
    }
    for name, (columns, reason) in write.items():
        catalog = write_positions(tmp_path / f"{name}.csv", PLACES, tile, **columns)
        with pytest.raises(UsageError, match=reason):
            open_mosaics([tile], catalog, SMALL)


def test_capitals_in_names_of_positions_do_not_matter_and_rows_without_ids_are_numbered(tmp_path):
    tile = write_tile(tmp_path / "tile.fits")
    path = write_positions(tmp_path / "catalog.csv", PLACES[:2], tile, object_id=None)
    path.write_text(path.read_text().replace("ra,dec", "RA,Dec"))
    source = open_mosaics([tile], path, SMALL)
    assert source.object_ids == ["galaxy-0000000", "galaxy-0000001"]
    assert [getattr(entry, "reason", "") for entry in source.read()] == ["", ""]


def test_names_of_files_are_safe_and_distinct(tmp_path):
    tile = write_tile(tmp_path / "tile.fits")
    ids = ["a/b", "a%2Fb", "../../c", ".d", "e f", "ü" * 100]
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, tile, object_id=ids)
    source = open_mosaics([tile], catalog, SMALL)
    names = source.file_names
    assert source.object_ids == ids
    assert names[:5] == [
        "a%2Fb.fits",
        "a%252Fb.fits",
        "%2E.%2F..%2Fc.fits",
        "%2Ed.fits",
        "e f.fits",
    ]
    assert len(set(names)) == 6
    assert max(map(len, names)) <= 205


def test_positions_far_outside_of_a_distorted_tile_have_no_place_in_it(tmp_path):
    tile = write_tile(tmp_path / "tile.fits", **{**HEADERS["sip"], "A_2_0": 1e-3, "B_0_2": 1e-3})
    catalog = write_positions(tmp_path / "catalog.csv", PLACES, tile)
    source = open_mosaics([tile], catalog, SMALL)
    wcs = wcs_of(tile)
    angle, reach = np.radians(np.arange(0, 360, 5)), np.linspace(0.001, 0.03, 8)[:, None]
    ra, dec = (150 + reach * np.cos(angle)).ravel(), (2.2 + reach * np.sin(angle)).ravel()
    for x, y in zip(*source.tiling.tile(0).places(ra, dec), strict=True):
        if np.isfinite(x):
            back = wcs.all_pix2world(x, y, 0)
            assert np.hypot(back[0] - ra, back[1] - dec).min() < 1e-6
    # Where the distortion folds back on itself some of the sky is nowhere.
    found = source.tiling.tile(0).places(ra, dec)[0]
    assert 0 < np.isfinite(found).sum() < len(found)


def test_a_tile_across_the_meridian_of_zero_and_one_at_the_pole_are_found(tmp_path):
    for name, place in {"zero": (0.0, -30.0), "pole": (0.0, 89.9999)}.items():
        cards = {"CRVAL1": place[0], "CRVAL2": place[1], "matrix": turned(40)}
        tile = write_tile(tmp_path / f"{name}.fits", **cards)
        catalog = write_positions(tmp_path / f"{name}.csv", PLACES, tile)
        found = open_mosaics([tile], catalog, SMALL).tiling.find(
            *(open_mosaics([tile], catalog, SMALL).rows[axis].numbers() for axis in ("ra", "dec"))
        )
        np.testing.assert_allclose([(place.x, place.y) for place in found], PLACES, atol=1e-6)
