"""The recalibration that an estimator carries: corrections of its mixtures, and credible levels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gampen.calibration.answers import Answers, in_own_frames
from gampen.calibration.conformal import CredibleLevels
from gampen.calibration.corrections import Correction
from gampen.errors import UsageError
from gampen.parameters import ParameterSpace

KEY = "recalibration"  # of a file's metadata, and before its tensors' names
LEVELS = "levels"


@dataclass(frozen=True, eq=False)
class Recalibration:
    """Corrections, each of what the one before it gave, and the levels that hold after the last."""

    corrections: tuple[Correction, ...] = ()
    levels: CredibleLevels | None = None

    @property
    def stages(self) -> tuple[int, ...]:
        """The stage of each correction."""
        return tuple(correction.stage for correction in self.corrections)

    def applied(self, answers: Answers, space: ParameterSpace) -> Answers:
        """The answers after all corrections; those of pairs turn with their galaxy."""
        for correction in self.corrections:
            answers = in_own_frames(space, answers, correction.applied)
        return answers

    def then(self, correction: Correction | None, levels: CredibleLevels | None) -> Recalibration:
        """With a further correction, if any, and new levels; the older ones hold no longer."""
        further = () if correction is None else (correction,)
        return Recalibration((*self.corrections, *further), levels)

    # Storage, in an estimator's file.

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All numbers of it, by names that begin with `recalibration.`."""
        found = {
            f"{KEY}.{place}.{name}": tensor
            for place, correction in enumerate(self.corrections)
            for name, tensor in correction.tensors.items()
        }
        if self.levels is not None:
            table = {"share": self.levels.share, "level": self.levels.level}
            found |= {f"{KEY}.{LEVELS}.{name}": torch.from_numpy(v) for name, v in table.items()}
            found[f"{KEY}.{LEVELS}.galaxies"] = torch.tensor(self.levels.galaxies)
        return found

    @property
    def metadata(self) -> dict[str, str]:
        """What a file's metadata say of it; nothing where there is none."""
        if not self.corrections and self.levels is None:
            return {}
        return {KEY: json.dumps({"stages": self.stages, "levels": self.levels is not None})}

    @classmethod
    def of_file(
        cls, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
    ) -> tuple[Recalibration, dict[str, Tensor]]:
        """The recalibration in a file, none if it has none, and the tensors that are not of it.

        `UsageError` where tensors and metadata do not agree.
        """
        rest = {name: value for name, value in tensors.items() if not name.startswith(f"{KEY}.")}
        mine = {name: value for name, value in tensors.items() if name not in rest}
        told = json.loads(metadata.get(KEY, '{"stages": [], "levels": false}'))
        corrections = tuple(
            Correction.of_tensors(_under(mine, str(place))) for place in range(len(told["stages"]))
        )
        levels = _levels_of(_under(mine, LEVELS)) if told["levels"] else None
        found = cls(corrections, levels)
        if list(found.stages) != told["stages"] or found.tensors.keys() != mine.keys():
            raise UsageError("a recalibration must be whole; its tensors are not those described")
        return found, rest


def _under(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their own names."""
    start = f"{KEY}.{part}."
    return {name[len(start) :]: v for name, v in tensors.items() if name.startswith(start)}


def _levels_of(tensors: Mapping[str, Tensor]) -> CredibleLevels:
    """The table of levels with these tensors."""
    share, level = tensors["share"].numpy(), tensors["level"].numpy()
    return CredibleLevels(share, level, int(tensors["galaxies"]))
