"""Batches: frames with their truths."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.frames import Frames


@dataclass(frozen=True)
class Batch:
    """Frames with their truths in unconstrained space, in pixels and sky sigmas."""

    frames: Frames
    truth: Float[Tensor, "galaxy parameter"]

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        moved = {name: value.to(device) for name, value in vars(self.frames).items()}
        return Batch(replace(self.frames, **moved), self.truth.to(device))
