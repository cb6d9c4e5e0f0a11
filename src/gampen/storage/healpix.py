"""HEALPix: equal areas of the sky by number (Gorski et al. 2005, doi:10.1086/427976), nested."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float64, Int64

FACES = 12
FINEST = 29
"""Order of the smallest pixels whose numbers fit into 64 bits: 0.4 milliarcseconds."""

Degrees = Float64[np.ndarray, " galaxy"]
Places = Int64[np.ndarray, " galaxy"]


def pixels_at(ra: Degrees, dec: Degrees, order: int) -> Places:
    """The nested number of the pixel of an order that holds each position [deg].

    Declinations must lie within 90 degrees, and all must be finite.
    """
    quarter = np.mod(ra, 360) / 90  # of a turn, from 0 to 4
    sine = np.sin(np.radians(dec))
    belt = np.abs(sine) <= 2 / 3
    face, x, y = np.where(belt, _in_belt(quarter, sine, order), _in_caps(quarter, dec, order))
    found: Places = (face << (2 * order)) + _spread(x) + 2 * _spread(y)
    return found


def _in_belt(quarter: Degrees, sine: Degrees, order: int) -> Int64[np.ndarray, "3 galaxy"]:
    """Face and coordinates in it around the equator, where lines of pixels are straight."""
    side = 1 << order
    across, up = side * (0.5 + quarter), side * sine * 0.75
    rising, falling = (across - up).astype(np.int64), (across + up).astype(np.int64)
    east, west = rising >> order, falling >> order
    north = np.where(east < west, east & 3, (west & 3) + 8)
    face = np.where(east == west, (east & 3) + 4, north)
    return np.stack([face, falling & (side - 1), side - 1 - (rising & (side - 1))])


def _in_caps(quarter: Degrees, dec: Degrees, order: int) -> Int64[np.ndarray, "3 galaxy"]:
    """Face and coordinates in it around the poles."""
    side = 1 << order
    sector = np.minimum(quarter.astype(np.int64), 3)
    # sqrt(3 (1 - |sin dec|)), without the loss of digits at the pole.
    reach = side * math.sqrt(6) * np.sin(np.radians(90 - np.abs(dec)) / 2)
    share = quarter - sector
    right, left = (
        np.minimum((part * reach).astype(np.int64), side - 1) for part in (share, 1 - share)
    )
    north: Bool[np.ndarray, " galaxy"] = dec >= 0
    x, y = np.where(north, side - 1 - left, right), np.where(north, side - 1 - right, left)
    return np.stack([np.where(north, sector, sector + 8), x, y])


def _spread(number: Places) -> Places:
    """The bits of a number on the even places of another."""
    masks = (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    )
    for shift, mask in masks:
        number = (number | (number << shift)) & mask
    return number
