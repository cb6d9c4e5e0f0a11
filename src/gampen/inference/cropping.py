"""The learned crop of each galaxy as pixels, and where these lie in the galaxy's image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from gampen.cutouts import Cutout, Cutouts
from gampen.inference.sampling import AS_IS, Sampling, frames_of, lanes
from gampen.network.crop import Crop
from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.network.transformer import resample

LEAST_SEEN = 0.5
"""Of a crop pixel's weight on the frame; where more lies on bad pixels or outside, it is NaN."""

EDGE = 1e-3  # [pixel] that a crop must reach into a pixel for the pixel to be a part of it


@dataclass(frozen=True, eq=False)
class Cropped:
    """Pixels of a galaxy's crop, NaN where the image is bad or at an end, and where they lie.

    `pixels` [image units], as light in the area of one pixel of the image; `matrix` and `shift`
    lead from places in the crop to places in the image, `matrix @ crop + shift`, (x, y) from 0;
    `theta` from the crop's square to the image's, both [-1, 1]^2 from edge to edge; `zoom` is the
    crop's side over the image's; `sky_sigma` [image units] the noise that was measured.
    """

    pixels: Float32[np.ndarray, "height width"]
    matrix: Float64[np.ndarray, "2 2"]
    shift: Float64[np.ndarray, " 2"]
    theta: Float64[np.ndarray, "2 3"]
    zoom: float
    sky_sigma: float

    @property
    def area(self) -> float:
        """Of one of its pixels [image pixel]."""
        return abs(float(np.linalg.det(self.matrix)))

    @property
    def is_sound(self) -> bool:
        """Whether the network proposed a crop at all, and not numbers that are none."""
        return bool(np.isfinite(self.theta).all()) and math.isfinite(self.sky_sigma)

    def of_original(self, cutout: Cutout) -> Cropped:
        """The section of the image's own pixels that holds the crop; NaN beyond the image."""
        columns, rows = section(self.theta, cutout.shape)
        pixels = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
        height, width = cutout.shape
        inside = np.ix_(
            [0 <= row < height for row in rows], [0 <= column < width for column in columns]
        )
        image = np.where(cutout.bad, np.float32(np.nan), cutout.pixels)
        seen = image[
            max(rows.start, 0) : max(rows.stop, 0), max(columns.start, 0) : max(columns.stop, 0)
        ]
        pixels[inside] = seen
        shift = np.array([columns.start, rows.start], dtype=np.float64)
        return Cropped(pixels, np.eye(2), shift, self.theta, self.zoom, self.sky_sigma)


@torch.no_grad()
def crops(network: GampenNetwork, cutouts: Cutouts, sampling: Sampling = AS_IS) -> list[Cropped]:
    """What a network looks at of each galaxy, as it sees it in its first orientation."""
    network = network.to(sampling.device).eval()
    order = sorted(range(len(cutouts)), key=lambda galaxy: cutouts[galaxy].shape)
    found: dict[int, Cropped] = {}
    for _, group in groupby(order, key=lambda galaxy: cutouts[galaxy].shape):
        galaxies = list(group)
        members = [cutouts[galaxy] for galaxy in galaxies]
        found |= zip(galaxies, crops_of_one_shape(network, members, sampling), strict=True)
    return [found[galaxy] for galaxy in range(len(cutouts))]


def crops_of_one_shape(
    network: GampenNetwork, cutouts: list[Cutout], sampling: Sampling
) -> Iterator[Cropped]:
    """The crops of images of one shape, in the groups in which they are predicted."""
    place = 0
    for frames, filled in lanes(frames_of(cutouts, sampling)):
        crop = network.transformer(frames.pixels)
        group = cutouts[place : place + filled]
        seen = share_seen(network, crop, group)
        place += filled
        yield from cropped(frames, crop, seen)


def share_seen(
    network: GampenNetwork, crop: Crop, cutouts: list[Cutout]
) -> Float32[np.ndarray, "galaxy crop_height crop_width"]:
    """The share of each crop pixel's weight that lies on good pixels of the frame."""
    good = torch.from_numpy(np.stack([~cutout.bad for cutout in cutouts])).float()
    freedom, theta = network.transformer.freedom, crop.theta[: len(cutouts)]
    pixels = good[:, None].to(theta.device)
    seen = resample(pixels, theta, crop.pixels.shape[-1], along_axes=freedom.along_axes)
    share: Float32[np.ndarray, "galaxy crop_height crop_width"] = seen[:, 0].cpu().numpy()
    return share


def cropped(
    frames: Frames, crop: Crop, seen: Float32[np.ndarray, "galaxy crop_height crop_width"]
) -> Iterator[Cropped]:
    """The first galaxies of a group: as many as are told of."""
    scale: Tensor = frames.sky_sigma[:, None, None]
    images, shape = (crop.pixels[:, 0] * scale).cpu().numpy(), frames.pixels.shape[-2:]
    thetas, zooms = crop.theta.double().cpu().numpy(), crop.zoom.tolist()
    for galaxy, share in enumerate(seen):
        pixels = np.where(share >= LEAST_SEEN, images[galaxy], np.float32(np.nan))
        matrix, shift = pixel_map(thetas[galaxy], (shape[0], shape[1]), len(pixels))
        sigma = float(frames.sky_sigma[galaxy])
        yield Cropped(pixels, matrix, shift, thetas[galaxy], zooms[galaxy], sigma)


def pixel_map(
    theta: Float64[np.ndarray, "2 3"], shape: tuple[int, int], crop_size: int
) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]:
    """Matrix and shift from places in a crop to places in its frame, (x, y) from 0.

    Of the map from the crop's square to the frame's, whose edges are the pixels' outer edges.
    """
    half = np.array([shape[1], shape[0]]) / 2
    matrix = theta[:, :2] * half[:, None] * (2 / crop_size)
    middle = half * (1 + theta[:, 2]) - 0.5
    return matrix, middle - matrix @ np.full(2, (crop_size - 1) / 2)


def section(theta: Float64[np.ndarray, "2 3"], shape: tuple[int, int]) -> tuple[range, range]:
    """The columns and rows of the frame that a crop reaches into; some may lie beyond the frame."""
    half = np.array([shape[1], shape[0]]) / 2
    middle, reach = half * (1 + theta[:, 2]), half * np.abs(theta[:, :2]).sum(axis=1)
    low, high = np.floor(middle - reach + EDGE), np.ceil(middle + reach - EDGE)
    columns, rows = (range(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return columns, rows
