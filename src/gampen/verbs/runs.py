"""Run files that name a survey: a built-in one by its name, a whole simulation by its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from gampen.settings import CatalogueSettings, RunSettings, SimulationSettings
from gampen.simulation.materials import Materials
from gampen.simulation.surveys import survey
from gampen.storage.runfiles import read_settings
from gampen.verbs.materials import Sources, Supply, check_frames, supplied

NAMED = {"survey": survey, "catalogue": lambda name: CatalogueSettings(Path(name))}
"""What a name stands for in place of a table."""

Settings = TypeVar("Settings", SimulationSettings, RunSettings)


@dataclass(frozen=True)
class Prepared(Generic[Settings]):
    """Settings with all that their files say, and what these supply to simulations."""

    settings: Settings
    supply: Supply

    @property
    def materials(self) -> Materials:
        """What simulations are made with."""
        return self.supply.materials

    @property
    def sources(self) -> Sources:
        """The files that the materials come from."""
        return self.supply.sources


def read_simulation(path: Path) -> Prepared[SimulationSettings]:
    """The simulation that a file describes; its `survey` may be the name of a built-in one."""
    supplies = [Supply()]

    def filled(table: dict[str, Any]) -> dict[str, Any]:
        table, supply = supplied(table, Path(path).parent)
        supplies.append(supply)
        return table

    settings = read_settings(path, SimulationSettings, NAMED, filled)
    check_frames(settings, supplies[-1])
    return Prepared(settings, supplies[-1])


def read_run(path: Path) -> Prepared[RunSettings]:
    """The run that a file describes; its `simulation` may be the name of a file beside it."""
    supplies = []

    def beside(name: str) -> SimulationSettings:
        simulation = read_simulation(Path(path).parent / name)
        supplies.append(simulation.supply)
        return simulation.settings

    def filled(table: dict[str, Any]) -> dict[str, Any]:
        if supplies or not isinstance(table.get("simulation"), dict):
            return table
        simulation, supply = supplied(table["simulation"], Path(path).parent)
        supplies.append(supply)
        return {**table, "simulation": simulation}

    settings = read_settings(path, RunSettings, NAMED | {"simulation": beside}, filled)
    check_frames(settings.simulation, supplies[-1])
    return Prepared(settings, supplies[-1])
