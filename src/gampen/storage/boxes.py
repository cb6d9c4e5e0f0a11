"""Boxes of pixels around positions: how half pixels are rounded, and what lies beyond an edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Shaped

Shape = tuple[int, int]

TIE = 1e-5
"""[pixel] More than a position's error from the sky to the image and back."""


@dataclass(frozen=True)
class Box:
    """A square or oblong of pixels of an image, some of which may lie beyond the image's edges.

    `row` and `column` are those of its first pixel, counted from 0; both may be negative.
    """

    row: int
    column: int
    height: int
    width: int

    @classmethod
    def around(cls, x: float, y: float, side: int) -> Box:
        """The square of `side` pixels whose middle is nearest to a position.

        `x`, `y` [pixel] count from 0 at the centre of the first pixel. The middle of an odd side is
        a pixel's centre, that of an even one a corner. Where two squares are equally near, the one
        of lower rows and columns is it, as in `astropy.nddata.overlap_slices`: the position lies
        above -1/2 and at most 1/2 pixel from the middle along each axis. What arithmetic on
        the sky leaves over decides nothing: two within `TIE` count as equally near.
        """
        column, row = (math.ceil(place - side / 2 - TIE) for place in (x, y))
        return cls(row, column, side, side)

    def inside(self, shape: Shape) -> Box:
        """The part of the box that an image of a shape has; its sides are 0 where there is none."""
        bottom, left = (
            min(max(first, 0), size) for first, size in zip(self.first, shape, strict=True)
        )
        top = min(max(self.row + self.height, bottom), shape[0])
        right = min(max(self.column + self.width, left), shape[1])
        return Box(bottom, left, top - bottom, right - left)

    @property
    def first(self) -> tuple[int, int]:
        """Row and column of the first pixel."""
        return self.row, self.column

    @property
    def sides(self) -> Shape:
        """Height and width [pixel]."""
        return self.height, self.width

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.height * self.width

    def of(self, image: Shaped[np.ndarray, "height width"]) -> Shaped[np.ndarray, "rows columns"]:
        """The pixels of an image that holds the whole box; a view."""
        rows, columns = self.row + self.height, self.column + self.width
        return image[self.row : rows, self.column : columns]

    def padded(
        self, part: Shaped[np.ndarray, "rows columns"], shape: Shape, fill: float
    ) -> Shaped[np.ndarray, "height width"]:
        """The box's pixels, from those inside of an image of a shape; all others are `fill`."""
        found = self.inside(shape)
        if found == self:
            return part
        whole = np.full(self.sides, fill, dtype=part.dtype)
        row, column = found.row - self.row, found.column - self.column
        whole[row : row + found.height, column : column + found.width] = part
        return whole


def depths(
    x: Float64[np.ndarray, " galaxy"], y: Float64[np.ndarray, " galaxy"], shape: Shape
) -> Float64[np.ndarray, " galaxy"]:
    """How far inside of an image positions lie [pixel]: the distance to its nearest outer edge.

    Negative outside; the outer edges are half a pixel beyond the centres of the outer pixels.
    """
    height, width = shape
    sides = (x + 0.5, width - 0.5 - x, y + 0.5, height - 0.5 - y)
    nearest: Float64[np.ndarray, " galaxy"] = np.minimum.reduce(sides)
    return nearest
