"""Facts about folders of cutouts: what is read from them is what the mosaic shows."""

import dataclasses

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS

from gampen.cutouts import Flag, Rejection
from gampen.errors import UsageError
from gampen.storage.layouts import open_folder
from gampen.storage.mosaics import Cutting, open_mosaics
from gampen.storage.sizes import Size
from gampen.storage.tables import read_catalog
from gampen.verbs.cutout import CutoutRequest, cutout
from patches import HEADERS, header_of, pixels, sky_cards, wcs_of, write_positions, write_tile

SHAPE = (300, 340)
PLACES = [
    *((100.2, 120.7), (170.5, 150.5), (6.3, 7.9), (-60.0, 20.0), (335.0, 290.0)),
    *((600.0, 150.0), (200.0, 3.0), (51.0, 260.0), (-20.0, -20.0)),
]
OUTSIDE, FAR_OUT = 3, 8
SMALL = Cutting(Size(64))


def star(fwhm, side=33):
    rows, columns = np.indices((side, side)) - side // 2
    return np.exp(-4 * np.log(2) * (rows**2 + columns**2) / fwhm**2).astype(np.float32)


def planes(seed):
    """A mask that names its planes, a variance and a PSF."""
    generator = np.random.default_rng(seed)
    mask = (generator.uniform(size=SHAPE) < 0.02).astype(np.int32) << generator.integers(0, 9)
    cards = fits.Header([("MP_BAD", 0), ("HIERARCH MP_DETECTED", 5), ("HIERARCH MP_NO_DATA", 8)])
    variance = generator.uniform(size=SHAPE).astype(np.float32)
    variance[generator.uniform(size=SHAPE) < 0.02] = 0
    names = {"VARIANCE": variance, "PSF": star(4.0)}
    others = [fits.ImageHDU(plane, name=name) for name, plane in names.items()]
    return [fits.ImageHDU(mask, cards, name="MASK"), *others]


@pytest.fixture(params=["plain", "packed"])
def mosaic(request, tmp_path):
    """Two tiles beside each other with all layers, and a catalogue that knows much."""
    cards = {**HEADERS["sip"], "SEEING": 0.9, "OBJECT": "a patch"}
    origin = sky_cards(SHAPE)["CRPIX1"]
    packed = request.param == "packed"
    tiles = [
        write_tile(tmp_path / f"{n}.fits", pixels(SHAPE, n), planes(n), packed, **cards)
        for n in range(2)
    ]
    write_tile(tiles[1], pixels(SHAPE, 1), planes(1), packed, **cards, CRPIX1=origin - 320)
    fits.PrimaryHDU(star(5.5)).writeto(tmp_path / "own.fits")
    catalog = write_positions(
        tmp_path / "catalog.parquet",
        PLACES,
        tiles[0],
        psf_fwhm_arcsec=[0.6, *[np.nan] * 5, 0.7, np.nan, np.nan],
        psf_file=["", "own.fits", *[""] * 4, "own.fits", "lost.fits", ""],
        zero_point=[25.0, *[np.nan] * 8],
        redshift=np.linspace(0.1, 0.9, 9),
        remark=[f"it is number {n}" for n in range(9)],
    )
    return tiles, catalog, tmp_path / "out"


def same(one, other):
    """Whether two cutouts agree in every bit of every field."""
    for field in dataclasses.fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)
        else:
            assert first == second, field.name


def test_a_mosaic_is_read_bit_for_bit_as_the_cutouts_that_are_written_of_it(mosaic):
    tiles, catalog, out = mosaic
    done = cutout(CutoutRequest(tiles, catalog, out, SMALL))
    entries = list(open_mosaics(tiles, catalog, SMALL).read())
    written = list(open_folder(out).read())
    assert len(entries) == len(written) == done.galaxies == 9
    bad = [n for n, entry in enumerate(entries) if isinstance(entry, Rejection)]
    assert bad == [n for n, entry in enumerate(written) if isinstance(entry, Rejection)]
    assert bad == [OUTSIDE, 7, FAR_OUT]
    for one, other in zip(entries, written, strict=True):
        assert one.object_id == other.object_id
        if isinstance(one, Rejection):
            assert (one.file_name, one.ra, one.dec) == (other.file_name, other.ra, other.dec)
        else:
            same(one, other)
    assert done.failed == len(bad)


def test_the_info_table_keeps_the_catalogue_and_says_what_each_cutout_shows(mosaic):
    tiles, catalog, out = mosaic
    table = read_catalog(cutout(CutoutRequest(tiles, catalog, out, SMALL)).table)
    given = read_catalog(catalog)
    for name in ("object_id", "ra", "dec", "redshift", "remark", "psf_fwhm_arcsec", "zero_point"):
        np.testing.assert_array_equal(table[name].values, given[name].values)
    assert table["psf_file"].text() == ["", "g1.fits", *[""] * 4, "g6.fits", "", ""]
    status = table["cutout_status"].text()
    assert status[0] == "ok"
    assert "outside of all of them" in status[OUTSIDE]
    assert status[7] == "the PSF file lost.fits: the file must exist; it is missing"
    flags = table["cutout_flags"].values
    assert (flags & int(Flag.UNREADABLE)).astype(bool).tolist() == [text != "ok" for text in status]
    assert table["cutout_tile"].text()[:4] == ["0.fits", "0.fits", "0.fits", ""]
    shown = table["cutout_covered"].values
    np.testing.assert_allclose(shown[[0, 2, OUTSIDE]], [1.0, 39 * 40 / 64**2, 0.0], atol=1e-6)
    masked = table["cutout_masked"].values[0]
    assert 0.02 < masked < 0.06
    assert set(table["cutout_side"].values.tolist()) == {0, 64}
    for n in (0, 1, 2):
        place = [table[f"cutout_{axis}"].values[n] for axis in "xy"]
        np.testing.assert_allclose(place, PLACES[n], atol=1e-5)


def test_all_layers_go_along_with_the_image(mosaic):
    tiles, catalog, out = mosaic
    cutout(CutoutRequest(tiles, catalog, out, SMALL))
    with fits.open(out / "cutouts" / "g2.fits") as hdus, fits.open(tiles[0]) as tile:
        hdus.verify("exception")
        first = 0 if tile[0].data is not None else 1
        names = [hdu.name for hdu in hdus[first + 1 :]]
        assert names == ["MASK", "VARIANCE", "PSF"]
        image, expected = hdus[first], tile[first]
        fills = {first: np.nan, first + 1: 1 << 8, first + 2: np.nan}
        for number, fill in fills.items():
            data = tile[number].data.astype(np.float64)
            theirs = Cutout2D(data, PLACES[2], 64, mode="partial", fill_value=fill)
            np.testing.assert_array_equal(hdus[number].data.astype(np.float64), theirs.data)
        np.testing.assert_array_equal(hdus["PSF"].data, star(4.0))
        assert hdus["MASK"].header["MP_DETECTED"] == 5
        kept = {k: v for k, v in expected.header.items() if k in image.header}
        assert kept["OBJECT"] == image.header["OBJECT"] == "a patch"
        assert (image.header["CUTID"], image.header["CUTTILE"]) == ("g2", "0.fits")
        assert (image.header["CUTX0"], image.header["CUTY0"]) == (-25, -24)
        assert image.header["CUTX"] == pytest.approx(PLACES[2][0], abs=1e-5)


def test_a_psf_of_the_catalogue_is_in_the_cutout(mosaic):
    tiles, catalog, out = mosaic
    cutout(CutoutRequest(tiles, catalog, out, SMALL))
    np.testing.assert_array_equal(fits.getdata(out / "cutouts" / "g1.fits", "PSF"), star(5.5))


@pytest.mark.parametrize("kind", HEADERS)
def test_the_sky_of_a_written_cutout_is_that_of_the_tile(tmp_path, kind):
    tile = write_tile(tmp_path / "tile.fits", **HEADERS[kind], CRPIX1A=3.0, CRPIX2A=4.0)
    catalog = write_positions(tmp_path / "catalog.csv", PLACES[:3], tile)
    cutout(CutoutRequest([tile], catalog, tmp_path / "out", SMALL))
    whole, header = wcs_of(tile), header_of(tile)
    rows, columns = (axis.ravel() for axis in np.mgrid[0:64:9, 0:64:9])
    for path in sorted((tmp_path / "out" / "cutouts").iterdir()):
        found = fits.getheader(path)
        own = WCS(found).all_pix2world(columns, rows, 0)
        expected = whole.all_pix2world(columns + found["CUTX0"], rows + found["CUTY0"], 0)
        # 1e-6 px of 0.2" is 5.6e-11 deg.
        np.testing.assert_allclose(own, expected, rtol=0, atol=5e-11)
        assert found["CRPIX1A"] == header["CRPIX1A"] - found["CUTX0"]


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def test_started_again_it_goes_on_and_ends_in_the_same_files(mosaic, monkeypatch):
    tiles, catalog, out = mosaic
    whole = out.with_name("whole")
    cutout(CutoutRequest(tiles, catalog, whole, SMALL))

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gampen.verbs.cutout.STEP", 5)
    with pytest.raises(KeyboardInterrupt):
        cutout(CutoutRequest(tiles, catalog, out, SMALL), stop)
    assert not (out / "info.parquet").exists()
    assert len(list((out / "cutouts").iterdir())) > 1
    cutout(CutoutRequest(tiles, catalog, out, SMALL))
    assert files_of(out) == files_of(whole)
    times = {path: path.stat().st_mtime_ns for path in (out / "cutouts").iterdir()}
    torn = out / "cutouts" / "g1.fits"
    torn.write_bytes(torn.read_bytes()[:5000])
    cutout(CutoutRequest(tiles, catalog, out, SMALL))
    assert files_of(out) == files_of(whole)
    kept = [path for path, time in times.items() if path.stat().st_mtime_ns == time]
    assert set(times) - set(kept) == {torn}


def test_a_folder_of_something_else_is_left_alone(mosaic):
    tiles, catalog, out = mosaic
    out.mkdir()
    (out / "info.csv").write_text("file_name\n")
    with pytest.raises(UsageError, match="must be a new folder, or hold a part of these cutouts"):
        cutout(CutoutRequest(tiles, catalog, out, SMALL))
    (out / "info.csv").unlink()
    cutout(CutoutRequest(tiles, catalog, out, SMALL))
    with pytest.raises(UsageError, match="it holds something else"):
        cutout(CutoutRequest(tiles, catalog, out, Cutting(Size(65))))


def test_a_full_disk_ends_the_run_in_one_line(mosaic, monkeypatch):
    tiles, catalog, out = mosaic
    cutout(CutoutRequest(tiles, catalog, out, SMALL))
    (out / "cutouts" / "g0.fits").unlink()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(UsageError, match=r"g0.fits must be writable; got: No space left"):
        cutout(CutoutRequest(tiles, catalog, out, SMALL))


def test_a_cutout_without_enough_good_pixels_is_written_and_says_so(tmp_path):
    image = pixels(SHAPE)
    image[:, :130] = np.nan
    tile = write_tile(tmp_path / "tile.fits", image)
    catalog = write_positions(tmp_path / "catalog.csv", [(50, 150), (200, 150), (125, 100)], tile)
    table = read_catalog(cutout(CutoutRequest([tile], catalog, tmp_path / "out", SMALL)).table)
    status = table["cutout_status"].text()
    assert "at least 25% of a cutout's pixels must be good" in status[0]
    assert status[1:] == ["ok", "ok"]
    np.testing.assert_allclose(table["cutout_nan"].values, [1.0, 0.0, 37 / 64], atol=1e-6)
    reasons = [getattr(e, "reason", "ok") for e in open_folder(tmp_path / "out").read()]
    assert reasons == status
