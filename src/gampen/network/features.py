"""Features: a small residual network without normalisation, and pooling over rings.

No batch statistics enter, so a galaxy's features do not depend on its neighbours in the batch.
Means over rings keep how far from the centre the light lies and forget at which angle.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gampen.network.apertures import summed
from gampen.network.dropout import Dropout, MapMasks
from gampen.settings import NetworkSettings

RESIDUAL_START = 0.2
RINGS = 5
CHANNELS = 2  # stretches of each view

Thinning = Callable[[Tensor], Tensor]


class Residual(nn.Module):
    """Two convolutions beside the identity, weighted by one learned number.

    Between the two the context scales and shifts every channel (Perez et al. 2018,
    arXiv:1709.07871), so that a PSF or a sampling can change what they look for.
    """

    def __init__(self, width: int, context: int) -> None:
        """Build for `width` channels and so many numbers of context."""
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1),
        )
        self.modulate = nn.Linear(context, 2 * width)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)
        self.gain = nn.Parameter(torch.tensor(RESIDUAL_START))

    def forward(
        self,
        x: Float[Tensor, "galaxy channel height width"],
        context: Float[Tensor, "galaxy context"],
        thin: Thinning,
    ) -> Float[Tensor, "galaxy channel height width"]:
        """The input plus the weighted branch; `thin` drops out before each convolution."""
        scale, shift = self.modulate(context)[..., None, None].chunk(2, dim=1)
        active, first, again, second = self.branch
        seen = torch.addcmul(shift, first(thin(active(x))), 1 + scale)
        return torch.addcmul(x, second(thin(again(seen))), self.gain)


class Features(nn.Module):
    """Convolutions over the views of a crop, then means over rings."""

    rings: Tensor

    def __init__(self, settings: NetworkSettings, context: int) -> None:
        """Build for the settings' crops and so many numbers of context."""
        super().__init__()
        channels, stride = CHANNELS * len(settings.views), settings.stem_stride
        self.drop = Dropout(settings.map_dropout)
        self.layers = nn.ModuleList()
        for place, width in enumerate(settings.widths):
            kernel = 3 if place else 5
            self.layers.append(nn.Conv2d(channels, width, kernel, stride, kernel // 2))
            self.layers.extend(Residual(width, context) for _ in range(settings.blocks))
            channels, stride = width, 2
        size = settings.crop_size // settings.shrinkage
        self.register_buffer("rings", ring_weights(size), persistent=False)
        self.size = RINGS * channels

    def forward(
        self,
        views: Float[Tensor, "galaxy channel height width"],
        context: Float[Tensor, "galaxy context"],
        masks: MapMasks | None = None,
    ) -> Float[Tensor, "galaxy feature"]:
        """Means of every channel over every ring, by the network of one pass if masks are given."""
        thin = self.thinning(masks)
        maps = views.contiguous(memory_format=torch.channels_last)
        for place, layer in enumerate(self.layers):
            if isinstance(layer, Residual):
                maps = layer(maps, context, thin)
            else:
                maps = layer(thin(maps) if place else maps)
        return summed(functional.relu(maps).flatten(2), self.rings).flatten(1)

    def thinning(self, masks: MapMasks | None) -> Thinning:
        """Dropout before each convolution but the first: by masks, at random in training, or none.

        What comes back counts its calls, so that each convolution has masks of its own.
        """
        if not self.drop.rate:
            return nn.Identity()
        if masks is None:
            return self.drop
        places = count()
        return lambda maps: masks(maps, next(places))


def ring_weights(size: int) -> Float[Tensor, "ring place"]:
    """Weights of a size x size map's places in overlapping rings, each summing to one."""
    offset = torch.arange(size) - (size - 1) / 2
    radius = torch.hypot(offset[:, None], offset[None, :]).flatten() / (size / 2)
    centres = torch.linspace(0.1, 1.1, RINGS)
    weights = (-0.5 * ((radius[:, None] - centres) / 0.15).square()).exp()
    return (weights / weights.sum(dim=0)).T.contiguous()
