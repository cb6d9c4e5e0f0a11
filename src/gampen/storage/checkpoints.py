"""Checkpoints of a training run: everything that is needed to go on, replaced as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gampen.errors import TrainingError
from gampen.storage.atomic import whole_file


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write a state made of tensors, numbers, text and containers of them."""
    with whole_file(path) as temporary:
        torch.save(state, temporary)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state in a file; nothing in it is executed. `TrainingError` where it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler meets
        reason = str(error).splitlines()[0]
        raise TrainingError(f"{path} must be a whole checkpoint; got: {reason}") from error
    return state
