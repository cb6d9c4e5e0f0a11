"""The spatial transformer: each frame cropped by itself, unsupervised.

A small network looks at the whole frame and proposes an affine map A from the crop's square
[-1, 1]^2 into the frame's (Jaderberg et al. 2015, arXiv:1506.02025). The crop is resampled there
without aliasing and learns through the loss alone. Its zoom is bounded, so that it can neither
vanish nor leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gampen.network.apertures import RADII, growth_shape
from gampen.network.stretch import shape_stretch
from gampen.settings import CropFreedom

LEAST_ZOOM = 0.1
START_ZOOM = 0.5
LARGEST_SHIFT = 0.1
LARGEST_SHEAR = 0.3
PYRAMID_LEVELS = 3
VIEW_SIZE = 32


@dataclass(frozen=True)
class Crop:
    """The part of each frame that the network looks at.

    `pixels` [sky sigma per input pixel]; `theta` maps the crop's square to the frame's, both
    [-1, 1]^2 from edge to edge; `zoom` is the crop's side over the frame's (geometric mean of the
    two axes); `sampling` the side of one crop pixel [input pixel].
    """

    pixels: Float[Tensor, "galaxy 1 crop_height crop_width"]
    theta: Float[Tensor, "galaxy 2 3"]
    zoom: Float[Tensor, " galaxy"]
    sampling: Float[Tensor, " galaxy"]


class Freedom(nn.Module):
    """How raw numbers become a bounded affine map; one of these for each `CropFreedom`."""

    raw_size = 0

    def theta(self, raw: Float[Tensor, "galaxy raw"]) -> Float[Tensor, "galaxy 2 3"]:
        """Maps from the crop's square to the frame's."""
        zoom = torch.full((len(raw),), START_ZOOM, device=raw.device)
        return _affine(zoom, torch.zeros(len(raw), 2, device=raw.device))


class Zoom(Freedom):
    """A centred square of any size between a tenth of the frame and all of it."""

    raw_size = 1

    def theta(self, raw: Float[Tensor, "galaxy raw"]) -> Float[Tensor, "galaxy 2 3"]:
        """Diagonal maps."""
        return _affine(_bounded_zoom(raw[:, 0]), torch.zeros_like(raw).expand(-1, 2))


class ZoomShift(Freedom):
    """A square of any size whose centre may move by a tenth of the half-frame."""

    raw_size = 3

    def theta(self, raw: Float[Tensor, "galaxy raw"]) -> Float[Tensor, "galaxy 2 3"]:
        """Diagonal maps with a shift."""
        return _affine(_bounded_zoom(raw[:, 0]), LARGEST_SHIFT * torch.tanh(raw[:, 1:3]))


class Affine(Freedom):
    """The full map with six parameters: zoom, shift, and bounded stretch, shear and turn."""

    raw_size = 6

    def theta(self, raw: Float[Tensor, "galaxy raw"]) -> Float[Tensor, "galaxy 2 3"]:
        """Full maps, close enough to a zoom to stay invertible."""
        stretch, shear, turn = (LARGEST_SHEAR * torch.tanh(raw[:, 3:6])).unbind(1)
        rows = torch.stack([1 + stretch, shear - turn, shear + turn, 1 - stretch], dim=1)
        square = rows.view(-1, 2, 2) * _bounded_zoom(raw[:, 0])[:, None, None]
        return torch.cat([square, LARGEST_SHIFT * torch.tanh(raw[:, 1:3])[..., None]], dim=2)


FREEDOMS: dict[CropFreedom, type[Freedom]] = {
    CropFreedom.FIXED: Freedom,
    CropFreedom.ZOOM: Zoom,
    CropFreedom.ZOOM_SHIFT: ZoomShift,
    CropFreedom.AFFINE: Affine,
}


def _bounded_zoom(raw: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
    """Zooms between LEAST_ZOOM and 1, START_ZOOM at zero."""
    start = math.log(START_ZOOM / LEAST_ZOOM) / -math.log(START_ZOOM)
    share = torch.sigmoid(raw + math.log(start))
    return (math.log(LEAST_ZOOM) * (1 - share)).exp()


def _affine(
    zoom: Float[Tensor, " galaxy"], shift: Float[Tensor, "galaxy 2"]
) -> Float[Tensor, "galaxy 2 3"]:
    square = torch.eye(2, device=zoom.device)[None] * zoom[:, None, None]
    return torch.cat([square, shift[..., None]], dim=2)


class SpatialTransformer(nn.Module):
    """Frames in, crops out."""

    def __init__(self, freedom: CropFreedom, crop_size: int) -> None:
        """Build for crops of `crop_size` pixels a side."""
        super().__init__()
        self.crop_size = crop_size
        self.freedom = FREEDOMS[freedom]()
        self.look = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
        )
        seen = 32 * (VIEW_SIZE // 8) ** 2
        self.propose = nn.Sequential(
            nn.Linear(seen + len(RADII) + 1, 64), nn.SiLU(), _linear(64, self.freedom.raw_size)
        )

    def forward(self, pixels: Float[Tensor, "galaxy 1 height width"]) -> Crop:
        """The crop of each frame."""
        view = functional.adaptive_avg_pool2d(central_square(pixels), VIEW_SIZE)
        side = math.log(pixels.shape[-2] * pixels.shape[-1]) / 2
        seen = [
            self.look(shape_stretch(view)),
            growth_shape(pixels),
            torch.full((len(pixels), 1), side - 4.6, device=pixels.device),
        ]
        theta = self.freedom.theta(self.propose(torch.cat(seen, dim=1)))
        return resample(pixels, on_frame(theta, *pixels.shape[-2:]), self.crop_size)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that starts at zero, also one without outputs, of which torch would warn."""
    layer = nn.Linear(inputs, max(outputs, 1))
    layer.out_features = outputs
    layer.weight = nn.Parameter(torch.zeros(outputs, inputs))
    layer.bias = nn.Parameter(torch.zeros(outputs))
    return layer


def central_square(
    pixels: Float[Tensor, "galaxy 1 height width"],
) -> Float[Tensor, "galaxy 1 side side"]:
    """The central square of the frame's own area: cut along its longer axis, padded with sky."""
    height, width = pixels.shape[-2:]
    if height == width:
        return pixels
    side = round(math.sqrt(height * width))
    edges = [side - width, side - height]
    return functional.pad(pixels, [e for edge in edges for e in (edge // 2, edge - edge // 2)])


def on_frame(
    theta: Float[Tensor, "galaxy 2 3"], height: int, width: int
) -> Float[Tensor, "galaxy 2 3"]:
    """Maps into the square of the frame's area as maps into the frame: no galaxy is squeezed."""
    if height == width:
        return theta
    side = math.sqrt(height * width)
    return theta * torch.tensor([side / width, side / height], device=theta.device)[:, None]


def resample(
    pixels: Float[Tensor, "galaxy 1 height width"],
    theta: Float[Tensor, "galaxy 2 3"],
    crop_size: int,
) -> Crop:
    """Frames seen through `theta`, free of aliasing.

    Bilinear look-up alone would skip pixels when it shrinks; here it reads a pyramid of averages
    over 1, 2 and 4 pixels, blended in log2 of the shrinkage (Williams 1983,
    doi:10.1145/964967.801126).
    """
    height, width = pixels.shape[-2:]
    zoom = torch.linalg.det(theta[:, :, :2]).clamp(min=LEAST_ZOOM**2 / 10).sqrt()
    sampling = zoom * (math.sqrt(height * width) / crop_size)
    grid = functional.affine_grid(
        theta, [len(pixels), 1, crop_size, crop_size], align_corners=False
    )
    level = sampling.clamp(min=1).log2().clamp(max=PYRAMID_LEVELS - 1)
    crop = torch.zeros(len(pixels), 1, crop_size, crop_size, device=pixels.device)
    for step in range(PYRAMID_LEVELS):
        weight = (1 - (level - step).abs()).clamp(min=0)
        if not bool(weight.any()):
            continue
        averaged = functional.avg_pool2d(pixels, 2**step) if step else pixels
        seen = functional.grid_sample(
            averaged, _on_pooled(grid, height, width, 2**step), align_corners=False
        )
        crop = crop + seen * weight[:, None, None, None]
    return Crop(crop, theta, zoom, sampling)


def _on_pooled(
    grid: Float[Tensor, "galaxy crop_height crop_width 2"], height: int, width: int, pool: int
) -> Float[Tensor, "galaxy crop_height crop_width 2"]:
    """The same places on a pooled frame, whose last, incomplete pixels were dropped."""
    if pool == 1:
        return grid
    kept = torch.tensor([width // pool * pool, height // pool * pool], device=grid.device)
    full = torch.tensor([width, height], device=grid.device)
    return ((grid + 1) * full / kept) - 1
