"""Devices: where a network runs, asked for by name."""

from __future__ import annotations

import torch

from gampen.errors import UsageError, reason_of


def usable_device(name: str) -> torch.device:
    """The device of this name, such as `cpu`, `cuda:1` or `mps`.

    `UsageError` where it is not there, or cannot give back what it computes.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = reason_of(error)
        raise UsageError(f"device must be usable here; got {name!r}: {reason}") from None
    return device
