"""Batches: galaxies with their truths, or with labels that have errors and may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.frames import Frames
from gampen.network.recall import Recalled


@dataclass(frozen=True)
class Batch:
    """Galaxies with their truths in unconstrained space, in pixels and sky sigmas.

    They are frames, or what a network saw of them before. Where there are `errors`, of values in
    pixels and sky sigmas, truths are labels: off by a normal error each, exact where it is zero,
    and not known where they are NaN.
    """

    frames: Frames | Recalled
    truth: Float[Tensor, "galaxy parameter"]
    errors: Float[Tensor, "galaxy parameter"] | None = None

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.truth)

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        moved = {name: value.to(device) for name, value in vars(self.frames).items()}
        errors = None if self.errors is None else self.errors.to(device)
        return Batch(replace(self.frames, **moved), self.truth.to(device), errors)


Lot = Batch | Sequence[Batch]
"""The galaxies of a step: in several batches where they differ in shape or in what is known."""


def parts_of(lot: Lot) -> Sequence[Batch]:
    """The batches of a step."""
    return [lot] if isinstance(lot, Batch) else lot
