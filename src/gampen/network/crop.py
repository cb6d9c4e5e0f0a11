"""The part of a frame that the network looks at."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Crop:
    """The part of each frame that the network looks at.

    `pixels` [sky sigma per input pixel]; `inner`: the same of smaller parts of its middle;
    `signal`: the light inside circles, as `gampen.network.apertures.aperture_signal` gives it;
    `theta` maps the crop's square to the frame's, both [-1, 1]^2 from edge to edge; `zoom` is the
    crop's side over the frame's (geometric mean of the two axes); `sampling` the side of one crop
    pixel [input pixel].
    """

    pixels: Float[Tensor, "galaxy 1 crop_height crop_width"]
    inner: tuple[Float[Tensor, "galaxy 1 crop_height crop_width"], ...]
    signal: Float[Tensor, "galaxy radius"]
    theta: Float[Tensor, "galaxy 2 3"]
    zoom: Float[Tensor, " galaxy"]
    sampling: Float[Tensor, " galaxy"]

    def views(self, shares: tuple[float, ...]) -> dict[float, Float[Tensor, "galaxy 1 size size"]]:
        """The crop and its inner parts, by the shares of its side that they take."""
        return dict(zip(shares, (self.pixels, *self.inner), strict=True))

    @property
    def side(self) -> Float[Tensor, " galaxy"]:
        """The crop's side [input pixel]."""
        return self.sampling * self.pixels.shape[-1]
