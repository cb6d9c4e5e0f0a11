"""`gampen crop`: from a folder of galaxies to a folder of crops that every command reads."""

import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from gampen.settings import CropFreedom
from gampen.storage.layouts import open_folder, read_cutouts
from gampen.storage.tables import read_catalog, write_catalog
from tiny import NETWORK, estimator

SIP = {
    **dict.fromkeys(("A_ORDER", "B_ORDER"), 2),
    **dict(zip(("A_2_0", "A_1_1", "A_0_2"), (2e-6, -3e-6, 1e-6), strict=True)),
    **dict(zip(("B_2_0", "B_1_1", "B_0_2"), (-1e-6, 4e-6, 3e-6), strict=True)),
}
DISTORTED = {
    **dict(zip(("CTYPE1", "CTYPE2"), ("RA---TAN-SIP", "DEC--TAN-SIP"), strict=True)),
    **dict(zip(("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"), (150, 2, -800, 1100), strict=True)),
    **dict(zip(("CD1_1", "CD1_2", "CD2_1", "CD2_2"), (-4e-5, 2e-5, 3e-5, 5e-5), strict=True)),
    **SIP,
}
WIDTH, STARS = 2.0, np.array([(47.3, 48.4), (34.8, 36.1), (60.2, 58.9), (58.7, 37.6)])


def star_field(path):
    """A FITS file with stars and a distorted, sheared header."""
    rows, columns = np.indices((96, 96))
    image = np.random.default_rng(0).normal(size=(96, 96)) * 1e-3
    for x, y in STARS:
        image += 100 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * WIDTH**2))
    hdu = fits.PrimaryHDU(image.astype(np.float32))
    hdu.header.update({"OBJECT": "field", **DISTORTED})
    hdu.header["HISTORY"] = "as it was"
    hdu.writeto(path, checksum=True)


def centroid(pixels, place, width):
    """The centre of light in a Gaussian window that follows it, from a first guess."""
    rows, columns = np.indices(pixels.shape)
    for _ in range(60):
        square = (columns - place[0]) ** 2 + (rows - place[1]) ** 2
        weight = np.nan_to_num(pixels) * np.exp(-square / (2 * width**2))
        found = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
        place = place + 2 * (found - place)
    return place


def sky_of(header):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WCS(header)


@pytest.mark.parametrize("pixels", ["resampled", "original"])
@pytest.mark.parametrize("freedom", CropFreedom)
def test_stars_are_at_their_place_on_the_sky(gampen, tmp_path, freedom, pixels):
    star_field(tmp_path / "field.fits")
    size = 96 if freedom is CropFreedom.AFFINE else 64
    estimator(replace(NETWORK, crop=freedom, crop_size=size)).save(tmp_path / "own.safetensors")
    arguments = ("--out", tmp_path / "crops", "--estimator", tmp_path / "own.safetensors")
    ran = gampen("crop", tmp_path / "field.fits", *arguments, "--pixels", pixels)
    assert ran.status == 0, ran.err
    found, header = fits.getdata(tmp_path / "crops/cutouts/field.fits", header=True)
    sky = sky_of(fits.getheader(tmp_path / "field.fits")).all_pix2world(STARS, 0)
    expected = sky_of(header).all_world2pix(sky, 0, tolerance=1e-8)
    side = np.sqrt(header["CROPAREA"])
    edge = 4 * WIDTH / side
    whole = ((expected > edge) & (expected < np.array(found.shape[::-1]) - 1 - edge)).all(axis=1)
    assert whole.sum() >= 3
    seen = [centroid(found, place, 1.5 / side) for place in expected[whole]]
    np.testing.assert_allclose(seen, expected[whole], atol=0.01)


def test_the_header_is_kept_and_says_where_the_crop_came_from(gampen, model, tmp_path):
    star_field(tmp_path / "field.fits")
    out = tmp_path / "crops"
    assert gampen("crop", tmp_path / "field.fits", "--out", out, "--estimator", model).status == 0
    with fits.open(out / "cutouts" / "field.fits") as hdus:
        hdus.verify("exception")
        header = hdus[0].header
    assert header["OBJECT"] == "field"
    assert "as it was" in str(header["HISTORY"])
    assert "CHECKSUM" not in header
    assert header["CROPPER"].startswith("gampen ")
    assert (header["CROPNAME"], header["CROPFILE"]) == ("tiny", "field.fits")
    assert len(header["CROPHASH"]) == 64
    row = read_catalog(out / "info.csv")
    assert header["CROPZOOM"] == row["crop_scale"].numbers()[0]
    thetas = [header[f"CROPT{i}{j}"] for i in (1, 2) for j in (1, 2, 3)]
    assert thetas == [row[f"crop_theta_{place}"].numbers()[0] for place in range(6)]


def test_a_folder_becomes_a_folder_that_is_read_again(gampen, folder, model, tmp_path):
    out = tmp_path / "crops"
    ran = gampen("crop", folder, "--out", out, "--estimator", model)
    assert ran.status == 0
    assert ran.out.splitlines() == ["12 of 12 galaxies have a crop", str(out / "info.csv")]
    before, after = (list(read_cutouts(open_folder(path))) for path in (folder, out))
    assert [one.object_id for one in after] == [one.object_id for one in before]
    assert {one.shape for one in after} == {(16, 16)}
    for old, new in zip(before, after, strict=True):
        assert new.zero_point == old.zero_point
        told = [one.psf_fwhm and one.psf_fwhm * one.pixel_scale for one in (old, new)]
        assert told[1] == (told[0] and pytest.approx(told[0]))
        assert new.pixel_scale > old.pixel_scale
    catalogue = tmp_path / "catalogue.parquet"
    assert gampen("predict", folder, "-o", catalogue, "--estimator", model).status == 0
    predicted, table = read_catalog(catalogue), read_catalog(out / "info.csv")
    assert np.array_equal(table["crop_scale"].numbers(), predicted["crop_scale"].numbers())
    assert np.array_equal(table["sky_sigma"].numbers(), predicted["sky_sigma"].numbers())
    assert gampen("predict", out, "-o", tmp_path / "of.csv", "--estimator", model).status == 0


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_run_again_it_writes_the_same_bytes(gampen, folder, model, tmp_path):
    arguments = ("crop", folder, "--out", tmp_path / "crops", "--estimator", model)
    assert gampen(*arguments).status == 0
    first = files_in(tmp_path / "crops")
    shutil.rmtree(tmp_path / "crops" / "cutouts")
    assert gampen(*arguments).status == 0
    assert files_in(tmp_path / "crops") == first
    assert not [name for name in first if name.startswith(".")]


def test_galaxies_without_a_crop_are_rows_that_say_why(gampen, folder, model, tmp_path):
    names = sorted(path.name for path in (folder / "cutouts").iterdir())
    (folder / "cutouts" / names[0]).write_bytes(b"no galaxy")
    with fits.open(folder / "cutouts" / names[1], mode="update") as hdus:
        hdus[0].header["CPDIS1"] = "LOOKUP"
    table = read_catalog(folder / "info.csv")
    files = table["file_name"].text()
    files[2], files[3] = "../../outside.fits", "/etc/passwd"
    write_catalog(
        table.with_columns([replace(table["file_name"], values=np.array(files))]),
        folder / "info.csv",
    )
    ran = gampen("crop", folder, "--out", tmp_path / "crops", "--estimator", model)
    assert ran.status == 0
    assert ran.out.splitlines()[:2] == [
        "8 of 12 galaxies have a crop",
        "the others are rows whose status says why",
    ]
    status = read_catalog(tmp_path / "crops" / "info.csv")["status"].text()
    reasons = ("not begin like one", "a table beside it", "stay inside", "stay inside")
    assert all(reason in said for reason, said in zip(reasons, status[:4], strict=True))
    assert status[4:] == ["ok"] * 8
    assert len(list((tmp_path / "crops" / "cutouts").iterdir())) == 8


def test_ids_that_are_no_file_names_stay_inside_of_the_folder(gampen, folder, model, tmp_path):
    table = read_catalog(folder / "info.csv")
    ids = table["object_id"].text()
    ids[:6] = ["../../up", "/root", "a b", "a/b", "A_B", "..."]
    write_catalog(
        table.with_columns([replace(table["object_id"], values=np.array(ids))]),
        folder / "info.csv",
    )
    out = tmp_path / "crops"
    assert gampen("crop", folder, "--out", out, "--estimator", model).status == 0
    written = [path for path in tmp_path.rglob("*.fits") if folder not in path.parents]
    assert {path.parent for path in written} == {out / "cutouts"}
    names = read_catalog(out / "info.csv")["file_name"].text()
    assert len({name.lower() for name in names}) == 12
    assert sorted(path.name for path in written) == sorted(names)


def test_a_plane_of_a_cube_is_cropped_as_an_image_of_its_band(gampen, model, tmp_path):
    cube = np.random.default_rng(0).normal(size=(2, 40, 40)).astype(np.float32)
    hdu = fits.PrimaryHDU(cube)
    hdu.header.update({"BAND0": "g", "BAND1": "r"})
    hdu.writeto(tmp_path / "cube.fits")
    out = tmp_path / "crops"
    arguments = ("crop", tmp_path / "cube.fits", "--out", out, "--estimator", model)
    assert gampen(*arguments, "--band", "r").status == 0
    assert fits.getheader(out / "cutouts" / "cube.fits")["BAND"] == "r"
    assert gampen("predict", out, "-o", tmp_path / "a.csv", "--band", "r", "--estimator", model)


def test_wrong_calls_are_one_line_each(gampen, folder, model, tmp_path):
    out, own = tmp_path / "crops", ("--estimator", model)
    assert gampen("crop", folder, "--out", out, *own).status == 0
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    shutil.copy(folder / "info.csv", tmp_path / "full")
    for arguments, reason in {
        (tmp_path / "none", "--out", tmp_path / "new", *own): "must exist",
        (folder, "--out", folder, *own): "must not lie among the galaxies",
        (folder, "--out", folder / "cutouts", *own): "must not lie among the galaxies",
        (folder, "--out", tmp_path / "full", *own): "must not hold other galaxies",
        (folder, "--out", out, *own, "--pixels", "original"): "must be of these crops",
        (folder, "--out", tmp_path / "file", *own): "must be a folder",
        (folder, "--out", tmp_path / "new", "--estimator", "nonsense"): "must be a file or one of",
        (folder, "--out", tmp_path / "new", *own, "--device", "cuda:99"): "must be usable here",
    }.items():
        ran = gampen("crop", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
    assert not (tmp_path / "new").exists()
