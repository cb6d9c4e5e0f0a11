"""What a tracker is: told of a run's settings once, then of its values step by step."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

Setting = str | int | float | bool


class Ending(Enum):
    """How a run ended."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


@runtime_checkable
class Tracker(Protocol):
    """One that follows a run; a run that goes on where it was left is one run."""

    def start(self, settings: Mapping[str, Setting], provenance: Mapping[str, str]) -> None:
        """Take what the run is: flat settings such as `training.steps`, and where it comes from."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take values of a step; steps come in order."""

    def artifact(self, path: Path) -> None:
        """Keep a file of the run."""

    def end(self, ending: Ending) -> None:
        """Take leave."""
