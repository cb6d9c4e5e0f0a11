"""A server that comes and goes: nothing is lost, nothing is doubled, and the run goes on."""

from pathlib import Path

import pytest

from gampen.errors import TrackingError
from gampen.tracking.patience import APART, POINTS_AT_ONCE, TOGETHER, Patient
from gampen.tracking.tracker import Ending

AWAY = "tracking: no answer; the run goes on, and what cannot be sent waits"
BACK = "tracking: the server is back; what waited is sent"


class Server:
    """A server that notes what it is told, unless it is away."""

    def __init__(self):
        """Begin as one that answers."""
        self.told, self.away, self.calls = [], False, 0

    def _note(self, *what):
        self.calls += 1
        if self.away:
            raise TrackingError("no answer")
        self.told.append(what)

    def begin(self, settings, provenance):
        self._note("begin", settings, provenance)

    def send(self, points):
        self._note("send", [point.step for point in points])

    def keep(self, path):
        self._note("keep", path)

    def close(self, ending):
        self._note("close", ending)


class Clock:
    """A time that is set."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def scene():
    """A server, a patient tracker before it, its clock and what a person was told."""
    server, clock, said = Server(), Clock(), []
    tracker = Patient(server, said.append, clock)
    tracker.start({"a": 1}, {"name": "mine"})
    return server, clock, said, tracker


def steps_sent(server):
    return [step for what, *rest in server.told if what == "send" for step in rest[0]]


def test_all_is_sent_in_order(scene):
    server, clock, said, tracker = scene
    tracker.artifact(Path("run.toml"))
    for step in range(5):
        tracker.log(step, {"loss": 1.0})
        clock.now += TOGETHER
    tracker.artifact(Path("best"))
    tracker.end(Ending.FINISHED)
    kinds = [what for what, *_ in server.told]
    assert kinds == ["begin", "send", "keep", *["send"] * 4, "keep", "close"]
    assert server.told[0] == ("begin", {"a": 1}, {"name": "mine"})
    assert server.told[-2:] == [("keep", Path("best")), ("close", Ending.FINISHED)]
    assert steps_sent(server) == list(range(5))
    assert said == []


def test_values_of_some_seconds_go_together(scene):
    server, clock, _, tracker = scene
    for step in range(20):
        tracker.log(step, {"loss": 1.0})
        clock.now += TOGETHER / 10
    tracker.end(Ending.FINISHED)
    sent = [rest[0] for what, *rest in server.told if what == "send"]
    assert sent == [[0], list(range(1, 11)), list(range(11, 20))]


def test_a_server_that_goes_away_is_told_once_and_gets_all_when_it_is_back(scene):
    server, clock, said, tracker = scene
    tracker.log(0, {"loss": 1.0})
    server.away = True
    for step in range(1, 100):
        clock.now += TOGETHER
        tracker.log(step, {"loss": 1.0})
    assert said == [AWAY]
    assert server.calls < 3 + 100 * TOGETHER / APART
    server.away = False
    clock.now += APART
    tracker.log(100, {"loss": 1.0})
    assert said == [AWAY, BACK]
    assert steps_sent(server) == list(range(101))
    tracker.end(Ending.FINISHED)
    assert [what for what, *_ in server.told].count("begin") == 1


def test_a_server_that_is_away_from_the_first_step_begins_the_run_later(scene):
    server, clock, said, tracker = scene
    server.away = True
    tracker.log(0, {"loss": 1.0})
    server.away = False
    clock.now += APART
    tracker.log(1, {"loss": 1.0})
    assert said == [AWAY, BACK]
    assert [what for what, *_ in server.told] == ["begin", "send"]
    assert steps_sent(server) == [0, 1]


def test_a_server_that_never_comes_back_costs_the_last_reports_and_says_so(scene):
    server, _, said, tracker = scene
    tracker.log(0, {"loss": 1.0})
    server.away = True
    for step in (10, 20):
        tracker.log(step, {"loss": 1.0})
    tracker.end(Ending.FINISHED)
    assert said == [
        AWAY,
        "tracking: the last 2 reports, since step 10, could not be sent; the run folder has them",
    ]
    assert ("close", Ending.FINISHED) not in server.told


def test_many_that_wait_are_sent_in_parts(scene):
    server, clock, _, tracker = scene
    server.away = True
    for step in range(2 * POINTS_AT_ONCE + 1):
        tracker.log(step, {"loss": 1.0})
    server.away = False
    clock.now += APART
    tracker.end(Ending.STOPPED)
    sent = [len(rest[0]) for what, *rest in server.told if what == "send"]
    assert sent == [POINTS_AT_ONCE, POINTS_AT_ONCE, 1]
    assert steps_sent(server) == list(range(2 * POINTS_AT_ONCE + 1))
