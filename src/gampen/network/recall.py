"""What a network saw of galaxies, kept so that the parts which look need not look again.

As long as the crop, the convolutions and the context stay as they are, all that follows from a
galaxy's image is a few hundred numbers; the layers behind them are trained in no time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.parameters.pairs import turned_mixture
from gampen.probability.mixtures import GaussianMixture

LOOKING = ("transformer", "context", "features")
"""The parts of a network that must stay as they are for what was seen to be kept."""


@dataclass(frozen=True)
class Recalled:
    """What the parts that look saw: of the head's features those that are not of measurements.

    `light`: the measurements; `anchor`: the first guess before anything that is learned, pairs in
    the frame of the `heading`.
    """

    seen: Float[Tensor, "galaxy feature"]
    light: Float[Tensor, "galaxy number"]
    anchor: Float[Tensor, "galaxy parameter"]
    heading: Float[Tensor, "galaxy 2"]

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.seen)

    def select(self, galaxies: Int[Tensor, " chosen"]) -> Recalled:
        """The chosen galaxies, in the order chosen."""
        return Recalled(**{name: value[galaxies] for name, value in vars(self).items()})


@torch.no_grad()
def recall(network: GampenNetwork, frames: Frames) -> Recalled:
    """What a network sees of frames."""
    seen = network.look(frames, network.transformer(frames.pixels))
    measured = network.weigh(seen.measured)
    anchor = seen.guess - network.spread * network.shift(measured)
    before = seen.summary[:, : -measured.shape[1]].contiguous()
    return Recalled(before, seen.measured, anchor, seen.heading)


def judge_recalled(network: GampenNetwork, recalled: Recalled) -> GaussianMixture:
    """What the network says of the galaxies now, as `GampenNetwork.judge` would."""
    measured = network.weigh(recalled.light)
    guess = recalled.anchor + network.spread * network.shift(measured)
    summary = torch.cat([recalled.seen, measured], dim=1)
    mixture, slope, offset = network.conclude(summary, guess)
    return turned_mixture(network.space, mixture.affine(slope, offset), recalled.heading)
