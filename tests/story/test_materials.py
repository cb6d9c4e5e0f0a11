"""A survey that brings its own files, by the command line."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from gampen.catalog import Catalog
from gampen.estimator import Estimator
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import Simulator
from gampen.storage.fits import read_cutout
from gampen.storage.runfiles import read_settings
from gampen.storage.tables import read_catalog, write_catalog
from materials import (
    WIDTHS,
    star,
    write_image,
    write_run,
    write_simulation,
    write_skies,
    write_stars,
)
from tiny import SIMULATION, SURVEY

STARS, SKIES = ["psf/*.fits"], ["sky/*.fits"]


def same_folder(one, other):
    names = sorted(path.relative_to(one) for path in one.rglob("*.*"))
    assert names == sorted(path.relative_to(other) for path in other.rglob("*.*"))
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_galaxies_are_seen_through_images_of_psfs(gampen, tmp_path):
    write_stars(tmp_path / "psf")
    runfile = write_simulation(tmp_path / "survey.toml", psf_images=STARS)
    for name in "ab":
        ran = gampen("simulate", runfile, "--out", tmp_path / name, "--count", 20, "--seed", 2)
        assert (ran.status, ran.err) == (0, "")
    assert same_folder(tmp_path / "a", tmp_path / "b")
    kept = read_settings(tmp_path / "a" / "simulation.toml", SimulationSettings)
    widths = np.array(kept.survey.psf_fwhm) / SURVEY.pixel_scale
    np.testing.assert_allclose(widths, (WIDTHS[0], WIDTHS[-1]), rtol=0.04)
    assert 2.5 < kept.survey.psf_beta[0] <= kept.survey.psf_beta[1] < 3.5
    assert kept.survey.psf_images == tuple(STARS)
    table = read_catalog(tmp_path / "a" / "info.csv")
    true = table["psf_fwhm"].numbers()
    assert len(np.unique(true.round(4))) == len(WIDTHS)
    assert read_cutout(tmp_path / "a" / "cutouts" / "simulated-0000000.fits").zero_point == 27.0
    noted = (tmp_path / "a" / "materials.toml").read_text()
    assert noted.count("psf/star-") == len(WIDTHS)


def test_galaxies_are_put_into_images_of_sky(gampen, tmp_path):
    write_skies(tmp_path / "sky")
    runfile = write_simulation(tmp_path / "survey.toml", sky_images=SKIES)
    for name in "ab":
        ran = gampen("simulate", runfile, "--out", tmp_path / name, "--count", 20, "--seed", 2)
        assert (ran.status, ran.err) == (0, "")
    assert same_folder(tmp_path / "a", tmp_path / "b")
    kept = read_settings(tmp_path / "a" / "simulation.toml", SimulationSettings).survey
    np.testing.assert_allclose(kept.sky_sigma, (0.03, 0.04), rtol=0.03)
    # a quarter of each pixel's noise is its neighbours' along rows, none along columns
    low, high = kept.noise_correlation
    assert 2 * low / (1 + 2 * low**2) == pytest.approx(0.25, abs=0.02)
    assert high - low < 0.03
    noise = [read_cutout(path).pixels[:4] for path in (tmp_path / "a" / "cutouts").iterdir()]
    assert abs(float(np.median(np.concatenate(noise)))) < 0.1  # of a level of 2
    ran = gampen("survey", runfile, "--count", 32)
    assert ran.status == 0, ran.err
    assert "sky sigma                        of 2 images" in ran.out
    assert "blank places for a frame" in ran.out


def test_an_estimator_is_trained_on_real_psfs_and_real_sky(gampen, tmp_path):
    write_stars(tmp_path / "psf")
    write_skies(tmp_path / "sky")
    runfile = write_run(tmp_path / "run.toml", psf_images=STARS, sky_images=SKIES)
    ran = gampen("train", runfile, "--out", tmp_path / "run")
    assert ran.status == 0, ran.err
    assert (tmp_path / "run" / "materials.toml").read_text().count("sky/sky-") == 2
    write_skies(tmp_path / "sky", sigmas=(0.03, 0.05))
    assert "must stay as they are" in gampen("train", runfile, "--out", tmp_path / "run").complaint


def test_a_survey_says_that_its_psfs_are_images(gampen, tmp_path):
    write_stars(tmp_path / "psf")
    ran = gampen("survey", write_simulation(tmp_path / "s.toml", psf_images=STARS), "--count", 32)
    assert ran.status == 0, ran.err
    (line,) = [one for one in ran.out.splitlines() if one.startswith("  PSF FWHM     ")]
    assert "of 3 images" in line


def test_a_run_is_gone_on_with_by_the_same_files_only(gampen, tmp_path):
    write_stars(tmp_path / "psf")
    write_simulation(tmp_path / "survey.toml", psf_images=STARS)
    text = write_run(tmp_path / "whole.toml").read_text().splitlines()
    text[0] = 'simulation = "survey.toml"'
    (tmp_path / "run.toml").write_text("\n".join(text))
    run = tmp_path / "run"
    call = ("train", tmp_path / "run.toml", "--out", run, "--name", "mine")
    ran = gampen(*call)
    assert ran.status == 0, ran.err
    made = Estimator.load(run / "best.safetensors")
    assert len(made.provenance["materials_sha256"]) == 64
    assert made.prior.survey.psf_fwhm[0] == pytest.approx(WIDTHS[0] * 0.2, rel=0.04)
    assert gampen(*call).status == 0
    moved = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-moved")
    assert gampen(call[0], moved / "run.toml", "--out", moved / "run", "--name", "mine").status == 0
    write_image(tmp_path / "psf" / "star-1.fits", star(3.9, side=33))
    assert "must stay as they are" in gampen(*call).complaint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"psf_images": ["nowhere/*.fits"]}, "psf_images must match files, relative to the run"),
        ({"psf_images": "psf/*.fits"}, "psf_images must be an array"),
        ({"psf_images": ["narrow.fits"]}, "at least two pixels wide; narrow.fits is"),
        ({"psf_images": ["flat.fits"]}, "the PSF image flat.fits: a PSF image must"),
        ({"psf_images": ["survey.toml"]}, "the PSF image survey.toml: "),
        ({"sky_images": ["sky/*.fit"]}, "sky_images must match files"),
        ({"sky_images": ["flat.fits"]}, "the image of sky flat.fits: an image of sky must be sky"),
        ({"sky_images": ["small.fits"]}, "must hold blank places for frames of 48 pixels"),
    ],
)
def test_files_that_do_not_serve_are_one_line_each(gampen, tmp_path, changes, reason):
    write_image(tmp_path / "narrow.fits", star(1.2))
    write_image(tmp_path / "flat.fits", np.zeros((21, 21)))
    write_image(tmp_path / "small.fits", np.random.default_rng(0).normal(size=(40, 90)))
    runfile = write_simulation(tmp_path / "survey.toml", **changes)
    assert reason in gampen("simulate", runfile, "--out", tmp_path / "out").complaint


def test_a_survey_does_not_say_itself_what_its_images_say(gampen, tmp_path):
    write_stars(tmp_path / "psf")
    said = write_simulation(tmp_path / "survey.toml", psf_images=STARS)
    said.write_text(said.read_text().replace("psf_images =", "psf_fwhm = [0.1, 0.2], psf_images ="))
    complaint = gampen("simulate", said, "--out", tmp_path / "out").complaint
    assert "psf_fwhm must be left out beside psf_images, which it is measured from" in complaint


def test_settings_of_an_estimator_are_drawn_by_laws_without_its_files():
    named = replace(SURVEY, psf_images=("psf/*.fits",))
    laws = Simulator(SIMULATION, 1).batch(0, 16)
    same = Simulator(replace(SIMULATION, survey=named), 1).batch(0, 16)
    assert (laws.images == same.images).all()


def write_galaxies(path, rows=300, **renamed):
    """A catalogue in which the brighter galaxies are the larger ones."""
    generator = np.random.default_rng(2)
    magnitude = generator.uniform(19, 21, rows)
    columns = {
        "magnitude": magnitude,
        "effective_radius": 10 ** (-0.2 * (magnitude - 20) + generator.normal(0, 0.05, rows)),
        "w": np.where(magnitude > 20, 1.0, 0.0),
    }
    named = {renamed.get(name, name): value for name, value in columns.items()}
    write_catalog(Catalog.of(**named), path)


def with_prior(runfile, text):
    """The run file with more said of its prior."""
    runfile.write_text(runfile.read_text().replace("prior = {", f"prior = {{{text}, "))
    return runfile


def test_galaxies_are_those_of_a_catalogue(gampen, tmp_path):
    write_galaxies(tmp_path / "galaxies.csv")
    runfile = with_prior(write_simulation(tmp_path / "s.toml"), 'catalogue = "galaxies.csv"')
    ran = gampen("simulate", runfile, "--out", tmp_path / "a", "--count", 40)
    assert (ran.status, ran.err) == (0, "")
    truths = read_catalog(tmp_path / "a" / "info.csv")
    known = read_catalog(tmp_path / "galaxies.csv")
    magnitude = 27 - 2.5 * np.log10(truths["flux"].numbers())
    row = np.abs(magnitude[:, None] - known["magnitude"].numbers()).argmin(axis=1)
    radius = known["effective_radius"].numbers()[row]
    np.testing.assert_allclose(truths["effective_radius"].numbers(), radius, rtol=1e-4)
    kept = read_settings(tmp_path / "a" / "simulation.toml", SimulationSettings)
    assert kept.prior.of_catalogue == ("magnitude", "effective_radius")
    assert "galaxies.csv" in (tmp_path / "a" / "materials.toml").read_text()
    said = gampen("survey", runfile, "--count", 16)
    assert "magnitude                        of " in said.out
    assert " rows" in said.out


def test_columns_may_have_other_names_and_weights(gampen, tmp_path):
    write_galaxies(tmp_path / "g.csv", magnitude="MAG_AUTO", effective_radius="R50")
    told = '{file = "g.csv", magnitude = "MAG_AUTO", weight = "w", smoothing = 0.5}'
    runfile = with_prior(write_simulation(tmp_path / "s.toml"), f"catalogue = {told}")
    assert gampen("simulate", runfile, "--out", tmp_path / "a", "--count", 40).status == 0
    flux = read_catalog(tmp_path / "a" / "info.csv")["flux"].numbers()
    magnitude = 27 - 2.5 * np.log10(flux)
    assert magnitude.min() > 19.7
    assert magnitude.max() <= 21.0001
    assert read_settings(
        tmp_path / "a" / "simulation.toml", SimulationSettings
    ).prior.of_catalogue == ("magnitude",)


def test_an_estimator_is_trained_on_a_catalogue_and_a_histogram(gampen, tmp_path):
    write_galaxies(tmp_path / "galaxies.csv")
    bins = '{quantity = "bulge_to_total", edges = [0.0, 0.5, 1.0], counts = [3, 1]}'
    text = f'catalogue = "galaxies.csv", histograms = [{bins}]'
    runfile = with_prior(write_run(tmp_path / "run.toml"), text)
    ran = gampen("train", runfile, "--out", tmp_path / "run")
    assert ran.status == 0, ran.err
    made = Estimator.load(tmp_path / "run" / "best.safetensors")
    assert made.prior.prior.of_catalogue == ("magnitude", "effective_radius")
    assert set(made.training_prior.laws) == {"bulge_to_total"}
    assert gampen("train", runfile, "--out", tmp_path / "run").status == 0
    write_galaxies(tmp_path / "galaxies.csv", rows=299)
    assert "must stay as they are" in gampen("train", runfile, "--out", tmp_path / "run").complaint


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ('catalogue = "nowhere.csv"', "the table must exist"),
        ('catalogue = {file = "g.csv", magnitude = "mag"}', "g.csv has no mag, but magnitude"),
        ('catalogue = {file = "g.csv", magnitud = "mag"}', "did you mean 'magnitude'"),
        ('catalogue = "empty.csv"', "catalogue must name columns, or have some of magnitude"),
        ('catalogue = {file = "g.csv", magnitude = "w"}', "two galaxies or more within"),
    ],
)
def test_catalogues_that_do_not_serve_are_one_line_each(gampen, tmp_path, told, reason):
    write_galaxies(tmp_path / "g.csv")
    write_catalog(Catalog.of(colour=np.arange(3.0)), tmp_path / "empty.csv")
    runfile = with_prior(write_simulation(tmp_path / "survey.toml"), told)
    assert reason in gampen("simulate", runfile, "--out", tmp_path / "out").complaint
