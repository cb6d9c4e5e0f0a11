"""Settings of labelled galaxies: where they are, and how they are split."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from gampen.errors import UsageError


class SplitKind(Enum):
    """How labelled galaxies are shared out among training, validation and test."""

    STRATIFIED = "stratified"  # each part with its share of every bin of the labels
    REPRESENTATIVE = "representative"  # at random


@dataclass(frozen=True)
class SplitSettings:
    """What share of the labelled galaxies does what; the rest is trained on."""

    kind: SplitKind = SplitKind.STRATIFIED
    validation: float = 0.2  # says when to stop, and what to recalibrate by
    test: float = 0.2  # says at the end how good the estimator is; of no influence on it
    seed: int = 0  # of the draw

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to train on or to stop by, and seeds below zero."""
        if not (0 < self.validation < 1 and 0 <= self.test < 1 and self.validation + self.test < 1):
            raise UsageError(
                "split: validation must be above 0, test at least 0 and both together below 1; "
                f"got {self.validation} and {self.test}"
            )
        if self.seed < 0:
            raise UsageError(f"split: seed must be at least 0; got {self.seed}")


@dataclass(frozen=True)
class LabelSettings:
    """Labelled galaxies to train on in place of simulations."""

    folder: Path  # in the layout that every command reads, a column for each parameter
    split: SplitSettings = field(default_factory=SplitSettings)
    splits: Path | None = None  # a table of object_id and split, in place of `split`
