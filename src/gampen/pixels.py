"""What the pixels of a cutout must be: finite, of sensible number, mostly good and not flat."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float32, Shaped

from gampen.errors import GalaxyError

SMALLEST_SIDE = 16
"""[pixel] A cutout with a shorter side has no sky to measure its noise in."""

LARGEST_SIDE = 4096
"""[pixel] No galaxy is that wide: an image with a longer side is a field, not a cutout."""

SMALLEST_GOOD_SHARE = 0.25
"""Of a cutout's pixels; with fewer there is more guessed than seen."""

FLOAT32 = np.dtype(np.float32)


def clean_pixels(
    pixels: Shaped[np.ndarray, " ..."], bad: Bool[np.ndarray, " ..."]
) -> tuple[Float32[np.ndarray, "height width"], Bool[np.ndarray, "height width"], bool]:
    """Finite native float32 pixels, the map of bad ones, and whether there are none.

    `GalaxyError` where nothing is left.
    """
    if pixels.ndim != 2 or min(pixels.shape) < SMALLEST_SIDE or max(pixels.shape) > LARGEST_SIDE:
        size = " x ".join(str(side) for side in pixels.shape) or "a single number"
        small = pixels.ndim != 2 or min(pixels.shape) < SMALLEST_SIDE
        side = SMALLEST_SIDE if small else LARGEST_SIDE
        raise GalaxyError(
            f"a cutout must be an image of at {'least' if small else 'most'} {side} x {side} "
            f"pixels; got {size}"
        )
    if bad.size and bad.shape != pixels.shape:
        raise GalaxyError(f"mask and image must have one shape; got {bad.shape}, {pixels.shape}")
    if pixels.dtype.itemsize == FLOAT32.itemsize and pixels.dtype.kind == FLOAT32.kind:
        image = pixels.astype(FLOAT32, copy=False)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            image = pixels.astype(FLOAT32)
    # A single pixel that is not finite shows in one of these two.
    lowest, highest = np.minimum.reduce(image, None), np.maximum.reduce(image, None)
    if bad.size or not (math.isfinite(lowest) and math.isfinite(highest)):
        return masked_pixels(image, bad)
    check_contrast(lowest, highest)
    return image, np.zeros(image.shape, dtype=bool), True


def masked_pixels(
    image: Float32[np.ndarray, "height width"], bad: Bool[np.ndarray, " ..."]
) -> tuple[Float32[np.ndarray, "height width"], Bool[np.ndarray, "height width"], bool]:
    """The image, zero where it is not finite, the map of bad pixels, and whether there are none."""
    unusable = ~np.isfinite(image)
    if unusable.any():
        image = np.where(unusable, np.float32(0), image)
    if bad.size:
        unusable |= bad
    whole = not unusable.any()
    good = image if whole else image[~unusable]
    if good.size < SMALLEST_GOOD_SHARE * image.size:
        raise GalaxyError(
            f"at least {SMALLEST_GOOD_SHARE:.0%} of a cutout's pixels must be good; "
            f"got {good.size / image.size:.0%}: the others are masked or not finite"
        )
    check_contrast(good.min(), good.max())
    return image, unusable, whole


def check_contrast(lowest: np.float32, highest: np.float32) -> None:
    """Refuse, with a `GalaxyError`, an image whose good pixels are all alike."""
    if lowest == highest:
        raise GalaxyError(f"a cutout must have contrast; all good pixels are {lowest:g}")
