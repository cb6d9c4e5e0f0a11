"""MLflow itself, on a database and on files in a folder."""

import subprocess
import sys
from pathlib import Path

import mlflow.environment_variables
import pytest
from mlflow import MlflowClient

from gampen.errors import TrackingError, UsageError
from gampen.tracking.mlflow import (
    LONGEST_VALUE,
    MANNERS,
    RECORD,
    MLflowServer,
    located,
    without_password,
)
from gampen.tracking.patience import Point
from gampen.tracking.tracker import Ending

SETTINGS = {"training.steps": 12, "network.crop": "zoom", "parameter.odd!name.low": 0.5}
PROVENANCE = {"name": "mine", "gampen_version": "9.9", "git_commit": "abc", "device": "cpu"}


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch):
    """The environment of a test, given back after it."""
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "1")


@pytest.fixture
def files(tmp_path):
    """A folder that holds runs as MLflow wrote them before it had databases."""
    folder = tmp_path / "mlruns"
    MlflowClient(folder.as_uri()).search_experiments()
    return folder


def points(*steps):
    return [Point(step, {"loss": 1.0 + step, "nll": -step}, 1e9 + step) for step in steps]


def sitting(place, run, steps, ending=Ending.STOPPED):
    """Log the steps of a sitting; comes back as the server."""
    server = MLflowServer(str(place), "galaxies", run / RECORD)
    server.begin(SETTINGS, PROVENANCE)
    server.send(points(*steps))
    server.close(ending)
    return server


@pytest.fixture
def run(tmp_path):
    """A run's folder."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def history(server, name="loss"):
    found = server.client.get_metric_history(server.run_id, name)
    return [(metric.step, metric.value, metric.timestamp) for metric in found]


def test_a_run_has_parameters_metrics_tags_and_files(files, run):
    server = sitting(files, run, [10, 20])
    (run / "best.safetensors").write_bytes(b"weights")
    server.keep(run / "best.safetensors")
    found = server.client.get_run(server.run_id)
    assert found.data.params == {
        "training.steps": "12",
        "network.crop": "zoom",
        "parameter.odd_name.low": "0.5",
    }
    assert history(server) == [(10, 11.0, 1_000_000_010_000), (20, 21.0, 1_000_000_020_000)]
    assert found.data.metrics == {"loss": 21.0, "nll": -20.0}
    assert found.data.tags["mlflow.source.git.commit"] == "abc"
    assert (found.data.tags["gampen_version"], found.data.tags["device"]) == ("9.9", "cpu")
    assert (found.info.run_name, found.info.status) == ("mine", "KILLED")
    kept = server.client.download_artifacts(server.run_id, "best.safetensors")
    assert Path(kept).read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("ending", "status"),
    [(Ending.FINISHED, "FINISHED"), (Ending.STOPPED, "KILLED"), (Ending.FAILED, "FAILED")],
)
def test_a_run_ends_as_it_ended(files, run, ending, status):
    server = sitting(files, run, [10], ending)
    assert server.client.get_run(server.run_id).info.status == status


def test_a_run_that_goes_on_is_the_same_run_and_no_step_is_there_twice(files, run):
    first = sitting(files, run, [10, 20, 30])
    again = sitting(files, run, [20, 30, 40], Ending.FINISHED)
    assert again.run_id == first.run_id
    assert [step for step, _, _ in history(again)] == [10, 20, 30, 40]
    assert [step for step, _, _ in history(again, "nll")] == [10, 20, 30, 40]
    assert again.client.get_run(again.run_id).info.status == "FINISHED"


def test_a_run_that_was_deleted_or_is_of_another_server_is_begun_anew(files, run, tmp_path):
    first = sitting(files, run, [10])
    first.client.delete_run(first.run_id)
    second = sitting(files, run, [20])
    assert second.run_id != first.run_id
    other = tmp_path / "other"
    MlflowClient(other.as_uri()).search_experiments()
    third = sitting(other, run, [30])
    assert third.run_id != second.run_id
    assert [step for step, _, _ in history(third)] == [30]


def test_long_values_are_cut_and_many_parameters_are_sent_in_parts(files, run):
    server = MLflowServer(str(files), "galaxies", run / RECORD)
    server.begin({f"a{n}": "x" * 10_000 for n in range(250)}, {})
    found = server.client.get_run(server.run_id).data.params
    assert len(found) == 250
    assert {len(value) for value in found.values()} == {LONGEST_VALUE}


def test_a_folder_is_a_database_with_artifacts_beside_it(tmp_path, run):
    place = tmp_path / "new" / "place"
    server = sitting(place, run, [10, 20])
    (run / "run.toml").write_text("a = 1\n")
    server.keep(run / "run.toml")
    assert {path.name for path in place.iterdir()} == {"mlflow.db", "artifacts"}
    assert [path.name for path in (place / "artifacts").rglob("*.toml")] == ["run.toml"]
    again = sitting(f"sqlite:///{place / 'mlflow.db'}", run, [20, 30])
    assert again.run_id == server.run_id
    assert [step for step, _, _ in history(again)] == [10, 20, 30]


def test_an_experiment_that_was_deleted_is_refused(files, run):
    server = sitting(files, run, [10])
    experiment = server.client.get_experiment_by_name("galaxies")
    server.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(UsageError, match="must not be a deleted one; 'galaxies' is"):
        MLflowServer(str(files), "galaxies", run / RECORD)


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:9", "http://me:secret@127.0.0.1:9", "nonsense://there"]
)
def test_a_server_that_cannot_be_reached_is_one_line_without_a_password(place, run):
    with pytest.raises(UsageError, match=r"^MLflow at .* must answer; got: .+") as caught:
        MLflowServer(place, "galaxies", run / RECORD)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path, run):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="must be a folder or a URI"):
        MLflowServer(str(tmp_path / "file"), "galaxies", run / RECORD)


def test_whatever_a_server_raises_later_is_a_tracking_error(files, run, monkeypatch):
    server = sitting(files, run, [10])

    def gone(*_arguments, **_options):
        raise ConnectionResetError(104, "Connection reset by peer")

    for name in ("log_batch", "log_artifact", "set_terminated", "update_run"):
        monkeypatch.setattr(server.client, name, gone)
    for call in (
        lambda: server.send(points(20)),
        lambda: server.keep(run),
        lambda: server.close(Ending.FAILED),
        lambda: server.begin({}, {}),
    ):
        with pytest.raises(TrackingError, match="Connection reset by peer"):
            call()


def test_without_mlflow_it_is_said_what_to_install(monkeypatch, tmp_path, run):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UsageError, match=r"pip install 'gampen\[mlflow\]'"):
        MLflowServer(str(tmp_path), "galaxies", run / RECORD)


@pytest.mark.parametrize(
    ("place", "uri"),
    [
        ("http://host:5000", "http://host:5000"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("databricks", "databricks"),
        ("file:///a/b", "file:///a/b"),
    ],
)
def test_a_uri_is_taken_as_it_is(place, uri):
    assert located(place) == (uri, None)


@pytest.mark.parametrize(
    ("uri", "written"),
    [
        ("https://me:secret@host:5000/a", "https://host:5000/a"),
        ("https://host:5000/a@b", "https://host:5000/a@b"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_passwords_are_not_written_down(uri, written):
    assert without_password(uri) == written


WATCHED = """
import os, socket, sys, threading
for name in list(os.environ):
    if name in ("CI", "GITHUB_ACTIONS", "DO_NOT_TRACK", "PYTEST_CURRENT_TEST", "BUILD_ID") or (
        name.startswith("MLFLOW")
    ):
        del os.environ[name]
asked = []
def refuse(*arguments, **options):
    asked.append(arguments)
    raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from pathlib import Path
from gampen.tracking.mlflow import MLflowServer
from gampen.tracking.patience import Point
from gampen.tracking.tracker import Ending
{before}
server = MLflowServer(sys.argv[1], "galaxies", Path(sys.argv[2]))
server.begin({{"a": 1}}, {{"name": "b"}})
server.send([Point(1, {{"loss": 1.0}}, 1e9)])
server.close(Ending.FINISHED)
from mlflow.telemetry import get_telemetry_client
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(5)
print(asked, get_telemetry_client())
"""


def what_is_asked_of_the_network(before, files, run):
    run_alone = [sys.executable, "-c", WATCHED.format(before=before), str(files), str(run / RECORD)]
    return subprocess.run(run_alone, capture_output=True, text=True, check=True).stdout.strip()


def test_nothing_is_told_to_anybody_else(files, run):
    assert what_is_asked_of_the_network("", files, run) == "[] None"


def test_the_test_of_that_can_fail(files, run):
    before = "os.environ['MLFLOW_DISABLE_TELEMETRY'] = 'false'"
    assert "telemetry" in what_is_asked_of_the_network(before, files, run)


def test_mlflow_knows_every_variable_that_is_set_for_it():
    known = vars(mlflow.environment_variables)
    assert [name for name in MANNERS if name not in known] == []
