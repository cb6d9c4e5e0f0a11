"""The plan of a run: which galaxies in which parts, with what and how; written before any work.

Whoever comes back to a run compares plans, so that no catalogue is made of two runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gampen.errors import UsageError
from gampen.scaling.chunks import chunks
from gampen.storage.atomic import write_bytes

PART = 2048  # galaxies in a part: some seconds of work, which an accident may cost
PLAN = "_plan.json"
FORMAT = "gampen run 1"
MOST_NAMED = 3


@dataclass(frozen=True)
class Plan:
    """All that decides what a run writes.

    `settings`: with what and how, as text by name; `galaxies`: how many; `inputs`: a fingerprint of
    the galaxies of each part.
    """

    settings: Mapping[str, str]
    galaxies: int
    inputs: tuple[str, ...]

    @property
    def parts(self) -> list[range]:
        """The galaxies of each part: fixed slices, whoever works on them."""
        return chunks(self.galaxies, PART)

    @cached_property
    def run(self) -> str:
        """A digest that parts carry: of the settings and the number of galaxies."""
        told = json.dumps([FORMAT, dict(self.settings), self.galaxies], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def as_text(self) -> str:
        """What the file of the plan holds."""
        entries = {"format": FORMAT, "galaxies": self.galaxies, "settings": dict(self.settings)}
        return json.dumps({**entries, "inputs": list(self.inputs)}, indent=1, sort_keys=True) + "\n"

    def agree(self, folder: Path) -> None:
        """Write the plan into a folder, or see that it is the one there; else `UsageError`."""
        path = folder / PLAN
        if not path.exists():
            write_bytes(self.as_text().encode(), path)
            return
        text = path.read_text(errors="replace")
        if text != self.as_text():
            raise UsageError(
                f"{folder} must be of this run; it holds parts of another, which differs in "
                f"{differences(text, self)}; go on with what it was begun with, or remove it to "
                f"begin anew"
            )


def differences(text: str, plan: Plan) -> str:
    """In what a plan that was found differs from one."""
    try:
        found = json.loads(text)
        settings = dict(found["settings"])
        inputs, galaxies = tuple(found["inputs"]), found["galaxies"]
    except (ValueError, KeyError, TypeError):
        return "its plan, which cannot be read"
    names = sorted({*settings, *plan.settings})
    differing = [name for name in names if settings.get(name) != plan.settings.get(name)]
    told = [f"{name} ({settings.get(name)})" for name in differing[:MOST_NAMED]]
    told += ["others"] if len(differing) > MOST_NAMED else []
    if galaxies != plan.galaxies or inputs != plan.inputs:
        told.append("the galaxies or their files")
    return ", ".join(told) or "its format"
