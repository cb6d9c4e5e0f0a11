"""Modes and highest-density regions of the physical value, which may be several segments.

The density of the value is the mixture's over the bijection's slope. Between two neighbouring
critical points it is monotone, so that once these are known every edge of a region is the only root
in its bracket, and the probability of a region is a sum of the mixture's own distribution function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gampen.probability.densities import Density, slices
from gampen.probability.roots import Bracket, Functions, find_roots

SEGMENTS = 4
_POINTS = 64  # of the grid, for each component
_GALAXIES = 64  # on the grid at a time, so that memory stays bounded
_GRID_REACH, _EDGE_REACH = 4.0, 9.0  # standard deviations


@dataclass(frozen=True)
class Landscape:
    """The critical points of each galaxy's density of the value, in order, between two far edges.

    `points` are unconstrained; where a galaxy has fewer, the upper edge is repeated. `heights` are
    ln of the density of the value there.
    """

    density: Density
    points: Float[Tensor, "knot galaxy"]
    heights: Float[Tensor, "knot galaxy"]

    @classmethod
    def of(cls, density: Density) -> Landscape:
        """The landscape of each galaxy."""
        low, high = density.search_range(_EDGE_REACH)
        low, high = low.amin(dim=0), high.amax(dim=0)
        points = torch.cat([low.unsqueeze(0), _critical_points(density, high), high.unsqueeze(0)])
        return cls(density, points, density.log_value_density(points.T).T)

    @property
    def mode(self) -> Float[Tensor, " galaxy"]:
        """The unconstrained point at which the density of the value is highest."""
        best = self.heights.argmax(dim=0, keepdim=True)
        return self.points.gather(0, best).squeeze(0)

    def take(self, galaxies: Int[Tensor, " taken"]) -> Landscape:
        """The landscapes of some galaxies."""
        return Landscape(
            self.density.take(galaxies), self.points[:, galaxies], self.heights[:, galaxies]
        )

    def region(self, level: float) -> Float[Tensor, "galaxy segment edge"]:
        """The unconstrained segments whose probability is `level` and whose density is highest."""
        wanted = math.sqrt(2) * torch.erfinv(torch.tensor(level, dtype=torch.float64)).item()
        low, high = self._depth_range(wanted)
        width = high - low

        # Segments open and merge at the ends of the range, where the probability goes like a square
        # root; of an angle whose cosine is the place within the range, it goes smoothly.
        def excess(which: Tensor) -> Functions:
            some, base, span = self.take(which), low[which], width[which]

            def functions(angle: Tensor) -> tuple[Tensor, Tensor]:
                depth = base + span * (0.5 * angle).sin().square()
                deviations, slope = some.crossings(depth).deviations(depth)
                return deviations - wanted, slope * 0.5 * span * angle.sin()

            return functions

        start = 2 * ((wanted - low) / width).clamp(0, 1).sqrt().asin()
        half_turn = torch.full_like(start, math.pi)
        rising = torch.ones(1, dtype=torch.bool)
        angle = find_roots(excess, Bracket(0 * half_turn, half_turn, start, rising), flat=1e-9)
        crossings = self.crossings(low + width * (0.5 * angle).sin().square())
        return _segments(*crossings.places(len(self.points) - 1, len(angle)))

    def _depth_range(self, wanted: float) -> tuple[Float[Tensor, " galaxy"], ...]:
        """The depths of two neighbouring knots whose regions are too small and too large."""
        depths = (2 * (self.heights.amax(dim=0) - self.heights)).sqrt()
        # A little above the edges, so that a region always ends within them.
        high = torch.minimum(depths[0], depths[-1]) * (1 - 1e-9)
        low = torch.full_like(high, 1e-8)
        knot, galaxy = ((depths > low) & (depths < high)).nonzero(as_tuple=True)
        depth = depths[knot, galaxy]
        large = self.take(galaxy).crossings(depth).deviations(depth)[0] > wanted
        low = low.scatter_reduce(0, galaxy[~large], depth[~large], "amax")
        return low, high.scatter_reduce(0, galaxy[large], depth[large], "amin")

    def crossings(self, depth: Float[Tensor, " galaxy"]) -> Crossings:
        """The crossings of the level `depth**2 / 2` below the top, in ln of the density."""
        level = self.heights.amax(dim=0) - 0.5 * depth.square()
        higher = self.heights > level
        interval, galaxy = (higher[1:] != higher[:-1]).nonzero(as_tuple=True)
        falls, density = higher[interval, galaxy], self.density.take(galaxy)
        goal = level[galaxy]

        def gap(which: Tensor) -> Functions:
            some, wanted = density.take(which), goal[which]

            def functions(points: Tensor) -> tuple[Tensor, Tensor]:
                height, slope = some.log_value_density_and_slope(points)
                return height - wanted, slope

            return functions

        bracket = self._crossing_bracket(interval, galaxy, falls, goal)
        return Crossings(density, find_roots(gap, bracket, flat=1e-11), falls, interval, galaxy)

    def _crossing_bracket(
        self,
        interval: Int[Tensor, " crossing"],
        galaxy: Int[Tensor, " crossing"],
        falls: Bool[Tensor, " crossing"],
        goal: Float[Tensor, " crossing"],
    ) -> Bracket:
        """Where the crossings lie; ln of the density falls from a maximum like a parabola."""
        low, high = self.points[interval, galaxy], self.points[interval + 1, galaxy]
        left, right = self.heights[interval, galaxy], self.heights[interval + 1, galaxy]
        way = ((torch.maximum(left, right) - goal) / (left - right).abs()).sqrt()
        start = torch.where(falls, low + way * (high - low), high - way * (high - low))
        return Bracket(low, high, start, ~falls)


@dataclass(frozen=True)
class Crossings:
    """Where the density of the value crosses a level: unconstrained `points`, one a crossing."""

    density: Density
    points: Float[Tensor, " crossing"]
    falls: Bool[Tensor, " crossing"]
    interval: Int[Tensor, " crossing"]
    galaxy: Int[Tensor, " crossing"]

    def deviations(
        self, depth: Float[Tensor, " galaxy"]
    ) -> tuple[Float[Tensor, " galaxy"], Float[Tensor, " galaxy"]]:
        """The probability above the level, as half the width of a standard normal, and its slope.

        The slope is by the depth of the level.
        """
        sign = torch.where(self.falls, 1.0, -1.0).to(self.points.dtype)
        probability = torch.zeros_like(depth)
        probability.index_add_(0, self.galaxy, sign * self.density.below(self.points))
        density = self.density.log_point_density(self.points).exp()
        # The area that each crossing adds as the level sinks.
        gain = density / self.density.value_score(self.points).abs()
        deviations = math.sqrt(2) * probability.clamp(0, 1 - 1e-15).erfinv()
        slope = torch.zeros_like(depth).index_add_(0, self.galaxy, gain) * depth
        return deviations, slope * math.sqrt(math.pi / 2) * (0.5 * deviations.square()).exp()

    def places(self, intervals: int, galaxies: int) -> Float[Tensor, "2 interval galaxy"]:
        """Where the density rises and where it falls through the level, NaN where it does not."""
        places = self.points.new_full((2, intervals, galaxies), torch.nan)
        places[self.falls.long(), self.interval, self.galaxy] = self.points
        return places


def _critical_points(
    density: Density, filler: Float[Tensor, " galaxy"]
) -> Float[Tensor, "critical galaxy"]:
    """The unconstrained points at which the density of the value is flat, in order."""
    parts = slices(len(density), _GALAXIES)
    found = [_Turns.of(density.take(part), part.start) for part in parts]
    turns = _Turns(*(torch.cat(each) for each in zip(*found, strict=True)))
    nearby = density.take(turns.galaxy)

    def score(which: Tensor) -> Functions:
        return nearby.take(which).value_score_and_slope

    middle = 0.5 * (turns.low + turns.high)
    bracket = Bracket(turns.low, turns.high, middle, turns.rising)
    width = int(turns.place.max()) + 1 if len(turns.place) else 0
    points = filler.expand(width, -1).clone()
    points[turns.place, turns.galaxy] = find_roots(score, bracket)
    return points


class _Turns(NamedTuple):
    """Cells of the grid within which the density of the value turns, each the nth of its galaxy."""

    galaxy: Int[Tensor, " turn"]
    place: Int[Tensor, " turn"]
    low: Float[Tensor, " turn"]
    high: Float[Tensor, " turn"]
    rising: Bool[Tensor, " turn"]  # whether the slope goes up through zero there

    @classmethod
    def of(cls, density: Density, first: int) -> _Turns:
        """Those of some galaxies, the first of which has this number."""
        grid = _grid(density)
        rising = density.value_score(grid) > 0
        turns = rising[:, 1:] != rising[:, :-1]
        at = turns.nonzero(as_tuple=True)
        galaxy, cell = at
        place = (turns.cumsum(dim=1) - 1)[at]
        after = galaxy, cell + 1
        return cls(galaxy + first, place, grid[at], grid[after], rising[after])


def _grid(density: Density) -> Float[Tensor, "galaxy point"]:
    """Points that resolve every component, in order: all critical points lie between its ends."""
    low, high = density.search_range(_GRID_REACH)
    steps = torch.linspace(0, 1, _POINTS, dtype=low.dtype, device=low.device)
    points = low.unsqueeze(-1) + (high - low).unsqueeze(-1) * steps
    return points.movedim(0, 1).flatten(1).sort(dim=1)[0]


def _segments(
    rises: Float[Tensor, "interval galaxy"], falls: Float[Tensor, "interval galaxy"]
) -> Float[Tensor, "galaxy segment edge"]:
    """The segments of each galaxy, in order, padded with NaN.

    Where there are more than `SEGMENTS`, those with the narrowest gaps between them are joined.
    """
    starts, ends = rises.T.sort(dim=1)[0], falls.T.sort(dim=1)[0]
    missing = starts.new_full((len(starts), SEGMENTS), torch.nan)
    starts, ends = torch.cat([starts, missing], dim=1), torch.cat([ends, missing], dim=1)
    if bool((~starts[:, SEGMENTS].isnan()).any()):
        starts, ends = _join(starts, ends)
    return torch.stack([starts[:, :SEGMENTS], ends[:, :SEGMENTS]], dim=-1)


def _join(
    starts: Float[Tensor, "galaxy segment"], ends: Float[Tensor, "galaxy segment"]
) -> tuple[Float[Tensor, "galaxy segment"], Float[Tensor, "galaxy segment"]]:
    """The segments on either side of the widest gaps, as one each."""
    gaps = (starts[:, 1:] - ends[:, :-1]).nan_to_num(nan=-torch.inf)
    order = gaps.argsort(dim=1, descending=True, stable=True)[:, : SEGMENTS - 1]
    kept: Bool[Tensor, "galaxy gap"] = torch.zeros_like(gaps, dtype=torch.bool)
    kept = kept.scatter(1, order, value=True) & starts[:, 1:].isfinite()
    last = starts.isnan().logical_not().sum(dim=1, keepdim=True) - 1
    final = ends.gather(1, last.clamp(min=0))
    after = torch.where(kept, starts[:, 1:], torch.nan).sort(dim=1)[0]
    before = torch.where(kept, ends[:, :-1], torch.nan)
    closing = torch.cat([before, final], dim=1).sort(dim=1)[0]
    return torch.cat([starts[:, :1], after], dim=1), closing
