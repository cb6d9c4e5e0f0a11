"""From a mosaic to posteriors, by the command line: every galaxy a row, a wrong call a line."""

import numpy as np
import pytest
from astropy.io import fits

from gampen.cutouts import Flag
from gampen.storage.tables import read_catalog
from patches import HEADERS, sky_cards, write_positions, write_tile
from tiny import galaxies

SIDE = 48
SPACING = 60
COLUMNS, ROWS = 5, 2
FEW = ("--passes", 4)


@pytest.fixture
def mosaic(tmp_path):
    """Ten simulated galaxies painted into two tiles that overlap, and a catalogue of twelve."""
    shape = (ROWS * SPACING + 20, COLUMNS * SPACING + 20)
    image = np.random.default_rng(2).normal(0, 0.03, size=shape).astype(np.float32)
    places = [(40 + SPACING * c, 40 + SPACING * r) for r in range(ROWS) for c in range(COLUMNS)]
    for (x, y), galaxy in zip(places, galaxies(len(places)), strict=True):
        half = SIDE // 2
        image[y - half : y + half, x - half : x + half] = galaxy.pixels
    mask = np.zeros(shape, dtype=np.uint8)
    mask[40, 40] = 1
    cards = {**sky_cards(shape), "SEEING": 0.7}
    tiles = []
    for number, (first, last) in enumerate(((0, 200), (140, shape[1]))):
        own = {**HEADERS["rotated"], "SEEING": 0.7, "CRPIX1": cards["CRPIX1"] - first}
        layer = fits.ImageHDU(mask[:, first:last], name="MASK")
        path = tmp_path / f"tile-{number}.fits"
        tiles.append(write_tile(path, image[:, first:last], [layer], compress=number == 1, **own))
    outside = [(-300, 40), (40, 900)]
    radius = [2.4, *[0.1] * (len(places) + len(outside) - 1)]
    catalog = write_positions(tmp_path / "catalog.csv", places + outside, tiles[0], radius=radius)
    return tiles, catalog


def test_galaxies_of_a_mosaic_become_cutouts_and_then_posteriors(gampen, mosaic, model, tmp_path):
    tiles, catalog = mosaic
    out = tmp_path / "new" / "cutouts"
    ran = gampen("cutout", *tiles, "--catalog", catalog, "--out", out, "--size", SIDE)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "10 of 12 galaxies are cut out",
        "the others are rows whose cutout_status says why",
        str(out / "info.parquet"),
    ]
    table = tmp_path / "catalogue.parquet"
    ran = gampen("predict", out, "-o", table, "--estimator", model, *FEW)
    assert "10 of 12 galaxies have a posterior" in ran.out
    written = read_catalog(table)
    assert written["object_id"].text() == [f"g{n}" for n in range(12)]
    assert [text == "ok" for text in written["status"].text()] == [True] * 10 + [False] * 2
    assert written["flags"].values[0] & int(Flag.MASKED_CORE)
    assert not written["flags"].values[1] & int(Flag.MASKED_PIXELS)
    info = read_catalog(out / "info.parquet")
    assert info["cutout_tile"].text()[:5] == [*["tile-0.fits"] * 3, *["tile-1.fits"] * 2]


def test_what_is_predicted_from_a_mosaic_is_what_is_predicted_from_its_cutouts(
    gampen, mosaic, model, tmp_path
):
    tiles, catalog = mosaic
    out, tables = tmp_path / "cutouts", [tmp_path / f"{n}.parquet" for n in "ab"]
    how = ("--estimator", model, "--samples", 3, *FEW)
    gampen("cutout", *tiles, "--catalog", catalog, "--out", out, "--size", SIDE)
    assert gampen("predict", out, "-o", tables[0], *how).status == 0
    named = [word for tile in tiles for word in ("--mosaic", tile)]
    given = ("--catalog", catalog, "--size", SIDE)
    ran = gampen("predict", *named, *given, "-o", tables[1], *how)
    assert (ran.status, ran.err) == (0, "")
    assert "10 of 12 galaxies have a posterior" in ran.out
    written, direct = (read_catalog(table) for table in tables)
    for column in written.take(np.arange(10)):
        np.testing.assert_array_equal(
            column.values, direct[column.name].values[:10], err_msg=column.name
        )
    reason = "the galaxy must lie in a mosaic; it lies outside of all of them"
    assert direct["status"].text()[10:] == [reason] * 2
    draws = [read_catalog(table.with_name(f"{table.stem}-draws.parquet")) for table in tables]
    np.testing.assert_array_equal(draws[0]["flux"].values, draws[1]["flux"].values)


def test_started_again_it_does_nothing_anew(gampen, mosaic, tmp_path):
    tiles, catalog = mosaic
    call = ("cutout", *tiles, "--catalog", catalog, "--out", tmp_path / "out", "--size", SIDE)
    first = gampen(*call)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "cutouts").iterdir()}
    assert gampen(*call).out == first.out
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        (("--size", 10, "--arcsec"), [50, 50]),
        (("--size", 10, "--size-column", "radius"), [120, 64]),
        (("--size", 10, "--size-column", "radius", "--least-size", 20), [120, 20]),
        (("--size", 20, "--size-column", "radius", "--pixels", "--least-size", 20), [48, 20]),
    ],
)
def test_sizes_are_in_pixels_or_arcsec_or_times_a_column(gampen, mosaic, tmp_path, options, sides):
    tiles, catalog = mosaic
    out = tmp_path / "out"
    assert gampen("cutout", *tiles, "--catalog", catalog, "--out", out, *options).status == 0
    info = read_catalog(out / "info.parquet")
    assert info["cutout_side"].values[:2].tolist() == sides
    assert fits.getdata(out / "cutouts" / "g0.fits").shape == (sides[0], sides[0])


def test_maps_in_files_of_their_own_are_named_after_the_tiles(gampen, mosaic, tmp_path):
    tiles, catalog = mosaic
    for tile in tiles:
        with fits.open(tile) as hdus:
            shape = next(hdu.shape for hdu in hdus if hdu.shape)
        weight = fits.PrimaryHDU(np.ones(shape, "f4"))
        weight.writeto(tile.with_name(tile.name.replace("tile", "weight")))
    call = ("cutout", *tiles, "--catalog", catalog, "--out", tmp_path / "out")
    assert gampen(*call, "--beside", "weight:tile=weight").status == 0
    for name in ("g0", "g4"):
        assert fits.getdata(tmp_path / "out" / "cutouts" / f"{name}.fits", "WEIGHT").max() == 1
    for text in ("weight", "weight:tile", "psf:tile=psf", "mask:=b", "mask:tile=tile"):
        ran = gampen(*call, "--beside", text)
        assert ran.status == 2
        assert "are named as mask|variance|weight|noise:OLD=NEW" in ran.complaint
        assert ran.complaint.endswith(f"got {text!r}")


def test_a_wrong_call_is_one_line_and_writes_nothing(gampen, mosaic, tmp_path):
    tiles, catalog = mosaic
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    twice = tmp_path / "twice.csv"
    twice.write_text("object_id,ra,dec\na,150,2\na,150,2\n")
    out = ("--out", tmp_path / "out")
    before.append(twice)
    for arguments, reason in (
        ((*tiles, "--catalog", tmp_path / "no.csv", *out), "the table must exist"),
        ((*tiles, "--catalog", twice, *out), "object ids must be distinct; 1 are not"),
        ((tmp_path / "no.fits", "--catalog", catalog, *out), "a mosaic must exist"),
        ((catalog, "--catalog", catalog, *out), "must be a sound FITS file"),
        ((*tiles, "--catalog", catalog, *out, "--size", 3), "from 16 to 4096 pixels; got 3"),
        ((*tiles, "--catalog", catalog, *out, "--size-column", "r"), "must have a column 'r'"),
        ((*tiles, "--catalog", catalog, *out, "--psf-map", twice), "must have a column 'psf_file'"),
        ((*tiles, "--catalog", catalog, "--out", full), "must be a new folder"),
        ((*tiles, "--catalog", catalog, "--out", catalog), "must be a folder, old or new"),
    ):
        ran = gampen("cutout", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
    assert sorted(tmp_path.rglob("*")) == sorted(before)
