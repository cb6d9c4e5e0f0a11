"""Small grey pictures of a galaxy for a page: its cutout, its model, and what is left over."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image

from gampen.cutouts import Cutout
from gampen.plotting.images import (
    LEAST_PEAK,
    SKY_MARGIN,
    DrawnCrop,
    bar_length,
    in_noise,
    stretch,
)

LARGEST_SIDE = 256
"""[pixel] of a picture; larger cutouts are averaged down."""

WIDEST = 5.0
"""[sky sigma] At which the colours of a residual end."""

# From blue through white to red: lightness falls alike on both sides.
ENDS = (np.array([33, 102, 172]), np.array([255, 255, 255]), np.array([178, 24, 43]))


@dataclass(frozen=True, eq=False)
class Picture:
    """What a page shows of one galaxy's image, as PNG files, first row at the bottom.

    `outline` holds the learned crop's corners (x, y) and `bar` the length of a scale bar and its
    text, in pixels of a picture `width` wide and `height` high; None where not known.
    """

    cutout: bytes
    width: int
    height: int
    outline: Float[np.ndarray, "4 2"] | None = None
    bar: tuple[float, str] | None = None
    model: bytes | None = None
    residual: bytes | None = None
    chi_square: float | None = None

    @classmethod
    def of(
        cls, cutout: Cutout, sky_sigma: float, theta: Float[np.ndarray, "2 3"] | None = None
    ) -> Picture:
        """The cutout [`sky_sigma`, in image units], with the outline of its crop."""
        height, width = cutout.shape
        known = replace(cutout, sky_sigma=sky_sigma) if sky_sigma > 0 else cutout
        scale, bar = cutout.pixel_scale, None
        if scale is not None:
            length = bar_length(width * scale)
            bar = (length / scale, f"{length:g}\N{DOUBLE PRIME}")
        image = in_noise(known)
        outline = None if theta is None else downwards(theta, height, width)
        return cls(grey(image, peak_of(image)), width, height, outline, bar)

    def explained(
        self, cutout: Cutout, sky_sigma: float, model: Shaped[np.ndarray, "height width"]
    ) -> Picture:
        """The same with a model [image units] of the cutout, and the cutout less it."""
        image = in_noise(replace(cutout, sky_sigma=sky_sigma))
        left = np.where(cutout.bad, 0.0, (cutout.pixels - model) / sky_sigma)
        return replace(self, model=grey(model / sky_sigma, peak_of(image)), residual=coloured(left))


def downwards(theta: Float[np.ndarray, "2 3"], height: int, width: int) -> Float[np.ndarray, "4 2"]:
    """A crop's corners from the upper left corner of a cutout's picture, y downwards [pixel]."""
    corners = DrawnCrop(theta, np.zeros((1, 1))).outline(height, width) + 0.5
    return np.stack([corners[:, 0], height - corners[:, 1]], axis=1)


def peak_of(image: Float[np.ndarray, "height width"]) -> float:
    """The brightness [sky sigma] that is drawn black."""
    return max(LEAST_PEAK, float(image.max()))


def grey(image: Float[np.ndarray, "height width"], peak: float) -> bytes:
    """An image [sky sigma] as PNG: sky nearly white, `peak` black."""
    low, high = stretch(np.array([[-SKY_MARGIN, peak]]))[0]
    share = (stretch(smaller(image)) - low) / (high - low)
    return png(np.round(255 * (1 - share.clip(0, 1))).astype(np.uint8))


def coloured(left: Float[np.ndarray, "height width"]) -> bytes:
    """What is left of an image [sky sigma] as PNG: too faint a model red, too bright blue."""
    place = np.round(127.5 + 127.5 * (smaller(left) / WIDEST).clip(-1, 1)).astype(np.uint8)
    return png(place, palette())


def palette() -> UInt8[np.ndarray, "256 3"]:
    """The colours of residuals, from -WIDEST to WIDEST."""
    share = np.linspace(-1, 1, 256)[:, None]
    low, middle, high = ENDS
    colours = np.where(share < 0, middle + (middle - low) * share, middle + (high - middle) * share)
    levels: np.ndarray = np.round(colours).astype(np.uint8)
    return levels


def smaller(image: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "rows columns"]:
    """The image, averaged over blocks of pixels where it is larger than a picture may be."""
    factor = math.ceil(max(image.shape) / LARGEST_SIDE)
    if factor == 1:
        return image
    rows, columns = (side // factor for side in image.shape)
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    averaged: np.ndarray = blocks.mean(axis=(1, 3))
    return averaged


def png(
    pixels: UInt8[np.ndarray, "height width"], colours: UInt8[np.ndarray, "256 3"] | None = None
) -> bytes:
    """The pixels as a PNG of grey levels, or of these colours; the same each time."""
    picture = Image.fromarray(np.ascontiguousarray(pixels[::-1]))
    if colours is not None:
        picture.putpalette(colours.tobytes(), "RGB")
    written = io.BytesIO()
    picture.save(written, "PNG", optimize=True)
    return written.getvalue()
