"""MLflow's side of a run: parameters, metrics by step, tags and files, on any of its stores."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gampen.errors import TrackingError, UsageError, extra, reason_of
from gampen.storage.atomic import write_bytes
from gampen.tracking.patience import Point
from gampen.tracking.tracker import Ending, Setting

if TYPE_CHECKING:
    from mlflow import MlflowClient

RECORD = "mlflow.json"
PARAMETERS_AT_ONCE = 100  # as many as a server takes
LONGEST_VALUE = 500  # [letter] of a parameter, in all versions of servers
STATUS = {Ending.FINISHED: "FINISHED", Ending.STOPPED: "KILLED", Ending.FAILED: "FAILED"}
TAGS = {"git_commit": "mlflow.source.git.commit", "command": "mlflow.source.name"}
ALWAYS_LOGGED = "loss"
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Unless the environment says otherwise: no telemetry, no long waits, no chatter."""


class MLflowServer:
    """A run on an MLflow server, in a database or in a folder; `record` keeps which run it is."""

    def __init__(self, place: str, experiment: str, record: Path) -> None:
        """Reach the server; `UsageError` where there is none, or MLflow is not installed."""
        self.uri, self.artifacts = located(place)
        self.experiment, self.record = experiment, record
        self.run_id, self.reached = "", -1
        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        try:
            with reaching(place):
                self.client = client_of(self.uri)
                found = self.client.get_experiment_by_name(experiment)
        except TrackingError as error:
            raise UsageError(str(error)) from error
        if found is not None and found.lifecycle_stage == "deleted":
            raise UsageError(
                f"the experiment must not be a deleted one; {experiment!r} is: restore it, or "
                f"choose another with --experiment"
            )

    def begin(self, settings: Mapping[str, Setting], provenance: Mapping[str, str]) -> None:
        """Go on with the run of the record where this server has it, or else begin one."""
        with reaching(self.uri):
            self.run_id = self._known() or self._new(provenance)
            write_bytes(self._as_recorded(), self.record)
            self.client.update_run(self.run_id, status="RUNNING")
            self._describe(settings)
            history = self.client.get_metric_history(self.run_id, ALWAYS_LOGGED)
            self.reached = max((metric.step for metric in history), default=-1)

    def send(self, points: Sequence[Point]) -> None:
        """Log the values of steps that the run does not have yet: a step done again is the same."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, int(1000 * point.seconds), point.step)
            for point in points
            if point.step > self.reached
            for name, value in point.values.items()
        ]
        with reaching(self.uri):
            self.client.log_batch(self.run_id, metrics=metrics)
        self.reached = max(self.reached, *(point.step for point in points))

    def keep(self, path: Path) -> None:
        """Log a file as an artifact."""
        with reaching(self.uri):
            self.client.log_artifact(self.run_id, str(path))

    def close(self, ending: Ending) -> None:
        """Set the run's status."""
        with reaching(self.uri):
            self.client.set_terminated(self.run_id, STATUS[ending])

    def _known(self) -> str | None:
        """The run that the record names, where it is of this server and still there."""
        from mlflow.exceptions import MlflowException

        recorded = json.loads(self.record.read_text()) if self.record.exists() else {}
        if recorded.get("tracking_uri") != without_password(self.uri):
            return None
        try:
            info = self.client.get_run(recorded["run_id"]).info
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return str(info.run_id) if info.lifecycle_stage == "active" else None

    def _new(self, provenance: Mapping[str, str]) -> str:
        """A new run in the experiment, which is made where it is not there yet."""
        found = self.client.get_experiment_by_name(self.experiment)
        place = found.experiment_id if found is not None else self._new_experiment()
        tags = {TAGS.get(name, name): value for name, value in provenance.items()}
        run = self.client.create_run(place, tags=tags, run_name=provenance.get("name"))
        return str(run.info.run_id)

    def _new_experiment(self) -> str:
        """The number of an experiment with this name, made now."""
        return str(self.client.create_experiment(self.experiment, self.artifacts))

    def _describe(self, settings: Mapping[str, Setting]) -> None:
        """Log the settings, which may be logged again as they are."""
        from mlflow.entities import Param

        parameters = [
            Param(re.sub(r"[^\w./ -]", "_", name), str(value)[:LONGEST_VALUE])
            for name, value in settings.items()
        ]
        for start in range(0, len(parameters), PARAMETERS_AT_ONCE):
            some = parameters[start : start + PARAMETERS_AT_ONCE]
            self.client.log_batch(self.run_id, params=some)

    def _as_recorded(self) -> bytes:
        """Which run this is, on which server."""
        record = {"tracking_uri": without_password(self.uri), "run_id": self.run_id}
        return (json.dumps(record, indent=1) + "\n").encode()


def client_of(uri: str) -> MlflowClient:
    """MLflow's client of a store that is there and up to date."""
    with extra("mlflow"), warnings.catch_warnings():
        # MLflow calls what other libraries call deprecated; the person who trains cannot help it.
        warnings.simplefilter("ignore", DeprecationWarning)
        import alembic  # noqa: F401 - with sqlalchemy it is what a database needs
        import mlflow

        client = mlflow.MlflowClient(uri)
        client.search_experiments(max_results=1)
    return client


def located(place: str) -> tuple[str, str | None]:
    """The URI of a store, and where it keeps artifacts unless it decides itself.

    A folder is a database in it, as MLflow has it by default, or MLflow's older files where it
    holds such. `UsageError` where it is no folder.
    """
    if place.startswith("sqlite:///"):
        return place, artifacts_beside(Path(place.removeprefix("sqlite:///")))
    if re.match(r"[A-Za-z][\w+.-]+:", place) or place == "databricks":
        return place, None
    folder = Path(place).absolute()
    if any(folder.glob("*/meta.yaml")):
        return folder.as_uri(), None
    return f"sqlite:///{folder / 'mlflow.db'}", artifacts_beside(folder / "mlflow.db")


def artifacts_beside(database: Path) -> str:
    """Where a database in a file has its artifacts; its folder is made where it is not there."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"MLflow's store must be a folder or a URI; got {database.parent}: {error.strerror}"
        ) from None
    return (database.parent.absolute() / "artifacts").as_uri()


def without_password(uri: str) -> str:
    """A URI as it may be written down."""
    parts = urlsplit(uri)
    return uri.replace(f"{parts.netloc.rpartition('@')[0]}@", "") if "@" in parts.netloc else uri


@contextmanager
def reaching(place: str) -> Iterator[None]:
    """A place for calls to a server: `TrackingError` for whatever they raise."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # MLflow's, and what its stores and the network raise
        raise TrackingError(
            f"MLflow at {without_password(place)} must answer; got: {innermost_reason(error)}"
        ) from error


def innermost_reason(error: BaseException) -> str:
    """What the system said, if it is behind an error, such as "Connection refused"; or the error.

    Libraries for the network wrap that four times, and say all of it.
    """
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, OSError) and behind.errno and behind.strerror:
            return behind.strerror
        behind = behind.__cause__ or behind.__context__
    return reason_of(error)
