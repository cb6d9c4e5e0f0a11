"""A training run as others follow it: every report goes to TensorBoard's files, and to MLflow."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import gampen
from gampen.storage.runfiles import emit
from gampen.tracking.mlflow import RECORD, MLflowServer
from gampen.tracking.patience import Patient
from gampen.tracking.tensorboard import TensorBoard
from gampen.tracking.tracker import Ending, Setting, Tracker
from gampen.training.fit import Report
from gampen.verbs.train import RESOLVED, Progress


@dataclass(frozen=True)
class Watch:
    """Who follows a run, and what it is called there.

    `mlflow` is the URI of a server or database, or a folder; without it MLflow is not needed.
    """

    folder: Path
    runfile: Path
    name: str = "trained"
    command: str = "gampen train"
    provenance: Mapping[str, str] = field(default_factory=dict)
    mlflow: str | None = None
    experiment: str = "gampen"

    def trackers(self, tell: Callable[[str], None]) -> list[Tracker]:
        """Those who follow; `UsageError` where a server is asked for that cannot be reached."""
        server = [] if self.mlflow is None else [self._server(self.mlflow)]
        return [TensorBoard(self.folder), *(Patient(one, tell) for one in server)]

    def origin(self) -> dict[str, str]:
        """Where the run comes from, in words."""
        known = {
            "name": self.name,
            "command": self.command,
            "gampen_version": gampen.__version__,
            "git_commit": git_commit(self.runfile.absolute().parent),
            **self.provenance,
        }
        return {name: value for name, value in known.items() if value}

    def _server(self, place: str) -> MLflowServer:
        """The server, reached."""
        return MLflowServer(place, self.experiment, self.folder / RECORD)


def tracked(
    steps: Generator[Progress, None, None], watch: Watch, tell: Callable[[str], None]
) -> Generator[Progress, None, None]:
    """The same progress, followed on its way; `tell` is told when a server goes away.

    `UsageError` before the first step where a server cannot be reached; later that is only told.
    """
    followed = Following(watch, watch.trackers(tell))
    try:
        yield from followed.through(steps)
    finally:
        steps.close()  # what other processes wait for comes before what a server waits for
        followed.end()


class Following:
    """A run that is followed, from its first report on."""

    def __init__(
        self, watch: Watch, trackers: list[Tracker], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is said before the first report: of a call that was wrong nothing remains."""
        self.watch, self.trackers, self.clock = watch, trackers, clock
        self.since, self.settings = clock(), dict[str, Setting]()
        self.step: int | None = None
        self.saved: Path | None = None
        self.ending = Ending.FAILED

    def through(self, steps: Iterator[Progress]) -> Iterator[Progress]:
        """All progress, told to the trackers before it is passed on."""
        try:
            for progress in steps:
                self.tell(progress)
                yield progress
            self.ending = Ending.FINISHED
        except (GeneratorExit, KeyboardInterrupt):
            self.ending = Ending.STOPPED
            raise

    def tell(self, progress: Progress) -> None:
        """Tell of a report, and before the first one of the run."""
        if self.step is None:
            self._start()
        values = values_of(progress.report) | self._speed(progress.report.step)
        self.step, self.saved = progress.report.step, progress.saved or self.saved
        for tracker in self.trackers:
            tracker.log(progress.report.step, values)
        self.since = self.clock()

    def end(self) -> None:
        """Hand over the best estimator and take leave, if anything was told."""
        if self.step is None:
            return
        for tracker in self.trackers:
            if self.saved is not None:
                tracker.artifact(self.saved)
            tracker.end(self.ending)

    def _start(self) -> None:
        """Tell of settings and origin."""
        resolved = self.watch.folder / RESOLVED
        self.settings = flat(tomllib.loads(resolved.read_text(encoding="utf-8")))
        for tracker in self.trackers:
            tracker.start(self.settings, self.watch.origin())
            tracker.artifact(resolved)

    def _speed(self, step: int) -> dict[str, float]:
        """Galaxies a second since the last report, held-out ones not counted, where it is known."""
        batch = self.settings.get("training.batch_size")
        if self.step is None or not isinstance(batch, int):
            return {}
        seconds = max(self.clock() - self.since, 1e-9)
        return {"galaxies_per_second": batch * (step - self.step) / seconds}


def values_of(report: Report) -> dict[str, float]:
    """The numbers of a report, by the names that the history has."""
    told = vars(report) | (vars(report.validation) if report.validation else {})
    return {
        name: float(value)
        for name, value in told.items()
        if name != "step" and isinstance(value, int | float) and math.isfinite(value)
    }


def flat(table: Mapping[str, object], place: str = "") -> dict[str, Setting]:
    """Settings by their path, such as `training.steps`; arrays as text."""
    settings: dict[str, Setting] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            settings |= flat(value, f"{place}{key}.")
        else:
            settings[place + key] = value if isinstance(value, str | int | float) else emit(value)
    return settings


def git_commit(folder: Path) -> str:
    """The commit of the repository that a folder is in; empty where there is none."""
    git = shutil.which("git")
    if git is None:
        return ""
    asked = [git, "-C", str(folder), "rev-parse", "HEAD"]
    ran = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return ran.stdout.strip() if ran.returncode == 0 else ""
