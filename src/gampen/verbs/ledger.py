"""What a run folder keeps: the history of losses, the last checkpoint, the best estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.storage.checkpoints import read_checkpoint, write_checkpoint
from gampen.storage.runfiles import read_settings, write_settings
from gampen.storage.tables import read_catalog, write_catalog
from gampen.training.fit import Fit, Report
from gampen.training.validation import Validation
from gampen.verbs.outputs import claim_folder

BEST, LAST, HISTORY = "best.safetensors", "last.pt", "history.csv"

Made = Callable[[int, Validation], Estimator]
"""The running average as an estimator, after so many steps, so good on what is held out."""


@dataclass
class Ledger:
    """The history of a run in its folder."""

    folder: Path
    history: list[Catalog]
    best: float

    @classmethod
    def open(cls, folder: Path, fit: Fit) -> Ledger:
        """That of a new run, or of one that is gone on with: its fit is brought to where it was."""
        state: dict[str, Any] | None = None
        if (folder / LAST).exists():
            state = read_checkpoint(folder / LAST)
            fit.restore(state)
        known = state is not None and (folder / HISTORY).exists()
        history = [until(read_catalog(folder / HISTORY), fit.step)] if known else []
        best = min([float(part["nll"].numbers().min()) for part in history], default=float("inf"))
        return cls(folder, history, best)

    def record(self, report: Report, validation: Validation, fit: Fit, made: Made) -> Path | None:
        """Write history and checkpoint; if this is the best estimator so far, it too, as returned.

        The checkpoint comes last: what an interruption cuts off is done again.
        """
        values = {"step": report.step, "loss": report.loss, **vars(validation)}
        row = Catalog(tuple(Column(name, np.array([value])) for name, value in values.items()))
        self.history = [Catalog.cat([*self.history, row])]
        write_catalog(self.history[0], self.folder / HISTORY)
        better = validation.nll < self.best
        if better:
            self.best = validation.nll
            made(report.step, validation).save(self.folder / BEST)
        write_checkpoint(fit.state(), self.folder / LAST)
        return self.folder / BEST if better else None


def claim(folder: Path, name: str, origin: object, writes: bool = True) -> None:
    """Make a run's folder, or see that it is of this run; `UsageError` where it is of another.

    What a run is of are settings, which the file of that name in its folder keeps.
    """
    kept = folder / name
    if kept.exists() and read_settings(kept, type(origin)) != origin:
        raise UsageError(f"{folder} must be of this run; it holds another: choose another folder")
    if writes:
        claim_folder(folder)
        write_settings(origin, kept)


def until(history: Catalog, step: int) -> Catalog:
    """The rows of a history up to a step: later ones were written just before an interruption."""
    return history.take(np.flatnonzero(history["step"].numbers() <= step))
