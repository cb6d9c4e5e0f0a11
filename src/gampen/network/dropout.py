"""Dropout whose masks are shared: the same seeded masks for every galaxy.

Gal & Ghahramani (2016, arXiv:1506.02142): dropout kept on at prediction samples networks from an
approximate posterior. One mask is one network; showing every galaxy to the same ones makes the
Monte Carlo deterministic and independent of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Masks:
    """Masks for the layers of a head: factors of 0 or 1 / (1 - rate), one row a pass."""

    layers: tuple[Float[Tensor, "pass unit"], ...]

    @classmethod
    def draw(cls, passes: int, widths: tuple[int, ...], rate: float, seed: int) -> Masks:
        """Masks of `passes` networks; the same for the same seed on every machine."""
        generator = torch.Generator().manual_seed(seed)
        drawn = [torch.rand(passes, width, generator=generator) for width in widths]
        return cls(tuple((u >= rate).float() / (1 - rate) for u in drawn))

    def to(self, device: torch.device) -> Masks:
        """The same masks on another device."""
        return Masks(tuple(layer.to(device) for layer in self.layers))
