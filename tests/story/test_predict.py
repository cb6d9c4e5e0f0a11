"""Predicting from the command line: every galaxy one row, every wrong call one line."""

import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gampen.cutouts import Flag
from gampen.posterior import Posterior
from gampen.storage.fits import write_cutout
from gampen.storage.tables import read_catalog
from tiny import galaxies

GALAXIES = 12
FEW = ("--passes", 4)
BAD_FILES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:4000]),
    "headless": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not an image at all\n" * 500),
    "missing": lambda path: path.unlink(),
    "nan": lambda path: altered(path, np.full((48, 48), np.nan, np.float32)),
    "flat": lambda path: altered(path, np.ones((48, 48), np.float32)),
    "line": lambda path: altered(path, np.ones((1, 2304), np.float32)),
    "small": lambda path: altered(path, np.arange(64, dtype=np.float32).reshape(8, 8)),
}


def altered(path, pixels):
    """Other pixels in a FITS file of the package's own making."""
    height, width = pixels.shape
    header = path.read_bytes()[:2880].decode("ascii")
    for name, size in (("NAXIS1", width), ("NAXIS2", height)):
        at = header.index(name)
        header = header[:at] + f"{name:<8}= {size:>20}".ljust(80) + header[at + 80 :]
    data = pixels.astype(">f4").tobytes()
    path.write_bytes(header.encode("ascii") + data.ljust(-(-len(data) // 2880) * 2880, b"\0"))


def spoil(folder, kinds):
    """Damage the first files of a folder, one of each kind; comes back as their ids."""
    paths = sorted((folder / "cutouts").iterdir())[: len(kinds)]
    for kind, path in zip(kinds, paths, strict=True):
        BAD_FILES[kind](path)
    return [path.stem for path in paths]


def numbers_of(catalog):
    """Every column of numbers that says something of a posterior."""
    skipped = ("object_id", "file_name", "status", "flags", "category")
    return {column.name: column.values for column in catalog if column.name not in skipped}


def test_every_galaxy_gets_a_row_with_a_posterior(gampen, folder, model, tmp_path):
    out = tmp_path / "new" / "folders" / "catalogue.parquet"
    ran = gampen("predict", folder, "--out", out, "--estimator", model, *FEW)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [f"{GALAXIES} of {GALAXIES} galaxies have a posterior", str(out)]
    catalog = read_catalog(out)
    assert catalog["status"].text() == ["ok"] * GALAXIES
    assert np.isfinite(catalog["magnitude_median"].values).all()
    assert {"estimator_sha256", "training_prior", "passes", "seed"} <= catalog.metadata.keys()


@pytest.mark.parametrize("suffix", [".parquet", ".fits", ".vot", ".ecsv"])
def test_a_catalogue_of_any_format_that_keeps_metadata_holds_the_posterior(
    gampen, folder, model, tmp_path, suffix
):
    out = tmp_path / f"catalogue{suffix}"
    assert gampen("predict", folder, "-o", out, "--estimator", model, *FEW).status == 0
    catalog, posterior = read_catalog(out), Posterior.load(out)
    for name in posterior.space.names:
        low, high = posterior[name].interval(0.6827).unbind(-1)
        np.testing.assert_allclose(catalog[f"{name}_median"].values, posterior[name].median, 2e-4)
        np.testing.assert_allclose(catalog[f"{name}_lo68"].values, low, 1e-3)
        np.testing.assert_allclose(catalog[f"{name}_hi68"].values, high, 1e-3)


def test_a_csv_holds_the_same_numbers(gampen, folder, model, tmp_path):
    for suffix in (".csv", ".parquet"):
        out = tmp_path / f"catalogue{suffix}"
        assert gampen("predict", folder, "-o", out, "--estimator", model, *FEW).status == 0
    text, binary = (read_catalog(tmp_path / f"catalogue{s}") for s in (".csv", ".parquet"))
    for name in ("effective_radius_median", "flux_std", "bulge_to_total_mode"):
        np.testing.assert_allclose(text[name].numbers(), binary[name].values, rtol=1e-6)


def test_the_crop_of_each_galaxy_is_kept(gampen, folder, model, tmp_path):
    out = tmp_path / "catalogue.parquet"
    gampen("predict", folder, "-o", out, "--estimator", model, *FEW)
    theta, scale = (read_catalog(out)[f"crop_{name}"].values for name in ("theta", "scale"))
    assert theta.shape == (GALAXIES, 6)
    across, _, _, _, up, _ = theta.T
    np.testing.assert_allclose(np.sqrt(across * up), scale, 1e-5)
    assert len(np.unique(theta[:, 2])) == GALAXIES  # each about its own target


def test_a_bad_file_is_a_flagged_row_with_its_reason(gampen, folder, model, tmp_path):
    whole = tmp_path / "whole.parquet"
    gampen("predict", folder, "-o", whole, "--estimator", model, *FEW)
    spoilt = spoil(folder, BAD_FILES)
    out = tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", out, "--estimator", model, *FEW)
    assert (ran.status, ran.err) == (0, "")
    assert f"{GALAXIES - len(BAD_FILES)} of {GALAXIES} galaxies have a posterior" in ran.out
    said = ran.out.splitlines()
    told = said[said.index("the others are flagged rows whose status says why") + 1 :]
    whys = Counter(text for text in read_catalog(out)["status"].text() if text != "ok")
    assert " ".join(told[0].split()).startswith(f"{whys.most_common()[0][1]}: ")
    assert any(line.startswith(f"  and {len(whys) - 5} other reasons") for line in told)
    catalog, before = read_catalog(out), read_catalog(whole)
    for name, status, flags in zip(
        catalog["object_id"].text(), catalog["status"].text(), catalog["flags"].values, strict=True
    ):
        assert (status != "ok") == (name in spoilt), (name, status)
        assert bool(flags & Flag.UNREADABLE) == (name in spoilt)
        assert len(status.splitlines()) == 1
    sound = np.flatnonzero([name not in spoilt for name in catalog["object_id"].text()])
    for name, values in numbers_of(catalog).items():
        np.testing.assert_allclose(
            values[sound].astype(float),
            before[name].values[sound].astype(float),
            rtol=1e-5,
            atol=1e-4 if name.endswith(("skewness", "kurtosis")) else 1e-5,
            err_msg=name,
        )
        if values.dtype.kind == "f" and name not in ("ra", "dec"):
            assert np.isnan(np.delete(values, sound, axis=0)).all(), name
    assert Posterior.load(out).object_ids.tolist() == [
        name for name in catalog["object_id"].text() if name not in spoilt
    ]


def test_when_every_file_is_bad_each_is_a_row_and_the_columns_stay(gampen, folder, model, tmp_path):
    for path in (folder / "cutouts").iterdir():
        path.write_bytes(b"")
    out = tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", out, "--estimator", model, "--samples", 3, *FEW)
    assert ran.status == 0
    assert f"0 of {GALAXIES} galaxies" in ran.out
    assert "effective_radius_median" in read_catalog(out)
    assert len(Posterior.load(out)) == 0


def test_bad_files_at_the_start_cost_no_metadata(gampen, folder, model, tmp_path, monkeypatch):
    monkeypatch.setattr("gampen.scaling.chunks.chunks.__defaults__", (4,))
    spoil(folder, ["empty"] * 5)
    out = tmp_path / "catalogue.parquet"
    assert gampen("predict", folder, "-o", out, "--estimator", model, *FEW).status == 0
    assert len(Posterior.load(out)) == GALAXIES - 5
    whole = read_catalog(out)
    assert whole["status"].text().count("ok") == GALAXIES - 5


def test_names_that_lead_out_of_the_folder_are_rows_with_a_reason(gampen, folder, model, tmp_path):
    secret = tmp_path / "secret.fits"
    shutil.copy(next((folder / "cutouts").iterdir()), secret)
    lines = (folder / "info.csv").read_text().splitlines()
    names = ["../../secret.fits", str(secret), "/etc/passwd", "..", "no-such.fits"]
    wrong = [f"wrong-{n},{name},0.7" for n, name in enumerate(names)]
    (folder / "info.csv").write_text("\n".join([*lines, *wrong]) + "\n")
    out = tmp_path / "catalogue.parquet"
    assert gampen("predict", folder, "-o", out, "--estimator", model, *FEW).status == 0
    status = read_catalog(out)["status"].text()
    assert status[:GALAXIES] == ["ok"] * GALAXIES
    assert all(reason != "ok" for reason in status[GALAXIES:])
    assert sum("inside of its folder" in reason for reason in status[GALAXIES:]) >= 3


def test_a_galaxy_for_which_the_network_has_no_answer_stops_no_other(
    gampen, folder, model, tmp_path, monkeypatch
):
    from gampen.network import network

    look = network.GampenNetwork.look

    def blind(self, frames, crop, masks=None):
        """Nothing is seen in the crop of the smallest zoom of a batch."""
        seen = look(self, frames, crop, masks)
        lost = (crop.zoom == crop.zoom.min())[:, None]
        return replace(seen, guess=seen.guess.masked_fill(lost, np.nan))

    monkeypatch.setattr(network.GampenNetwork, "look", blind)
    out = tmp_path / "catalogue.parquet"
    assert gampen("predict", folder, "-o", out, "--estimator", model, *FEW).status == 0
    status = read_catalog(out)["status"].text()
    assert any("must return a distribution" in reason for reason in status)


def test_a_second_run_and_files_made_in_another_order_give_the_same_bytes(gampen, model, tmp_path):
    bare, reversed_ = tmp_path / "bare", tmp_path / "reversed"
    for place, order in ((bare, 1), (reversed_, -1)):
        place.mkdir()
        for cutout in list(galaxies(GALAXIES))[::order]:
            write_cutout(cutout, place / cutout.file_name)
    written = []
    for number, place in enumerate((bare, bare, reversed_)):
        out = tmp_path / str(number) / "catalogue.parquet"
        ran = gampen("predict", place, "-o", out, "--estimator", model, "--samples", 5, *FEW)
        assert ran.status == 0
        written.append([out.read_bytes(), (out.parent / "catalogue-draws.parquet").read_bytes()])
    assert written[0] == written[1] == written[2]


def test_the_size_of_a_batch_changes_no_column(gampen, folder, model, tmp_path):
    catalogs = []
    for size in (1, 7, 64):
        out = tmp_path / f"{size}.parquet"
        gampen("predict", folder, "-o", out, "--estimator", model, "--batch-size", size, *FEW)
        catalogs.append(numbers_of(read_catalog(out)))
    for other in catalogs[1:]:
        for name, values in catalogs[0].items():
            # Third and fourth moments magnify what 32 bits leave open.
            tolerance = 1e-4 if name.endswith(("skewness", "kurtosis")) else 1e-5
            np.testing.assert_allclose(other[name], values, rtol=1e-5, atol=tolerance, err_msg=name)


def test_samples_are_joint_draws_in_a_file_beside(gampen, folder, model, tmp_path):
    out = tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", out, "--estimator", model, "--samples", 200, *FEW)
    beside = tmp_path / "catalogue-draws.parquet"
    assert ran.out.splitlines()[1:] == [str(out), str(beside)]
    draws, posterior = read_catalog(beside), Posterior.load(out)
    assert draws["object_id"].text() == posterior.object_ids.tolist()
    assert draws["flux"].values.shape == (GALAXIES, 200)
    expected = 27.0 - 2.5 * np.log10(draws["flux"].values)
    np.testing.assert_allclose(draws["magnitude"].values, expected, rtol=1e-4)
    ranks = [(draws["flux"].values < posterior["flux"].median.numpy()[:, None]).mean()]
    # 2,400 draws, half of them below their median, to five standard errors.
    assert abs(ranks[0] - 0.5) < 5 * 0.5 / np.sqrt(2400)


def test_without_a_zero_point_magnitudes_are_nan(gampen, folder, model, tmp_path):
    for path in (folder / "cutouts").iterdir():
        path.write_bytes(path.read_bytes().replace(b"MAGZERO ", b"NOTHING "))
    out = tmp_path / "catalogue.parquet"
    assert gampen("predict", folder, "-o", out, "--estimator", model, *FEW).status == 0
    catalog = read_catalog(out)
    for name in ("magnitude_median", "flux_njy_std"):
        assert np.isnan(catalog[name].values).all()
    assert all(flags & Flag.ZERO_POINT_UNKNOWN for flags in catalog["flags"].values)
    told = ("--zero-point", 25.0)
    assert gampen("predict", folder, "-o", out, "--estimator", model, *told, *FEW).status == 0
    assert np.isfinite(read_catalog(out)["magnitude_median"].values).all()


def test_what_is_told_goes_before_what_is_found(gampen, folder, model, tmp_path):
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    gampen("predict", folder, "-o", one, "--estimator", model, *FEW)
    told = ("--pixel-scale", 0.4, "--psf-fwhm", 1.4)
    gampen("predict", folder, "-o", other, "--estimator", model, *told, *FEW)
    catalog = read_catalog(other)
    np.testing.assert_allclose(catalog["pixel_scale"].values, 0.4)
    np.testing.assert_allclose(catalog["psf_fwhm"].values, 1.4, rtol=1e-6)


def test_a_single_file_is_a_folder_of_one(gampen, folder, model, tmp_path):
    out = tmp_path / "one.parquet"
    path = min((folder / "cutouts").iterdir())
    assert gampen("predict", path, "-o", out, "--estimator", model, *FEW).status == 0
    assert read_catalog(out)["object_id"].text() == [path.stem]


def test_a_page_of_pictures_is_drawn_where_asked_for(gampen, folder, model, tmp_path):
    page = tmp_path / "pages" / "page.png"
    out = tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", out, "--estimator", model, "--report", page, *FEW)
    assert ran.status == 0
    assert ran.out.splitlines()[-1] == str(page)
    assert page.read_bytes().startswith(b"\x89PNG")


def test_a_page_of_no_galaxies_is_said_after_the_catalogue_is_written(
    gampen, folder, model, tmp_path
):
    for path in (folder / "cutouts").iterdir():
        path.write_bytes(b"")
    page, out = tmp_path / "page.png", tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", out, "--estimator", model, "--report", page, *FEW)
    assert ran.status == 1
    assert "at least one galaxy" in ran.complaint
    assert str(out) in ran.out
    assert not page.exists()


WRONG_CALLS = {
    "no folder": ({"source": "nowhere"}, "must exist"),
    "empty folder": ({"source": "empty"}, "must hold FITS files"),
    "wrong table": ({"source": "wrong.csv"}, "file_name"),
    "wrong estimator": ({"--estimator": "nonsense"}, "must be a file or one of"),
    "damaged estimator": ({"--estimator": "damaged.safetensors"}, "damaged.safetensors"),
    "wrong suffix": ({"--out": "catalogue.xyz"}, "must end in one of"),
    "out is the input": ({"--out": "galaxies"}, "must not lie among the galaxies"),
    "out holds something": ({"--out": "folder.parquet/.."}, "must be empty or hold a run"),
    "out is a folder": ({"--out": "folder.parquet"}, "it is a folder"),
    "out under a file": ({"--out": "wrong.csv/catalogue.parquet"}, "must be a folder"),
    "out on a pseudo-disk": ({"--out": "/proc/gampen/catalogue.parquet"}, "must be a folder"),
    "out over the input": ({"--out": "galaxies/info.csv"}, "must not lie among the galaxies"),
    "out among the cutouts": ({"--out": "galaxies/cutouts/c.fits"}, "must not lie among"),
    "no PSF file": ({"--psf-file": "psf.fits"}, "the PSF file psf.fits must exist"),
    "a PSF file of text": ({"--psf-file": "wrong.csv"}, "the PSF file wrong.csv"),
    "no width": ({"--psf-fwhm": "0"}, "psf_fwhm must be a positive number"),
    "infinite width": ({"--psf-fwhm": "inf"}, "psf_fwhm must be a positive number"),
    "no scale": ({"--pixel-scale": "-0.2"}, "pixel_scale must be a positive number"),
    "no zero point": ({"--zero-point": "nan"}, "zero_point must be a number"),
    "no passes": ({"--passes": "0"}, "passes must be at least 1"),
    "no batch": ({"--batch-size": "0"}, "batch_size must be at least 1"),
    "fewer samples than none": ({"--samples": "-1"}, "samples must be at least 0"),
    "seed below zero": ({"--seed": "-1"}, "seed must be"),
    "seed too large": ({"--seed": str(2**70)}, "seed must be"),
    "no device": ({"--device": "nonsense"}, "device must be usable here"),
    "absent device": ({"--device": "cuda:99"}, "device must be usable here"),
    "page of text": ({"--report": "page.txt"}, "a page must end in"),
    "page under a file": ({"--report": "wrong.csv/page.png"}, "must be a folder"),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_is_one_line_and_writes_nothing(
    gampen, folder, model, tmp_path, monkeypatch, case
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "wrong.csv").write_text("name,value\none,1\n")
    (tmp_path / "damaged.safetensors").write_bytes(model.read_bytes()[:-7])
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    change, reason = WRONG_CALLS[case]
    options = {"source": folder, "--estimator": model, "--out": "catalogue.parquet", **change}
    source = options.pop("source")
    ran = gampen("predict", source, *(word for option in options.items() for word in option))
    assert ran.status == 2
    assert reason in ran.complaint
    assert ran.out == ""
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
