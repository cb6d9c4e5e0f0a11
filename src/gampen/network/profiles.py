"""Profiles: how a galaxy's light falls off along its own ellipses, and how long these are.

Circles see all of the light but not where an inclined disk keeps it, and beyond its minor axis they
add more noise than light. Here each galaxy gets one ellipse from its adaptive moments (Bernstein &
Jarvis 2002, doi:10.1086/338085), and each pixel is shared between the two nearest of a set of
ellipses of that shape, spaced evenly in the logarithm of their size around the half-light radius.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gampen.network.growth import Growth, Views

RINGS = 18
SMALLEST, LARGEST = 0.12, 5.0  # radii of the first and the last ellipse [seen radius]
WINDOW = 0.85  # standard deviation of the window [seen radius]: that of a Gaussian's light
ROUNDS = 3
MOST_ELONGATED = 0.95  # (1 - q^2) / (1 + q^2), at most
FAINT = 8.0  # S/N of the light in the window at which half of its elongation is believed
STRETCH, LIMIT = 12.0, 4.0
NUMBERS = 2 * RINGS + 2


@dataclass(frozen=True)
class Tiling:
    """How the views of a crop tile it, each place being taken from the finest view that shows it.

    `places` of the pixels in each view, finest first; `side` of each pixel [pixel of the crop]; and
    of its place from the centre x^2 + y^2, x^2 - y^2 and 2 x y.
    """

    places: tuple[Int[Tensor, " _place"], ...]
    side: Float[Tensor, " pixel"]
    moments: Float[Tensor, "3 pixel"]

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, size: int, shares: tuple[float, ...], device: torch.device) -> Tiling:
        """Views of `size` pixels along each side that take these shares of the crop's, from low."""
        axis = torch.arange(size, device=device) - (size - 1) / 2
        x, y = axis.repeat(size), axis.repeat_interleave(size)
        reach = torch.maximum(x.abs(), y.abs()) / (size / 2)
        finer = (0.0, *shares[:-1])
        pairs = zip(shares, finer, strict=True)
        places = tuple((reach > inner / share).nonzero()[:, 0] for share, inner in pairs)
        side = torch.cat([torch.full_like(x[p], s) for p, s in zip(places, shares, strict=True)])
        x, y = (side * torch.cat([axis[p] for p in places]) for axis in (x, y))
        return cls(places, side, torch.stack([x * x + y * y, x * x - y * y, 2 * x * y]))

    def light(
        self, views: list[Float[Tensor, "galaxy 1 size size"]]
    ) -> Float[Tensor, "galaxy pixel"]:
        """The light in each pixel, from views of mean brightness, finest first."""
        pairs = zip(views, self.places, strict=True)
        light = [view.flatten(1).index_select(1, place) for view, place in pairs]
        return torch.cat(light, dim=1) * self.side.square()


@dataclass(frozen=True)
class Ellipse:
    """Concentric ellipses of one shape; all tensors [galaxy 1].

    `along` and `athwart` are (1 - q^2) / (1 + q^2) of the axis ratio q, times cosine and sine of
    twice the position angle.
    """

    along: Float[Tensor, "galaxy 1"]
    athwart: Float[Tensor, "galaxy 1"]

    @classmethod
    def round(cls, like: Float[Tensor, "galaxy 1"]) -> Ellipse:
        """Circles."""
        return cls(torch.zeros_like(like), torch.zeros_like(like))

    @property
    def elongation(self) -> Float[Tensor, "galaxy 1"]:
        """(1 - q^2) / (1 + q^2)."""
        return torch.hypot(self.along, self.athwart)

    def scaled(self, share: Tensor) -> Ellipse:
        """With so much of its elongation."""
        return Ellipse(share * self.along, share * self.athwart)

    def bounded(self) -> Ellipse:
        """No longer than the most elongated."""
        size = self.elongation.clamp(min=1e-9)
        return self.scaled(size.clamp(max=MOST_ELONGATED) / size)

    def square_radius(self, moments: Float[Tensor, "3 pixel"]) -> Float[Tensor, "galaxy pixel"]:
        """The area over pi of the ellipse through each pixel [square of the moments' length]."""
        norm = (1 - self.elongation.square()).sqrt()
        weights = torch.cat([torch.ones_like(norm), -self.along, -self.athwart], dim=1) / norm
        return weights @ moments


@torch.no_grad()
def ellipse_of(
    light: Float[Tensor, "galaxy pixel"],
    noise: Float[Tensor, "galaxy pixel"],
    moments: Float[Tensor, "3 pixel"],
    radius: Float[Tensor, "galaxy 1"],
) -> Ellipse:
    """The ellipse of a galaxy's moments in a window of its own shape; rounder where it is faint.

    `radius` of the circle that holds half of the light, in the length that the moments are in.
    """
    ellipse = Ellipse.round(radius)
    scale = -0.5 / (WINDOW * radius).square()
    errors = (noise * (scale * moments[0]).exp()).square().sum(dim=1, keepdim=True).sqrt()
    for _ in range(ROUNDS):
        seen = light * (scale * ellipse.square_radius(moments)).exp()
        trace, plus, cross = (seen @ moments.mT)[:, :, None].unbind(1)
        trace = trace.clamp(min=0) + radius.square() * errors + 1e-9
        # of a Gaussian, each look sees the mean of its shape and the window's
        double = Ellipse(2 * plus / trace - ellipse.along, 2 * cross / trace - ellipse.athwart)
        ellipse = double.bounded()
    signal = (seen.sum(dim=1, keepdim=True).clamp(min=0) / (errors + 1e-9)).square()
    return ellipse.scaled(signal / (signal + FAINT**2))


def profile(
    views: Views, symmetric: Views, sampling: Float[Tensor, " galaxy"], growth: Growth
) -> Float[Tensor, "galaxy number"]:
    """Light on ellipses over the whole, raw and cleaned by symmetry; elongation, log axis ratio.

    `views` of a crop of `sampling` [pixel], raw and `symmetric`; `growth` is that of the latter.
    """
    finest_first = tuple(sorted(views))
    tiling = Tiling.of(views[1.0].shape[-1], finest_first, sampling.device)
    whole, cleaned = (
        tiling.light([seen[share] for share in finest_first]) for seen in (views, symmetric)
    )
    radius = (growth.log_radius.detach().exp() / sampling.detach())[:, None]
    noise = tiling.side / sampling.detach()[:, None]
    ellipse = ellipse_of(cleaned.detach(), noise, tiling.moments, radius)
    share = sampling.square()[:, None] / growth.total[:, None]
    rank = _rank(ellipse.square_radius(tiling.moments), radius)
    told = [STRETCH * share * _on_rings(light, rank) for light in (whole, cleaned)]
    axis_ratio = 0.5 * ((1 - ellipse.elongation) / (1 + ellipse.elongation)).log()
    rings = torch.cat(told, dim=1).clamp(-LIMIT, LIMIT) - 0.5
    return torch.cat([rings, 2 * ellipse.elongation, axis_ratio], dim=1)


def _rank(
    square_radius: Float[Tensor, "galaxy pixel"], radius: Float[Tensor, "galaxy 1"]
) -> Float[Tensor, "galaxy pixel"]:
    """Between which ellipses each pixel lies, counted from the smallest."""
    step = math.log(LARGEST / SMALLEST) / (RINGS - 1)
    logs = (square_radius / (SMALLEST * radius).square()).clamp(min=1e-9).log()
    return (logs / (2 * step)).clamp(0, RINGS - 1 - 1e-4).nan_to_num(0.0)


def _on_rings(
    light: Float[Tensor, "galaxy pixel"], rank: Float[Tensor, "galaxy pixel"]
) -> Float[Tensor, "galaxy ring"]:
    """Each pixel's light shared between the two nearest ellipses."""
    inner = rank.long()
    outwards = light * (rank - inner)
    rings = light.new_zeros(len(light), RINGS)
    return rings.scatter_add(1, inner, light - outwards).scatter_add(1, inner + 1, outwards)
