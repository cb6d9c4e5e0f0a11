"""Features: a small residual network without normalisation, and pooling over rings.

No batch statistics enter, so a galaxy's features do not depend on its neighbours in the batch.
Means over rings keep how far from the centre the light lies and forget at which angle.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gampen.settings import NetworkSettings

RESIDUAL_START = 0.2
RINGS = 5


class Residual(nn.Module):
    """Two convolutions beside the identity, weighted by one learned number."""

    def __init__(self, width: int) -> None:
        """Build for `width` channels."""
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
        )
        self.gain = nn.Parameter(torch.tensor(RESIDUAL_START))

    def forward(
        self, x: Float[Tensor, "galaxy channel height width"]
    ) -> Float[Tensor, "galaxy channel height width"]:
        """The input plus the weighted branch."""
        return torch.addcmul(x, self.branch(x), self.gain)


class Features(nn.Module):
    """Convolutions that halve the crop at each width, then means over rings."""

    rings: Tensor

    def __init__(self, settings: NetworkSettings, channels: int) -> None:
        """Build for crops of `channels` channels."""
        super().__init__()
        layers: list[nn.Module] = []
        for place, width in enumerate(settings.widths):
            kernel = 3 if place else 5
            layers.append(nn.Conv2d(channels, width, kernel, 2, kernel // 2))
            layers += [Residual(width) for _ in range(settings.blocks)]
            channels = width
        self.layers = nn.Sequential(*layers, nn.ReLU())
        size = settings.crop_size // 2 ** len(settings.widths)
        self.register_buffer("rings", ring_weights(size), persistent=False)
        self.size = RINGS * channels

    def forward(
        self, x: Float[Tensor, "galaxy channel height width"]
    ) -> Float[Tensor, "galaxy feature"]:
        """Means of every channel over every ring."""
        maps: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
        return (maps.flatten(2) @ self.rings).flatten(1)


def ring_weights(size: int) -> Float[Tensor, "place ring"]:
    """Weights of a size x size map's places in overlapping rings, each summing to one."""
    offset = torch.arange(size) - (size - 1) / 2
    radius = torch.hypot(offset[:, None], offset[None, :]).flatten() / (size / 2)
    centres = torch.linspace(0.1, 1.1, RINGS)
    weights = (-0.5 * ((radius[:, None] - centres) / 0.15).square()).exp()
    return weights / weights.sum(dim=0)
