"""The loss: the negative log-likelihood of truths or labels, and a pull on the crop."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gampen.network.crop import Crop
from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.network.recall import Recalled
from gampen.network.transformer import LEAST_ZOOM
from gampen.probability.mixtures import GaussianMixture
from gampen.training.batches import Batch
from gampen.training.likelihood import judged, log_likelihood

WANTED_RADII = 7.0  # side of a crop [half-light radius of the galaxy]


class Loss(nn.Module):
    """The negative log-likelihood of truths, as one module that Fabric can wrap.

    To it comes a weak pull of each crop's side towards so many of the radii that the network itself
    believes in: how far a crop may lie from its best size without loss depends on the galaxy's
    brightness, and without a pull, so does the crop.
    """

    def __init__(self, network: GampenNetwork, pull: float = 0.0) -> None:
        """Wrap `network`; `pull` is the weight of the square of ln (side over wanted side)."""
        super().__init__()
        self.network, self.pull = network, pull

    def forward(
        self,
        kind: type[Frames | Recalled],
        truth: Float[Tensor, "galaxy parameter"],
        errors: Float[Tensor, "galaxy parameter"] | None,
        *seen: Tensor,
    ) -> Float[Tensor, ""]:
        """The mean over the batch, whose frames are of a `kind` that has these fields."""
        batch = Batch(kind(*seen), truth, errors)
        mixture, crop = judged(self.network, batch)
        loss = -log_likelihood(self.network.space, mixture, batch).mean()
        if crop is None or not self.pull:
            return loss
        return loss + self.pull * stray(self.network, crop, mixture)


def stray(network: GampenNetwork, crop: Crop, mixture: GaussianMixture) -> Float[Tensor, ""]:
    """Mean square of ln of a crop's side over the wanted one, if there is a radius to go by."""
    radius = network.space.first_length
    if radius is None:
        return torch.zeros(())
    share = (
        mixture.mean[:, radius].detach() + math.log(WANTED_RADII) - (crop.side / crop.zoom).log()
    )
    return (crop.zoom.log() - within_reach(share)).square().mean()


def within_reach(log_zoom: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
    """ln of zooms between the least one and 1, in the order of those that were wanted.

    In the middle they are as wanted, and none is at a bound: however large or small galaxies are,
    of two the larger one gets the larger crop.
    """
    room = -math.log(LEAST_ZOOM)
    return room * (torch.sigmoid(4 / room * log_zoom + 2) - 1)
