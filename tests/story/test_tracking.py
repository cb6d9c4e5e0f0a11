"""A run as it is followed: TensorBoard's files without a word, MLflow where it is asked for."""

import json
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from commands import alone, finished
from gampen import __version__
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog
from tiny import RUN, TRAINING

AT_EPOCHS = {"nll", "nll_error", "zoom_mean", "zoom_sd"}
ALWAYS = {"loss", "learning_rate", "gradient_norm", "galaxies_per_second"}


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A folder for MLflow, whose database is made once."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def client(store):
    """MLflow's own client of it."""
    return MlflowClient(f"sqlite:///{store / 'mlflow.db'}")


def scalars(run, name):
    """Steps and values as TensorBoard shows them."""
    found = EventAccumulator(str(run)).Reload().Scalars(name)
    return [event.step for event in found], [event.value for event in found]


def runs_of(client, experiment):
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id])


def steps_of(client, followed, name="loss"):
    return [metric.step for metric in client.get_metric_history(followed.info.run_id, name)]


def cut(monkeypatch, step):
    """Have Ctrl-C come when a step is reported."""
    from gampen.verbs.tracking import Following

    def told(self, progress, tell=Following.tell):
        tell(self, progress)
        if progress.report.step == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(Following, "tell", told)


def test_every_run_has_the_history_as_event_files(gampen, runfile, tmp_path):
    run = tmp_path / "run"
    assert gampen("train", runfile, "--out", run).status == 0
    assert [path.name for path in run.glob("events*")] == ["events.out.tfevents.0001"]
    assert not (run / "mlflow.json").exists()
    found = EventAccumulator(str(run)).Reload()
    assert set(found.Tags()["scalars"]) == AT_EPOCHS | ALWAYS
    history = read_catalog(run / "history.csv")
    steps, values = scalars(run, "nll")
    assert steps == history["step"].numbers().tolist() == [4, 8, 12]
    assert values == pytest.approx(history["nll"].numbers().tolist(), rel=1e-6)
    assert scalars(run, "loss")[0] == [4, 8, 10, 12]
    assert min(scalars(run, "galaxies_per_second")[1]) > 0
    assert min(scalars(run, "gradient_norm")[1]) > 0
    assert max(scalars(run, "learning_rate")[1]) <= TRAINING.learning_rate


def test_a_finished_run_is_not_told_again(gampen, trained, runfile, store, client, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    ran = gampen("train", runfile, "--out", run, "--mlflow", store, "--experiment", "finished")
    assert ran.status == 0
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert client.get_experiment_by_name("finished") is None


def test_a_run_that_is_killed_and_gone_on_with_has_every_step_once(tmp_path):
    run, runfile = tmp_path / "run", tmp_path / "run.toml"
    write_settings(replace(RUN, training=replace(TRAINING, steps=60, steps_per_epoch=15)), runfile)
    training = alone("train", runfile, "--out", run)
    assert training.stderr.readline().startswith("step 15")
    training.send_signal(signal.SIGKILL)
    finished(training)
    assert finished(alone("train", runfile, "--out", run)).status == 0
    assert scalars(run, "loss")[0] == [10, 15, 20, 30, 40, 45, 50, 60]
    assert scalars(run, "nll")[0] == [15, 30, 45, 60]


def test_mlflow_has_parameters_metrics_tags_and_files(gampen, runfile, store, client, tmp_path):
    run = tmp_path / "run"
    call = ("train", runfile, "--out", run, "--name", "mine", "--mlflow", store)
    assert gampen(*call, "--experiment", "whole").status == 0
    (followed,) = runs_of(client, "whole")
    assert (followed.info.status, followed.info.run_name) == ("FINISHED", "mine")
    assert followed.data.params["training.steps"] == "12"
    assert followed.data.params["simulation.survey.name"] == "tiny"
    assert followed.data.params["network.widths"] == "[8, 8]"
    assert followed.data.tags["gampen_version"] == __version__
    assert followed.data.tags["device"] == "cpu"
    assert set(followed.data.metrics) == AT_EPOCHS | ALWAYS
    assert steps_of(client, followed) == [4, 8, 10, 12]
    history = read_catalog(run / "history.csv")["nll"].numbers().tolist()
    told = client.get_metric_history(followed.info.run_id, "nll")
    assert [metric.value for metric in told] == pytest.approx(history)
    place = Path(followed.info.artifact_uri.removeprefix("file://"))
    assert place.is_relative_to(store / "artifacts")
    for name in ("best.safetensors", "run.toml"):
        assert (place / name).read_bytes() == (run / name).read_bytes()


def test_a_run_that_is_stopped_and_gone_on_with_is_one_run(
    gampen, runfile, trained, store, client, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    call = ("train", runfile, "--out", run, "--mlflow", store, "--experiment", "stopped")
    with monkeypatch.context() as patched:
        cut(patched, 10)
        stopped = gampen(*call)
    assert stopped.status == 130
    assert "Traceback" not in stopped.err
    (followed,) = runs_of(client, "stopped")
    assert followed.info.status == "KILLED"
    assert steps_of(client, followed) == [4, 8, 10]
    assert json.loads((run / "mlflow.json").read_text())["run_id"] == followed.info.run_id
    assert gampen(*call).status == 0
    (followed,) = runs_of(client, "stopped")
    assert followed.info.status == "FINISHED"
    assert steps_of(client, followed) == [4, 8, 10, 12]
    assert scalars(run, "loss")[0] == [4, 8, 10, 12]
    assert (run / "best.safetensors").read_bytes() == (trained / "best.safetensors").read_bytes()


def test_a_server_that_cannot_be_reached_is_one_line_before_anything_is_done(
    gampen, runfile, tmp_path
):
    run = tmp_path / "run"
    ran = gampen("train", runfile, "--out", run, "--mlflow", "http://127.0.0.1:9")
    assert ran.status == 2
    assert ran.complaint.startswith("MLflow at http://127.0.0.1:9 must answer; got: ")
    assert not run.exists()


def test_a_call_that_is_wrong_leaves_no_run_behind(gampen, runfile, store, client, tmp_path):
    call = ("train", runfile, "--out", tmp_path / "run", "--device", "meta")
    assert gampen(*call, "--mlflow", store, "--experiment", "wrong").status == 2
    assert client.get_experiment_by_name("wrong") is None


def test_a_server_that_goes_away_is_one_line_and_the_run_is_the_same(
    gampen, runfile, trained, store, tmp_path, monkeypatch
):
    def gone(*_arguments, **_options):
        raise ConnectionRefusedError(111, "Connection refused")

    run = tmp_path / "run"
    call = ("train", runfile, "--out", run, "--mlflow", store, "--experiment", "away")
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_batch", gone)
        ran = gampen(*call)
    assert ran.status == 0
    (away, lost) = [line for line in ran.err.splitlines() if line.startswith("gampen: tracking: ")]
    assert "Connection refused; the run goes on, and what cannot be sent waits" in away
    assert "the last 4 reports, since step 4, could not be sent" in lost
    for name in ("history.csv", "best.safetensors"):
        assert (run / name).read_bytes() == (trained / name).read_bytes()
    assert scalars(run, "loss")[0] == [4, 8, 10, 12]


def test_without_mlflow_it_is_said_what_to_install(gampen, runfile, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    ran = gampen("train", runfile, "--out", tmp_path / "run", "--mlflow", tmp_path / "store")
    assert ran.status == 2
    assert "pip install 'gampen[mlflow]'" in ran.complaint
    assert gampen("train", runfile, "--out", tmp_path / "run").status == 0


def test_of_several_processes_one_is_followed(runfile, store, client, tmp_path):
    run = tmp_path / "run"
    call = ("train", runfile, "--out", run, "--devices", 2, "--mlflow", store)
    assert finished(alone(*call, "--experiment", "two")).status == 0
    (followed,) = runs_of(client, "two")
    assert followed.info.status == "FINISHED"
    assert followed.data.tags["device"] == "2 x cpu"
    assert steps_of(client, followed) == [4, 8, 10, 12]
    assert [path.name for path in run.glob("events*")] == ["events.out.tfevents.0001"]
