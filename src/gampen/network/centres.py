"""Where the target is: the peak of light nearest to the frame's centre, to a fraction of a pixel.

Catalogue positions are a pixel or three off; small apertures and close crops need better.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

REACH = 4  # [pixel] from the frame's centre to the farthest peak that is believed
LENIENCE = 5.0  # [pixel] standard deviation of the Gaussian that prefers peaks near the centre
WINDOW = 2.5  # [pixel] standard deviation of the window whose centroid refines the peak
STEPS = 6
STRIDE = 2.0  # times the centroid's offset: right at once for a Gaussian as wide as the window
LEAST_LIGHT = 10.0  # [sky sigma] in the window: with less, the peak stays where it is
MARGIN = 5  # [pixel] beyond the farthest peak


@lru_cache(maxsize=64)
def _preference(
    height: int, width: int, device: torch.device
) -> tuple[Float[Tensor, "height width"], Float[Tensor, " width"], Float[Tensor, " height"]]:
    """The weight of each pixel as a peak, and the columns' and rows' places from the centre."""
    y = torch.arange(height, device=device) - (height - 1) / 2
    x = torch.arange(width, device=device) - (width - 1) / 2
    square = y[:, None].square() + x[None, :].square()
    return (-square / (2 * LENIENCE**2)).exp() * (square <= REACH**2), x, y


@torch.no_grad()
def find_centres(pixels: Float[Tensor, "galaxy 1 height width"]) -> Float[Tensor, "galaxy 2"]:
    """Offsets (x, y) [pixel] of each target from the frame's centre.

    From the brightest smoothed pixel, by the centroid in a Gaussian window that follows it
    (Bertin & Arnouts 1996, doi:10.1051/aas:1996164: the windowed positions of SExtractor).
    """
    edge = REACH + MARGIN
    height, width = pixels.shape[-2:]
    rows, columns = (slice(max(0, n // 2 - edge), (n + 1) // 2 + edge) for n in (height, width))
    core = pixels[:, 0, rows, columns]
    weight, x, y = _preference(*core.shape[-2:], pixels.device)
    smooth = functional.avg_pool2d(functional.avg_pool2d(core, 3, 1, 1), 3, 1, 1)
    peak = (smooth.clamp(min=0) * weight).flatten(1).argmax(dim=1)
    start = torch.stack([x[peak % len(x)], y[peak // len(x)]], dim=1)
    found = start
    for _ in range(STEPS):
        found = found + STRIDE * _windowed_offset(core, found, x, y).clamp(-1, 1)
        found = torch.minimum(torch.maximum(found, start - 2), start + 2)
    return found.clamp(-REACH, REACH)


def _windowed_offset(
    core: Float[Tensor, "galaxy height width"],
    centre: Float[Tensor, "galaxy 2"],
    x: Float[Tensor, " width"],
    y: Float[Tensor, " height"],
) -> Float[Tensor, "galaxy 2"]:
    """The centroid's offset (x, y) [pixel] in a window around the centre; nought in the dark."""
    along_x, along_y = x - centre[:, :1], y - centre[:, 1:]
    window_x, window_y = ((-0.5 * (along / WINDOW).square()).exp() for along in (along_x, along_y))
    columns = (core * window_y[:, :, None]).sum(dim=1) * window_x
    rows = (core * window_x[:, None, :]).sum(dim=2) * window_y
    light = columns.sum(dim=1)
    moment = torch.stack([(columns * along_x).sum(dim=1), (rows * along_y).sum(dim=1)], dim=1)
    offset = moment / light.clamp(min=LEAST_LIGHT)[:, None]
    return torch.where(light[:, None] > LEAST_LIGHT, offset, 0.0)
