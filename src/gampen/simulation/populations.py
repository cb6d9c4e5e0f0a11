"""Galaxies of a catalogue as the joint law of what is known of each: rows drawn, or smoothed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gampen.errors import UsageError
from gampen.settings import LOGARITHMIC, PriorSettings, SimulationSettings
from gampen.simulation.priors import Aperture, Draw, Known, radius_limits

RADIUS = "effective_radius"


@dataclass(frozen=True, eq=False)
class Sample:
    """Galaxies by rising radius, where that is known, in quantities of which some are in ln.

    `below`: the share of the weight in earlier rows, one more than rows; `kernel` a factor of the
    covariance that smooths; `low` and `high` the ends of the prior.
    """

    names: tuple[str, ...]
    rows: Float64[Tensor, "row quantity"]
    below: Float64[Tensor, " edge"]
    kernel: Float64[Tensor, "quantity quantity"]
    low: Float64[Tensor, " quantity"]
    high: Float64[Tensor, " quantity"]

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Float64[Tensor, " row"]],
        weight: Float64[Tensor, " row"],
        prior: PriorSettings,
        smoothing: float,
    ) -> Sample:
        """The rows whose values are all known and within the prior's ranges.

        `UsageError` where there are fewer than two.
        """
        names = tuple(columns)
        rows = torch.stack([as_drawn(name, column) for name, column in columns.items()], dim=1)
        ends = torch.tensor([getattr(prior, name) for name in names], dtype=torch.float64)
        low, high = (
            torch.stack([as_drawn(name, one) for name, one in zip(names, side, strict=True)])
            for side in ends.mT
        )
        inside = ((rows >= low) & (rows <= high)).all(dim=1) & (weight > 0) & weight.isfinite()
        if int(inside.sum()) < 2:
            raise UsageError(
                f"a catalogue must have two galaxies or more within the prior's ranges of "
                f"{', '.join(names)}; it has {int(inside.sum())} of {len(rows)}"
            )
        rows, weight = rows[inside], weight[inside]
        if RADIUS in names:
            order = rows[:, names.index(RADIUS)].argsort(stable=True)
            rows, weight = rows[order], weight[order]
        below = torch.cat([torch.zeros(1, dtype=torch.float64), weight.cumsum(0) / weight.sum()])
        return cls(names, rows, below, kernel_of(rows, weight, smoothing), low, high)

    def __len__(self) -> int:
        """The number of rows that may be drawn."""
        return len(self.rows)

    def draw(
        self, draw: Draw, least: Float[Tensor, " galaxy"], most: Float[Tensor, " galaxy"]
    ) -> dict[str, Float[Tensor, " galaxy"]]:
        """What is known of a galaxy for each, its radius [arcsec] between limits of its own.

        The nearest row, its radius brought inside, where no row's is. What smoothing takes beyond
        an end comes back from it as from a mirror.
        """
        low, high = (end.expand(draw.galaxies, -1).clone() for end in (self.low, self.high))
        if RADIUS in self.names:
            place = self.names.index(RADIUS)
            low[:, place] = least.double().log()
            high[:, place] = torch.maximum(most.double().log(), low[:, place])
        values = self.rows[self._chosen(draw, low, high)]
        if bool(self.kernel.any()):
            values = values + draw.normal(1.0, len(self.names)).double() @ self.kernel.mT
            values = mirrored(values, low, high)
        values = torch.minimum(torch.maximum(values, low), high).float()
        return {name: as_is(name, values[:, n]) for n, name in enumerate(self.names)}

    def _chosen(self, draw: Draw, low: Tensor, high: Tensor) -> Int[Tensor, " galaxy"]:
        """A row for each galaxy, by weight, among those whose radius lies between its limits."""
        first = torch.zeros(draw.galaxies, dtype=torch.int64)
        last = torch.full_like(first, len(self.rows))
        if RADIUS in self.names:
            place = self.names.index(RADIUS)
            radii = self.rows[:, place].contiguous()
            first = torch.searchsorted(radii, low[:, place].contiguous())
            last = torch.searchsorted(radii, high[:, place].contiguous(), right=True)
        wanted = torch.lerp(self.below[first], self.below[last], draw.share().double())
        row = torch.searchsorted(self.below, wanted, right=True) - 1
        row = torch.minimum(torch.maximum(row, first), (last - 1).clamp(min=0))
        return row.clamp(max=len(self.rows) - 1)


def draw_known(
    draw: Draw, settings: SimulationSettings, aperture: Aperture, sample: Sample | None
) -> Known:
    """What a catalogue says of each galaxy; nothing without one."""
    if sample is None:
        return {}
    least, most = radius_limits(settings.prior, settings.survey, aperture)
    scale = settings.survey.pixel_scale
    return sample.draw(draw, least * scale, most * scale)


def as_drawn(name: str, values: Float64[Tensor, " *any"]) -> Float64[Tensor, " *any"]:
    """Values as they are drawn: some in their logarithm."""
    return values.log() if name in LOGARITHMIC else values


def as_is(name: str, values: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
    """Drawn values as they are."""
    return values.exp() if name in LOGARITHMIC else values


def kernel_of(
    rows: Float64[Tensor, "row quantity"], weight: Float64[Tensor, " row"], smoothing: float
) -> Float64[Tensor, "quantity quantity"]:
    """A square root of the smoothing kernel's covariance, in bandwidths of Scott's rule.

    D. W. Scott, Multivariate Density Estimation (1992, doi:10.1002/9780470316849), with the
    effective number of rows.
    """
    number, quantities = float(weight.sum() ** 2 / weight.square().sum()), rows.shape[1]
    covariance = torch.cov(rows.mT, aweights=weight).reshape(quantities, quantities)
    values, vectors = torch.linalg.eigh(covariance)
    bandwidth = smoothing * math.pow(number, -1 / (quantities + 4))
    root: Tensor = vectors * (bandwidth * values.clamp(min=0).sqrt())
    return root


def mirrored(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Values folded back at both ends, as often as it takes."""
    span = (high - low).clamp(min=math.ulp(1.0))
    along = torch.remainder(values - low, 2 * span)
    folded: Tensor = low + torch.minimum(along, 2 * span - along)
    return folded
