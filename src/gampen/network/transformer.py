"""The spatial transformer: each frame cropped by itself, unsupervised.

A small network looks at the whole frame and proposes an affine map A from the crop's square
[-1, 1]^2 into the frame's (Jaderberg et al. 2015, arXiv:1506.02025). The crop is resampled there
without aliasing and learns through the loss alone. Its zoom is bounded, so that it can neither
vanish nor leave.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gampen.network.apertures import RADII, aperture_signal, growth_shape
from gampen.network.centres import find_centres
from gampen.network.crop import Crop
from gampen.network.growth import Growth, cleaned
from gampen.network.resampling import frame_side, resample_along_axes, resample_by_grid
from gampen.network.stretch import shape_stretch
from gampen.settings import CropFreedom, NetworkSettings

LEAST_ZOOM = 0.1
START_ZOOM = 0.5
LARGEST_SHIFT = 0.1
LARGEST_SHEAR = 0.3
VIEW_SIZE = 32
SIZES = 2
PLAIN = 30.0  # S/N above which the crop does not depend on it


class Freedom(nn.Module):
    """How raw numbers become a bounded affine map; one of these for each `CropFreedom`."""

    raw_size = 0
    along_axes = True

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
    along_axes = False

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

    def __init__(self, settings: NetworkSettings) -> None:
        """Build for crops as the settings say."""
        super().__init__()
        self.crop_size, self.shares = settings.crop_size, settings.views
        self.freedom = FREEDOMS[settings.crop]()
        self.look = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
        )
        seen = 32 * (VIEW_SIZE // 8) ** 2 + len(RADII) + 1 + SIZES
        self.propose = nn.Sequential(
            nn.Linear(seen, 64), nn.SiLU(), _linear(64, self.freedom.raw_size)
        )

    def forward(self, pixels: Float[Tensor, "galaxy 1 height width"]) -> Crop:
        """The crop of each frame."""
        height, width = pixels.shape[-2:]
        centre = find_centres(pixels)
        signal = aperture_signal(pixels, centre)
        sizes = self.seen_size(pixels, centre)
        theta = on_frame(self.freedom.theta(self.propose_raw(pixels, signal, sizes)), height, width)
        return self.crop(pixels, about(theta, centre, height, width), signal)

    @torch.no_grad()
    def seen_size(
        self, pixels: Float[Tensor, "galaxy 1 height width"], centre: Float[Tensor, "galaxy 2"]
    ) -> Float[Tensor, "galaxy 2"]:
        """Logarithms of the galaxy's half-light radius over the frame's side, and of a low S/N.

        From the curve of growth of the whole frame about the target, cleaned by symmetry.
        """
        ones, side = torch.ones_like(centre[:, 0]), frame_side(pixels)
        sampling = ones * (side / self.crop_size)
        view = resample_along_axes(pixels, centre, sampling, self.crop_size)
        growth = Growth.of(cleaned({1.0: view}, sampling), sampling)
        signal = (growth.total / growth.half_side).clamp(max=PLAIN).log()
        return torch.stack([growth.log_radius - math.log(side) + 2, signal / 4 - 1], dim=1)

    def propose_raw(
        self,
        pixels: Float[Tensor, "galaxy 1 height width"],
        signal: Float[Tensor, "galaxy radius"],
        sizes: Float[Tensor, "galaxy 2"],
    ) -> Float[Tensor, "galaxy raw"]:
        """What the small network proposes, before it is bounded."""
        view = functional.adaptive_avg_pool2d(central_square(pixels), VIEW_SIZE)
        side = torch.full_like(signal[:, :1], math.log(frame_side(pixels)) - 4.6)
        seen = [self.look(shape_stretch(view)), growth_shape(signal), side, sizes]
        raw: Tensor = self.propose(torch.cat(seen, dim=1))
        return raw

    def crop(
        self,
        pixels: Float[Tensor, "galaxy 1 height width"],
        theta: Float[Tensor, "galaxy 2 3"],
        signal: Float[Tensor, "galaxy radius"],
    ) -> Crop:
        """The crops that `theta` cuts out."""
        along = self.freedom.along_axes
        views = [resample(pixels, theta, self.crop_size, share, along) for share in self.shares]
        sampling = crop_sampling(pixels, theta, self.crop_size)
        return Crop(views[0], tuple(views[1:]), signal, theta, crop_zoom(theta), sampling)


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


def about(
    theta: Float[Tensor, "galaxy 2 3"], centre: Float[Tensor, "galaxy 2"], height: int, width: int
) -> Float[Tensor, "galaxy 2 3"]:
    """The maps moved so that they are centred on the targets; `centre` is (x, y) [pixel]."""
    half = torch.tensor([width / 2, height / 2], dtype=theta.dtype, device=theta.device)
    return torch.cat([theta[:, :, :2], theta[:, :, 2:] + (centre / half)[..., None]], dim=2)


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
    share: float = 1.0,
    along_axes: bool | None = None,
) -> Float[Tensor, "galaxy 1 crop_height crop_width"]:
    """Frames seen through `theta`; of the crop, the middle `share` of its side.

    `along_axes` says whether the maps keep to the axes; if not given, they are looked at.
    """
    height, width = pixels.shape[-2:]
    half = torch.tensor([width / 2, height / 2], dtype=theta.dtype, device=theta.device)
    sampling = crop_sampling(pixels, theta, crop_size) * share
    if along_axes if along_axes is not None else keeps_axes(theta, height, width):
        return resample_along_axes(pixels, theta[:, :, 2] * half, sampling, crop_size)
    inner = torch.cat([theta[:, :, :2] * share, theta[:, :, 2:]], dim=2)
    return resample_by_grid(pixels, inner, sampling, crop_size)


def keeps_axes(theta: Float[Tensor, "galaxy 2 3"], height: int, width: int) -> bool:
    """Whether the maps into frames of this size only zoom and shift."""
    stretched = (theta[:, 0, 0] * width - theta[:, 1, 1] * height).abs() > 1e-4 * width
    return not bool(theta[:, 0, 1].any() or theta[:, 1, 0].any() or stretched.any())


def crop_zoom(
    theta: Float[Tensor, "galaxy 2 3"],
) -> Float[Tensor, " galaxy"]:
    """The crop's side over the frame's, geometric mean of the two axes."""
    area: Tensor = torch.linalg.det(theta[:, :, :2])
    return area.clamp(min=LEAST_ZOOM**2 / 10).sqrt()


def crop_sampling(
    pixels: Float[Tensor, "galaxy 1 height width"],
    theta: Float[Tensor, "galaxy 2 3"],
    crop_size: int,
) -> Float[Tensor, " galaxy"]:
    """The side of one crop pixel [input pixel]."""
    return crop_zoom(theta) * (frame_side(pixels) / crop_size)
