"""A command line, a survey on disk and an estimator, all of them tiny."""

import pytest

from commands import Command
from gampen.catalog import Catalog
from gampen.inference.sampling import Sampling
from gampen.storage.layouts import write_folder
from gampen.storage.runfiles import write_settings
from gampen.verbs.predict import predict
from gampen.verbs.predict_request import PredictRequest
from gampen.verbs.simulate import SimulateRequest, simulate
from gampen.verbs.train import TrainRequest, train
from tiny import RUN, SIMULATION, estimator, galaxies

GALAXIES = 12


@pytest.fixture
def gampen(capsys, monkeypatch):
    """The command line, in this process."""
    return Command(capsys, monkeypatch)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The file of an estimator with random weights."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    estimator().save(path)
    return path


@pytest.fixture(scope="session")
def runfile(tmp_path_factory):
    """A run of a few small steps."""
    path = tmp_path_factory.mktemp("run") / "run.toml"
    write_settings(RUN, path)
    return path


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    """What `gampen simulate` is told."""
    path = tmp_path_factory.mktemp("survey") / "simulation.toml"
    write_settings(SIMULATION, path)
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Runs that set their scale by few galaxies."""
    monkeypatch.setattr("gampen.verbs.train.START_GALAXIES", 64)


@pytest.fixture(scope="session")
def trained(runfile, tmp_path_factory):
    """The folder of a finished run, not to be changed."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gampen.verbs.train.START_GALAXIES", 64)
        assert list(train(TrainRequest(runfile, folder)))
    return folder


@pytest.fixture(scope="session")
def predicted(survey, model, tmp_path_factory):
    """A folder of simulated galaxies and a catalogue of them, not to be changed."""
    folder = tmp_path_factory.mktemp("predicted")
    simulate(SimulateRequest(survey, folder / "simulated", galaxies=20))
    catalogue = folder / "catalogue.parquet"
    predict(
        PredictRequest(folder / "simulated", catalogue, str(model), sampling=Sampling(passes=4))
    )
    return folder / "simulated", catalogue


@pytest.fixture
def folder(tmp_path):
    """Twelve galaxies in the layout that every command reads."""
    cutouts = galaxies(GALAXIES)
    catalog = Catalog.of(
        object_id=cutouts.object_ids,
        file_name=[cutout.file_name for cutout in cutouts],
        psf_fwhm_arcsec=cutouts.psf_fwhms * 0.2,
    )
    write_folder(tmp_path / "galaxies", catalog, cutouts)
    return tmp_path / "galaxies"
