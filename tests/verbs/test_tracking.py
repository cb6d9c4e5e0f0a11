"""What is told of a run, and when."""

import math
import subprocess
import time
from pathlib import Path

import pytest

from gampen.errors import TrainingError
from gampen.tracking.tracker import Ending
from gampen.training.fit import Report
from gampen.training.validation import Validation
from gampen.verbs.tracking import Following, Watch, flat, git_commit, tracked, values_of
from gampen.verbs.train import Progress

BEST = Path("best.safetensors")


class Listener:
    """A tracker that remembers."""

    def __init__(self):
        """Begin with nothing heard."""
        self.heard = []

    def start(self, settings, provenance):
        self.heard.append(("start", settings, provenance))

    def log(self, step, values):
        self.heard.append(("log", step, values))

    def artifact(self, path):
        self.heard.append(("artifact", path))

    def end(self, ending):
        self.heard.append(("end", ending))


@pytest.fixture
def folder(tmp_path):
    """A run's folder, as far as those who follow look into it."""
    (tmp_path / "run.toml").write_text("parameters = ['a', 'b']\n[training]\nbatch_size = 16\n")
    return tmp_path


def reports(saved=BEST):
    """Two reports, the second at the end of an epoch."""
    yield Progress(Report(10, 1.5, None, 1e-3, 4.0), 20)
    yield Progress(Report(20, 1.0, Validation(0.9, 0.1, 0.5, 0.2), 1e-4, 3.0), 20, saved)


def follow(folder, steps, clock=time.monotonic):
    """All that is heard of a run."""
    listener = Listener()
    following = Following(Watch(folder, folder / "run.toml", "mine"), [listener], clock)
    try:
        for _ in following.through(steps):
            pass
    finally:
        following.end()
    return listener.heard


def test_a_run_is_told_from_settings_to_end(folder):
    times = iter([0.0, 5.0, 8.0, 9.0])
    start, resolved, first, second, best, end = follow(folder, reports(), times.__next__)
    assert start[1] == {"parameters": '["a", "b"]', "training.batch_size": 16}
    assert start[2]["name"] == "mine"
    assert resolved == ("artifact", folder / "run.toml")
    assert first == ("log", 10, {"loss": 1.5, "learning_rate": 1e-3, "gradient_norm": 4.0})
    assert second == (
        "log",
        20,
        {
            "loss": 1.0,
            "learning_rate": 1e-4,
            "gradient_norm": 3.0,
            "nll": 0.9,
            "nll_error": 0.1,
            "zoom_mean": 0.5,
            "zoom_sd": 0.2,
            "galaxies_per_second": 16 * 10 / (8.0 - 5.0),
        },
    )
    assert best == ("artifact", BEST)
    assert end == ("end", Ending.FINISHED)


def test_where_nothing_is_better_nothing_is_handed_over(folder):
    kept = [what for what in follow(folder, reports(saved=None)) if what[0] == "artifact"]
    assert kept == [("artifact", folder / "run.toml")]


def test_a_run_that_does_nothing_is_not_told(folder):
    assert follow(folder, iter(())) == []


def test_a_run_that_fails_is_told_as_failed(folder):
    def diverging():
        yield from reports()
        raise TrainingError("diverged")

    listener = Listener()
    following = Following(Watch(folder, folder), [listener])
    with pytest.raises(TrainingError):
        list(following.through(diverging()))
    following.end()
    assert listener.heard[-1] == ("end", Ending.FAILED)


@pytest.mark.parametrize("left", [KeyboardInterrupt, GeneratorExit])
def test_a_run_that_is_left_is_told_as_stopped_once_its_processes_are_gone(
    folder, monkeypatch, left
):
    listener = Listener()
    monkeypatch.setattr(Watch, "trackers", lambda *_: [listener])

    def steps():
        try:
            yield from reports()
        finally:
            listener.heard.append("closed")

    run = tracked(steps(), Watch(folder, folder), print)
    next(run)
    with pytest.raises(left):
        run.throw(left())
    assert listener.heard[-2:] == ["closed", ("end", Ending.STOPPED)]


def test_what_is_not_a_number_is_not_told():
    assert values_of(Report(1, math.nan, Validation(1.0, math.inf, 0.5, 0.1), None, 2.0)) == {
        "gradient_norm": 2.0,
        "nll": 1.0,
        "zoom_mean": 0.5,
        "zoom_sd": 0.1,
    }


def test_settings_are_told_by_their_paths():
    table = {"a": {"b": {"c": [1, 2.5]}, "d": True}, "e": "text"}
    assert flat(table) == {"a.b.c": "[1, 2.5]", "a.d": True, "e": "text"}


def test_the_commit_is_that_of_the_run_files_repository(tmp_path):
    assert git_commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert git_commit(tmp_path) == ""
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    commit = git_commit(tmp_path)
    assert len(commit) == 40
    (tmp_path / "runs").mkdir()
    watch = Watch(tmp_path, tmp_path / "runs" / "run.toml", provenance={"device": "cpu"})
    assert watch.origin()["git_commit"] == commit
    assert watch.origin()["device"] == "cpu"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_commit(tmp_path) == ""
    assert "git_commit" not in Watch(tmp_path, tmp_path / "run.toml").origin()
