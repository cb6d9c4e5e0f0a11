"""A tracker behind a network: what it cannot take now is kept, and told later."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from gampen.errors import TrackingError
from gampen.tracking.tracker import Ending, Setting

TOGETHER = 5.0  # [second] in which values are gathered, so that a quick step waits for no server
APART = 60.0  # [second] between attempts while the server is away
POINTS_AT_ONCE = 100


@dataclass(frozen=True)
class Point:
    """Values of a step, and when they were told [second since 1970]."""

    step: int
    values: dict[str, float]
    seconds: float


@runtime_checkable
class Server(Protocol):
    """What may be away: every method may raise `TrackingError`, and is then called once more."""

    def begin(self, settings: Mapping[str, Setting], provenance: Mapping[str, str]) -> None:
        """Begin a run, or go on with it."""

    def send(self, points: Sequence[Point]) -> None:
        """Take values."""

    def keep(self, path: Path) -> None:
        """Take a file."""

    def close(self, ending: Ending) -> None:
        """End the run."""


class Patient:
    """A tracker that never ends a run: it says in a line that its server is away, and goes on."""

    def __init__(
        self, server: Server, tell: Callable[[str], None], clock: Callable[[], float] = time.time
    ) -> None:
        """Send to `server`; `tell` is told when it goes away and when it is back."""
        self.server, self.tell, self.clock = server, tell, clock
        self.opening: tuple[Mapping[str, Setting], Mapping[str, str]] | None = None
        self.points: list[Point] = []
        self.paths: list[Path] = []
        self.away, self.next = False, 0.0

    def start(self, settings: Mapping[str, Setting], provenance: Mapping[str, str]) -> None:
        """Begin, now or when the server is back."""
        self.opening = (settings, provenance)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Send values, with others of the next seconds."""
        now = self.clock()
        self.points.append(Point(step, dict(values), now))
        if now >= self.next:
            self._try()

    def artifact(self, path: Path) -> None:
        """Send a file with the next values, or at the end."""
        self.paths.append(path)

    def end(self, ending: Ending) -> None:
        """Send all that waits, and say so where that cannot be."""
        self._try()
        if self.opening is None and not self.points:
            with suppress(TrackingError):  # it went away this moment: nothing is lost but a status
                self.server.close(ending)
        if self.points:
            self.tell(
                f"tracking: the last {len(self.points)} reports, since step "
                f"{self.points[0].step}, could not be sent; the run folder has them"
            )

    def _try(self) -> None:
        """Send what waits; where the server is away, or back, say so."""
        try:
            self._deliver()
        except TrackingError as error:
            if not self.away:
                self.tell(f"tracking: {error}; the run goes on, and what cannot be sent waits")
            self.away = True
        else:
            if self.away:
                self.tell("tracking: the server is back; what waited is sent")
            self.away = False
        self.next = self.clock() + (APART if self.away else TOGETHER)

    def _deliver(self) -> None:
        """Send what waits, in order; what is sent no longer waits."""
        if self.opening is not None:
            self.server.begin(*self.opening)
            self.opening = None
        while self.points:
            self.server.send(self.points[:POINTS_AT_ONCE])
            del self.points[:POINTS_AT_ONCE]
        while self.paths:
            self.server.keep(self.paths[0])
            del self.paths[0]
