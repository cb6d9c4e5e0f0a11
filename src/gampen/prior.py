"""Priors: what was believed of galaxies before their images were seen, parameter by parameter.

>>> from gampen import LogUniform, Prior, Uniform
>>> prior = Prior({"bulge_to_total": Uniform(0, 1), "flux": LogUniform()})
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.errors import UsageError

LogDensity = Callable[[Mapping[str, Tensor]], Tensor]


class Law(ABC):
    """The density of one quantity, in its own units; one without finite limits has no norm."""

    @abstractmethod
    def log_prob(self, value: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """ln of the density, minus infinity where there is none."""


@dataclass(frozen=True)
class Uniform(Law):
    """The same density everywhere between two limits."""

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        """Refuse limits that hold nothing."""
        if not self.low <= self.high:
            raise UsageError(f"low must not be above high; got {self.low} and {self.high}")

    def log_prob(self, value: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """ln of the density."""
        width = self.high - self.low
        level = -math.log(width) if math.isfinite(width) else 0.0
        return _within(value, self.low, self.high, torch.full_like(value, level))


@dataclass(frozen=True)
class LogUniform(Law):
    """The same density of the logarithm everywhere between two limits above zero."""

    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        """Refuse limits that hold nothing."""
        if not 0 <= self.low <= self.high:
            raise UsageError(
                f"low must be 0 or more and not above high; got {self.low} and {self.high}"
            )

    def log_prob(self, value: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """ln of the density."""
        finite = self.low > 0 and math.isfinite(self.high)
        norm = math.log(math.log(self.high / self.low)) if finite else 0.0
        positive = value.clamp(min=torch.finfo(value.dtype).tiny)
        return _within(value, self.low, self.high, -positive.log() - norm)


@dataclass(frozen=True)
class Normal(Law):
    """A normal law of this mean and standard deviation."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        """Refuse a deviation that is none."""
        if not self.deviation > 0:
            raise UsageError(f"a deviation must be above 0; got {self.deviation}")

    def log_prob(self, value: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """ln of the density."""
        norm = math.log(self.deviation * math.sqrt(2 * math.pi))
        return -0.5 * ((value - self.mean) / self.deviation).square() - norm


@dataclass(frozen=True)
class LogNormal(Law):
    """A normal law of the logarithm: its median, and its standard deviation in e-folds."""

    median: float
    deviation: float

    def __post_init__(self) -> None:
        """Refuse a median or a deviation that is none."""
        if not (self.median > 0 and self.deviation > 0):
            raise UsageError(
                "a median and a deviation of logarithms must be above 0; "
                f"got {self.median} and {self.deviation}"
            )

    def log_prob(self, value: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """ln of the density."""
        log_value = value.clamp(min=torch.finfo(value.dtype).tiny).log()
        normal = Normal(math.log(self.median), self.deviation).log_prob(log_value) - log_value
        return _within(value, 0.0, math.inf, normal)


@dataclass(frozen=True)
class Histogram(Law):
    """A density that is constant in bins: rising edges, and a weight for each bin."""

    edges: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse bins that are none."""
        rising = all(low < high for low, high in zip(self.edges, self.edges[1:], strict=False))
        if len(self.edges) != len(self.weights) + 1 or not rising or not sum(self.weights) > 0:
            raise UsageError(
                "a histogram needs rising edges, one more than weights, of which some are above 0; "
                f"got {len(self.edges)} edges and {len(self.weights)} weights"
            )

    def log_prob(self, value: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """ln of the density."""
        edges = torch.tensor(self.edges, dtype=value.dtype, device=value.device)
        weights = torch.tensor(self.weights, dtype=value.dtype, device=value.device)
        density = (weights / weights.sum() / edges.diff()).log()
        place = (torch.searchsorted(edges, value.contiguous()) - 1).clamp(0, len(weights) - 1)
        return _within(value, self.edges[0], self.edges[-1], density[place])


LAWS: dict[str, type[Law]] = {
    law.__name__: law for law in (Uniform, LogUniform, Normal, LogNormal, Histogram)
}


@dataclass(frozen=True)
class Prior:
    """Independent laws of some parameters, by name."""

    laws: Mapping[str, Law] = field(default_factory=dict)

    def log_prob(self, values: Mapping[str, Float[Tensor, " *any"]]) -> Float[Tensor, " *any"]:
        """ln of the density of the named values; `UsageError` where one of them is not given."""
        missing = self.laws.keys() - values.keys()
        if missing or not values:
            names, known = ", ".join(missing), ", ".join(values) or "no parameters"
            raise UsageError(
                f"a prior must be of parameters that there are; got {names} for {known}"
            )
        start = torch.zeros_like(next(iter(values.values())))
        return sum((law.log_prob(values[name]) for name, law in self.laws.items()), start)

    def over(self, before: Prior) -> LogDensity:
        """ln of the ratio to another prior, of the parameters that this one names.

        `UsageError` where the other says nothing of one of them.
        """
        unknown = sorted(self.laws.keys() - before.laws.keys())
        if unknown:
            raise UsageError(
                "a posterior must know the prior that it comes from; it knows none of "
                f"{', '.join(unknown)}: take it from the estimator that made it"
            )
        same = Prior({name: before.laws[name] for name in self.laws})

        def log_ratio(values: Mapping[str, Tensor]) -> Tensor:
            # Outside of the other's limits no galaxy was ever seen: a mixture's flanks there are
            # no more than flanks, and would else outweigh all that lies inside.
            known = same.log_prob(values)
            outside = known == -torch.inf
            ratio = self.log_prob(values) - known.masked_fill(outside, 0.0)
            return ratio.masked_fill(outside, -torch.inf)

        return log_ratio

    def to_json(self) -> str:
        """The prior as JSON text, from which `from_json` makes an equal one."""
        laws = {
            name: {"law": type(law).__name__, **_fields(law)} for name, law in self.laws.items()
        }
        return json.dumps(laws)

    @classmethod
    def from_json(cls, text: str) -> Prior:
        """The prior that `to_json` wrote; `UsageError` if the text is anything else."""
        try:
            return cls({name: _law(dict(found)) for name, found in json.loads(text).items()})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"a prior must be JSON as to_json writes it; got {text[:80]!r}"
            ) from error


def _fields(law: Law) -> dict[str, object]:
    return asdict(law)  # type: ignore[call-overload, no-any-return]


def _law(found: dict[str, object]) -> Law:
    kind = LAWS[str(found.pop("law"))]
    lists = {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
    return kind(**lists)


def _within(
    value: Float[Tensor, " *any"], low: float, high: float, inside: Float[Tensor, " *any"]
) -> Float[Tensor, " *any"]:
    return torch.where((value >= low) & (value <= high), inside, -torch.inf)
