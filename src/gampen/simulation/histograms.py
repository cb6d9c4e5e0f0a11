"""Draws from histograms between limits: the inverse of a cumulative count that rises in lines."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gampen.settings import LOGARITHMIC, HistogramSettings


@dataclass(frozen=True)
class Cumulative:
    """The share of galaxies below each edge of a histogram; edges in ln where that is asked for."""

    edges: Float64[Tensor, " edge"]
    below: Float64[Tensor, " edge"]
    logarithmic: bool

    @classmethod
    def of(cls, histogram: HistogramSettings) -> Cumulative:
        """That of a histogram, evenly inside each bin."""
        logarithmic = histogram.quantity in LOGARITHMIC
        edges = torch.tensor(histogram.edges, dtype=torch.float64)
        counts = torch.tensor((0.0, *histogram.counts), dtype=torch.float64)
        below = counts.cumsum(0) / counts.sum()
        return cls(edges.log() if logarithmic else edges, below, logarithmic)

    def share_below(self, value: Float[Tensor, " *any"]) -> Float64[Tensor, " *any"]:
        """The share of galaxies below a value."""
        place = value.double().log() if self.logarithmic else value.double()
        return interpolated(place, self.edges, self.below)

    def between(
        self,
        low: Float[Tensor, " *any"],
        high: Float[Tensor, " *any"],
        share: Float[Tensor, " *any"],
    ) -> Float[Tensor, " *any"]:
        """The value below which so large a share lies of those between the limits.

        The lower limit where they cross or no galaxies lie between them.
        """
        start, stop = self.share_below(low), self.share_below(high)
        wanted = torch.lerp(start, stop, share.double())
        place = interpolated(wanted, self.below, self.edges)
        value = place.exp() if self.logarithmic else place
        value = torch.where(stop > start, value, low.double())
        return torch.minimum(torch.maximum(value, low.double()), high.double()).to(share.dtype)


def interpolated(
    value: Float64[Tensor, " *any"],
    edges: Float64[Tensor, " edge"],
    heights: Float64[Tensor, " edge"],
) -> Float64[Tensor, " *any"]:
    """The height of a line through points that rise, level beyond the first and the last."""
    upper = torch.searchsorted(edges, value.contiguous(), right=True).clamp(1, len(edges) - 1)
    width = (edges[upper] - edges[upper - 1]).clamp(min=torch.finfo(torch.float64).tiny)
    along = ((value - edges[upper - 1]) / width).clamp(0, 1)
    return torch.lerp(heights[upper - 1], heights[upper], along)
