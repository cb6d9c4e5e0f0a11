"""Run files that name a survey: a built-in one by its name, a whole simulation by its file."""

from __future__ import annotations

from pathlib import Path

from gampen.settings import RunSettings, SimulationSettings
from gampen.simulation.surveys import survey
from gampen.storage.runfiles import read_settings


def read_simulation(path: Path) -> SimulationSettings:
    """The simulation that a file describes; its `survey` may be the name of a built-in one."""
    return read_settings(path, SimulationSettings, {"survey": survey})


def read_run(path: Path) -> RunSettings:
    """The run that a file describes; its `simulation` may be the name of a file beside it."""

    def beside(name: str) -> SimulationSettings:
        return read_simulation(Path(path).parent / name)

    return read_settings(path, RunSettings, {"survey": survey, "simulation": beside})
