"""Dropout whose masks are shared: the same seeded masks for every galaxy.

Gal & Ghahramani (2016, arXiv:1506.02142): dropout kept on at prediction samples networks from an
approximate posterior. One mask is one network; showing every galaxy to the same ones makes the
Monte Carlo deterministic and independent of the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

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


@dataclass(frozen=True)
class Share:
    """Which galaxies of a batch a process has: the part of this number, of so many of one size."""

    number: int = 0
    parts: int = 1

    def of(self, galaxies: int) -> range:
        """The places in a batch of its galaxies, where there are so many in all."""
        size = galaxies // self.parts
        return range(self.number * size, (self.number + 1) * size)


WHOLE = Share()


class Dropout(nn.Module):
    """Dropout in training, whose masks do not depend on how a batch is shared between processes.

    A process that has a share of a batch draws the masks of the whole batch, and keeps its own.
    """

    def __init__(self, rate: float) -> None:
        """Build for a rate; whoever has a share of each batch says so in `share`."""
        super().__init__()
        self.rate, self.share = rate, WHOLE

    def forward(self, values: Float[Tensor, "galaxy ..."]) -> Float[Tensor, "galaxy ..."]:
        """The values as they are, or thinned while training."""
        parts = self.share.parts
        if parts == 1 or not self.training:
            return functional.dropout(values, self.rate, self.training)
        # The layout in memory decides which factor is drawn for which value.
        whole = torch.ones_like(torch.cat([values.detach()] * parts))
        mine = self.share.of(len(whole))
        return values * functional.dropout(whole, self.rate)[mine.start : mine.stop]


def share_batches(network: nn.Module, share: Share) -> None:
    """Tell a network in training which galaxies of each batch it is given."""
    for part in network.modules():
        if isinstance(part, Dropout):
            part.share = share


def factors(shape: tuple[int, ...], rate: float, generator: torch.Generator) -> Tensor:
    """Factors of 0, as often as the rate says, or 1 / (1 - rate)."""
    kept: Tensor = torch.rand(shape, generator=generator) >= rate
    return kept.float() / (1 - rate)
