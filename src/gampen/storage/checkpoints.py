"""Checkpoints of a training run: everything that is needed to go on, replaced as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gampen.errors import TrainingError, reason_of
from gampen.storage.atomic import whole_file


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write a state made of tensors, numbers, text and containers of them: whole or not at all.

    `UsageError` where the folder cannot be written, `TrainingError` where its disk is full.
    """
    try:
        with whole_file(path) as temporary:
            torch.save(state, temporary)
    except RuntimeError as error:  # what torch's own writer raises
        raise TrainingError(f"{path} must be written whole; got: {reason_of(error)}") from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state in a file; nothing in it is executed. `TrainingError` where it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler meets
        raise TrainingError(
            f"{path} must be a whole checkpoint; got: {reason_of(error)}; remove it to begin again"
        ) from error
    return state
