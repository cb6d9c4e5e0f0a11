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

from gampen.settings import NetworkSettings

APART = 1_000_003


@dataclass(frozen=True)
class Masks:
    """Masks for the layers of a head: factors of 0 or 1 / (1 - rate), one row a pass."""

    layers: tuple[Float[Tensor, "pass unit"], ...]

    @classmethod
    def draw(cls, passes: int, widths: tuple[int, ...], rate: float, seed: int) -> Masks:
        """Masks of `passes` networks; the same for the same seed on every machine."""
        generator = torch.Generator().manual_seed(seed)
        return cls(tuple(factors((passes, width), rate, generator) for width in widths))

    @classmethod
    def of_head(cls, settings: NetworkSettings, passes: int, seed: int) -> Masks:
        """Masks of `passes` networks with these settings."""
        return cls.draw(passes, (settings.hidden,) * 2, settings.dropout, seed)

    def __len__(self) -> int:
        """The number of passes."""
        return len(self.layers[0])

    def to(self, device: torch.device) -> Masks:
        """The same masks on another device."""
        return Masks(tuple(layer.to(device) for layer in self.layers))


@dataclass(frozen=True)
class MapMasks:
    """The masks of one pass for maps of features: one for each place before a convolution.

    A mask has a factor for each place and channel of a map, as in the original; it is drawn when it
    is needed, since the masks of a thousand passes would fill a memory.
    """

    rate: float
    seed: int
    number: int

    def __call__(
        self, maps: Float[Tensor, "galaxy channel height width"], place: int
    ) -> Float[Tensor, "galaxy channel height width"]:
        """The maps before the convolution of that place, thinned alike for every galaxy."""
        seed = (self.seed * APART + self.number) * APART + place
        generator = torch.Generator().manual_seed(seed % 2**63)
        return maps * factors(tuple(maps.shape[1:]), self.rate, generator).to(maps.device)


def factors(shape: tuple[int, ...], rate: float, generator: torch.Generator) -> Tensor:
    """Factors of 0, as often as the rate says, or 1 / (1 - rate)."""
    kept: Tensor = torch.rand(shape, generator=generator) >= rate
    return kept.float() / (1 - rate)
