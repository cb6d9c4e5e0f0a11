"""Event files in a run's folder, as TensorBoard reads them; no other library is needed.

Each sitting of a run writes a file of its own. Its first record tells a reader to forget whatever
earlier sittings said of this step and later ones: they are done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gampen.errors import UsageError
from gampen.tracking.records import double, framed, part, single, whole
from gampen.tracking.tracker import Ending, Setting

STEM = "events.out.tfevents"
VERSION = "brain.Event:2"
SESSION_START = 1
TEXT = 7  # of the types of a tensor


class TensorBoard:
    """A run as event files; a file is begun with the first values, so no values make no file."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """Write into `folder`, once there is something to write, at the times of `clock`."""
        self.folder, self.clock = folder, clock
        self.settings: dict[str, Setting] = {}
        self.path: Path | None = None

    def start(self, settings: Mapping[str, Setting], provenance: Mapping[str, str]) -> None:
        """Keep the settings for the run's first file."""
        self.settings = {**provenance, **settings}

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Append scalars; `UsageError` where they cannot be written."""
        summaries = b"".join(part(1, part(1, name) + single(2, v)) for name, v in values.items())
        events = [] if self.path else self._beginning(step)
        self._append([*events, whole(2, step) + part(5, summaries)])

    def artifact(self, path: Path) -> None:
        """Nothing: it is in the folder."""

    def end(self, ending: Ending) -> None:
        """Nothing: all is written."""

    def _beginning(self, step: int) -> list[bytes]:
        """The first events of a new file."""
        before = [int(path.suffix[1:]) for path in self.folder.glob(f"{STEM}.[0-9]*")]
        self.path = self.folder / f"{STEM}.{max(before, default=0) + 1:04d}"
        version = part(3, VERSION)
        if before:
            return [version, whole(2, step) + part(7, whole(1, SESSION_START))]
        return [version, part(5, settings_text(self.settings) + settings_table(self.settings))]

    def _append(self, events: list[bytes]) -> None:
        """Write events at the end of the file."""
        assert self.path is not None  # noqa: S101
        records = b"".join(framed(double(1, self.clock()) + event) for event in events)
        try:
            with self.path.open("ab") as file:
                file.write(records)
        except OSError as error:
            raise UsageError(f"{self.path} must be writable; got: {error.strerror}") from error


def settings_text(settings: Mapping[str, Setting]) -> bytes:
    """The settings as a table to read, under Text."""
    rows = [f"| {name} | {value} |" for name, value in settings.items()]
    table = "\n".join(["| setting | value |", "| --- | --- |", *rows])
    tensor = whole(1, TEXT) + part(2, part(2, whole(1, 1))) + part(8, table)
    return part(1, part(1, "settings") + of_plugin("text") + part(8, tensor))


def settings_table(settings: Mapping[str, Setting]) -> bytes:
    """The settings as hyperparameters, by which TensorBoard compares runs under HParams."""
    entries = b"".join(
        part(1, part(1, name) + part(2, any_value(v))) for name, v in settings.items()
    )
    return part(1, part(1, "_hparams_/session_start_info") + of_plugin("hparams", part(3, entries)))


def of_plugin(name: str, content: bytes = b"") -> bytes:
    """Which of TensorBoard's plugins shows a summary, and what it alone needs to know."""
    return part(9, part(1, part(1, name) + part(2, content)))


def any_value(value: Setting) -> bytes:
    """A setting as a value of JSON."""
    if isinstance(value, bool):
        return whole(4, value)
    return part(3, value) if isinstance(value, str) else double(2, value)
