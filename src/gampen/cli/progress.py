"""How long work shows how far it is: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from gampen.cli.application import err

QUIET = 60.0  # [second] between lines of progress where there is no terminal
Tell = Callable[[int, int, str], None]
"""What is told of progress: how much is done, of how much, and a note."""


@contextmanager
def progress_of(what: str) -> Iterator[Tell]:
    """What shows progress: a bar on a terminal, elsewhere a line a minute."""
    # Not `err.is_terminal`: notebooks ask for colours, and that says so although none is there.
    if not err.file.isatty():
        yield Lines(what, said=time.monotonic()).tell
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        place = progress.add_task(what, total=None, note="")
        task = progress.tasks[place]

        def tell(done: int, of: int, note: str) -> None:
            rate = f"{task.speed:.0f} / s" if task.speed else ""
            said = ", ".join(part for part in (rate, note) if part)
            progress.update(task.id, completed=done, total=of, note=said)

        yield tell


@dataclass
class Lines:
    """Progress as plain lines, one a minute at most; what has another end is begun anew."""

    what: str
    said: float
    started: float = 0.0
    first: int | None = None
    end: int | None = None

    def tell(self, done: int, of: int, note: str) -> None:
        """Say how far it is, unless a line was said less than a minute ago."""
        now = time.monotonic()
        if self.first is None or of != self.end:
            self.first, self.started, self.end = done, now, of
        if now - self.said < QUIET:
            return
        self.said = now
        rate = (done - self.first) / max(now - self.started, 1e-9)
        left = f", {(of - done) / rate / 60:.0f} minutes left" if rate else ""
        told = f"{rate:.0f} / s{left}" + (f", {note}" if note else "")
        err.print(f"{self.what}: {done} of {of}, {told}", markup=False, soft_wrap=True)
