"""Other parameters than the default ones, through every command that meets them."""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest

from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.parameters import BUILT_IN
from gampen.settings import GalaxyModel
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog
from gampen.verbs.predict import predict
from gampen.verbs.predict_request import PredictRequest
from gampen.verbs.simulate import SimulateRequest, simulate
from gampen.verbs.train import TrainRequest, train
from tiny import RUN, TRAINING

EIGHT = (
    "bulge_to_total",
    "flux",
    "bulge_effective_radius",
    "disk_effective_radius",
    "bulge_index",
    "bulge_axis_ratio",
    "disk_elongation_1",
    "disk_elongation_2",
)
FIVE = ("flux", "effective_radius", "index", "elongation_1", "elongation_2")
MODELS = {EIGHT: GalaxyModel.BULGE_AND_DISK, FIVE: GalaxyModel.SERSIC}
STATISTICS = ("mean", "std", "lo68", "hi68", "lo95", "hi95", "lo997", "hi997")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Train, simulate and predict, once for the same parameters; comes back as the folder."""

    @functools.cache
    def work(names):
        home = tmp_path_factory.mktemp("told")
        prior = replace(RUN.simulation.prior, model=MODELS[names])
        settings = replace(RUN.simulation, prior=prior)
        training = replace(TRAINING, steps=4)
        run = replace(RUN, simulation=settings, parameters=names, training=training)
        write_settings(run, home / "run.toml")
        write_settings(settings, home / "survey.toml")
        assert list(train(TrainRequest(home / "run.toml", home / "run")))
        simulate(SimulateRequest(home / "survey.toml", home / "sky", galaxies=240))
        best, sampling = str(home / "run" / "best.safetensors"), Sampling(passes=2)
        request = PredictRequest(home / "sky", home / "c.parquet", best, sampling=sampling, draws=8)
        predict(request)
        return home

    return work


@pytest.mark.parametrize(("names", "stem"), [(EIGHT, "disk_"), (FIVE, "")])
def test_a_run_file_names_parameters_and_every_command_follows(gampen, told, tmp_path, names, stem):
    home, out = told(names), tmp_path
    catalogue, truths, sky = home / "c.parquet", home / "sky" / "info.csv", home / "sky"
    assert Estimator.load(home / "run" / "best.safetensors").space.names == names
    columns = read_catalog(catalogue)
    for statistic in STATISTICS:
        assert np.isfinite(columns[f"{stem}axis_ratio_{statistic}"].numbers()).all()
        assert np.isfinite(columns[f"{stem}position_angle_{statistic}"].numbers()).all()
    assert columns[f"{stem}position_angle_mean"].unit == "deg"
    assert gampen("evaluate", catalogue, truths, "-o", out / "evaluation").status == 0
    figures = json.loads((out / "evaluation" / "figures.json").read_text())
    assert set(figures["parameters"]) == set(names)
    more = ("--cutouts", sky, "--truths", truths, "--galaxies", 3)
    ran = gampen("report", catalogue, "-o", out / "page.html", *more)
    assert (ran.status, ran.err) == (0, "")
    for name in ("draws.nc", "angle.hdf5", "copy.fits"):
        ran = gampen("export", catalogue, "-o", out / name, *options(name, names))
        assert ran.status == 0, ran.err


def options(name, names):
    """What an export needs to be told."""
    return ("--quantity", names[-1]) if name.endswith("hdf5") else ()


def test_a_turned_pair_is_turned_back_before_it_is_compared(gampen, told, tmp_path):
    home = told(FIVE)
    cutout = min((home / "sky" / "cutouts").iterdir())
    best, picture = home / "run" / "best.safetensors", tmp_path / "turns.png"
    ran = gampen("rotate", cutout, "--estimator", best, "-o", picture, "--turns", 4)
    assert ran.status == 0, ran.err
    moved = {line.split()[0]: float(line.split()[-2]) for line in ran.out.splitlines()[:5]}
    assert set(moved) == set(FIVE)


def test_other_parameters_are_recalibrated(gampen, told, tmp_path):
    home = told(EIGHT)
    best, out = home / "run" / "best.safetensors", tmp_path / "better.safetensors"
    ran = gampen("calibrate", best, home / "sky", "-o", out, "--passes", 2)
    assert ran.status == 0, ran.err
    assert Estimator.load(out).space.names == EIGHT


def test_a_parameter_of_other_galaxies_is_one_line(gampen, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('parameters = ["index"]\n[simulation]\nsurvey = "hsc_wide_i"\n')
    said = gampen("train", path, "--out", tmp_path / "run").complaint
    assert "got index: choose another simulation.prior.model" in said
    assert not (tmp_path / "run").exists()


def test_every_built_in_parameter_can_be_asked_for(tmp_path, gampen):
    for model in GalaxyModel:
        prior = replace(RUN.simulation.prior, model=model)
        training = replace(TRAINING, steps=1, validation_galaxies=16)
        simulation = replace(RUN.simulation, prior=prior)
        run = replace(RUN, simulation=simulation, parameters=model.quantities, training=training)
        write_settings(run, tmp_path / f"{model.value}.toml")
        ran = gampen("train", tmp_path / f"{model.value}.toml", "--out", tmp_path / model.value)
        assert ran.status == 0, ran.err
        space = Estimator.load(tmp_path / model.value / "best.safetensors").space
        assert space.parameters == tuple(BUILT_IN[name] for name in model.quantities)
