"""Images of galaxies with the learned crop drawn on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.patheffects import AbstractPathEffect, withStroke

from gampen.cutouts import Cutout
from gampen.network.transformer import resample
from gampen.plotting.style import INK, MUTED, OUTLINE, RULE, styled

COLOUR_MAP = "gray_r"
SOFTENING, SKY_MARGIN, LEAST_PEAK = 2.5, 1.0, 25.0
"""[sky sigma] Where the stretch turns logarithmic, where white lies below the sky, least black."""

ROUND_LENGTHS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
"""[arcsec] Lengths that a scale bar may have."""


@dataclass(frozen=True)
class DrawnCrop:
    """What the network looked at in one cutout.

    `theta` maps the crop's square to the cutout's, both [-1, 1]^2 from edge to edge; `pixels`
    [sky sigma] is the crop as resampled on that grid.
    """

    theta: Float[np.ndarray, "2 3"]
    pixels: Float[np.ndarray, "crop_height crop_width"]

    @classmethod
    def of(cls, cutout: Cutout, theta: Float[np.ndarray, "2 3"], side: int = 64) -> DrawnCrop:
        """The crop of `side` pixels each way that the network takes of a cutout through `theta`."""
        frame = torch.from_numpy(in_noise(cutout))[None, None].float()
        crop = resample(frame, torch.from_numpy(theta)[None].float(), side)
        return cls(theta, crop[0, 0].numpy())

    def outline(self, height: int, width: int) -> Float[np.ndarray, "4 2"]:
        """The crop's corners (x, y) [pixel] in a cutout of this size, counter-clockwise."""
        square = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], dtype=np.float64)
        corners: np.ndarray = (square @ self.theta.T + 1) / 2 * np.array([width, height]) - 0.5
        return corners


def stretch(pixels: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    """`arcsinh` of an image in units of its noise: linear in the sky, logarithmic in the galaxy."""
    return np.arcsinh(pixels.astype(np.float64) / SOFTENING)


def noise_of(pixels: Float[np.ndarray, "height width"]) -> float:
    """The scatter of the sky, from the differences of neighbours, which a galaxy hardly changes."""
    differences = np.abs(np.diff(pixels.astype(np.float64), axis=1))
    return 1.0484 * float(np.median(differences)) or float(differences.max()) or 1.0


def in_noise(cutout: Cutout) -> Float[np.ndarray, "height width"]:
    """A cutout's pixels above its median, in units of its sky sigma; bad ones are zero."""
    sky = float(np.median(cutout.pixels[~cutout.bad]))
    sigma = cutout.sky_sigma or noise_of(cutout.pixels)
    return np.where(cutout.bad, 0.0, (cutout.pixels - sky) / sigma)


def bar_length(extent: float) -> float:
    """The largest round length [arcsec] that is at most a third of `extent` [arcsec]."""
    fitting = [length for length in ROUND_LENGTHS if length <= extent / 3]
    return fitting[-1] if fitting else ROUND_LENGTHS[0]


def draw_image(axes: Axes, pixels: Float[np.ndarray, "height width"]) -> None:
    """Show an image [sky sigma], its first row at the bottom, in a thin frame without ticks."""
    lowest, highest = stretch(np.array([[-SKY_MARGIN, LEAST_PEAK]]))[0]
    shown = stretch(pixels)
    highest = max(float(highest), float(shown.max()))
    axes.imshow(shown, origin="lower", cmap=COLOUR_MAP, vmin=lowest, vmax=highest)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=RULE)


def draw_cutout(axes: Axes, cutout: Cutout, crop: DrawnCrop) -> None:
    """Show a cutout with the outline of its crop and, where the pixel scale is known, a bar."""
    draw_image(axes, in_noise(cutout))
    outline = crop.outline(*cutout.shape)
    axes.add_patch(Polygon(outline, fill=False, edgecolor=OUTLINE, linewidth=1.3))
    if cutout.pixel_scale is not None:
        draw_scale_bar(axes, cutout.shape, cutout.pixel_scale)


def draw_scale_bar(axes: Axes, shape: tuple[int, int], pixel_scale: float) -> None:
    """A bar of a round number of arcsec in the lower left corner, its length above it."""
    height, width = shape
    length = bar_length(width * pixel_scale)
    left, bottom = 0.05 * width, 0.05 * height
    ends = [left, left + length / pixel_scale]
    halo: list[AbstractPathEffect] = [withStroke(linewidth=2.5, foreground="white")]
    axes.plot(ends, [bottom] * 2, color=INK, lw=1.6, solid_capstyle="butt", path_effects=halo)
    text = axes.text(left, bottom + 0.03 * height, f"{length:g}″", fontsize=7, va="bottom")
    text.set_path_effects(halo)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5))


@styled
def contact_sheet(
    cutouts: Sequence[Cutout], crops: Sequence[DrawnCrop], labels: Sequence[str]
) -> Figure:
    """Many cutouts, each with its crop's outline and a label under it, up to six in a row."""
    columns = max(1, min(6, len(cutouts)))
    rows = max(1, math.ceil(len(cutouts) / columns))
    figure = Figure(figsize=(1.6 * columns, 1.85 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(cutouts) :]:
        axes.set_axis_off()
    for axes, cutout, crop, label in zip(grid.flat, cutouts, crops, labels, strict=False):
        draw_cutout(axes, cutout, crop)
        axes.set_xlabel(label, color=MUTED, fontsize=7.5)
    return figure
