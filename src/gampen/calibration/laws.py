"""Distributions of single coordinates, as far as a bound or a Markov chain must know them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from gampen.settings import Range

_NODES = 4096


class Law(ABC):
    """The distribution of one coordinate."""

    @property
    @abstractmethod
    def variance(self) -> float:
        """Its variance."""

    @abstractmethod
    def log_density(self, value: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """ln of its density up to a constant; minus infinity where it is nought."""


@dataclass(frozen=True)
class Known(Law):
    """A coordinate that is not asked for: it stays where it is."""

    variance = 0.0

    def log_density(self, value: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Nought."""
        return torch.zeros_like(value)


@dataclass(frozen=True)
class Normal(Law):
    """A normal coordinate of mean zero."""

    deviation: float

    @property
    def variance(self) -> float:
        """The square of the deviation."""
        return self.deviation**2

    def log_density(self, value: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """`-(value / deviation)^2 / 2`."""
        return -0.5 * (value / self.deviation).square()


@dataclass(frozen=True)
class Uniform(Law):
    """A coordinate that is uniform between two limits."""

    low: float
    high: float

    @property
    def variance(self) -> float:
        """The square of the width over twelve."""
        return (self.high - self.low) ** 2 / 12

    def log_density(self, value: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Nought between the limits."""
        outside = (value < self.low) | (value > self.high)
        return torch.zeros_like(value).masked_fill(outside, -torch.inf)


@dataclass(frozen=True)
class UniformShare(Law):
    """The logistic coordinate of a share that is uniform between two limits."""

    low: float
    high: float

    @property
    def variance(self) -> float:
        """The variance of ln(share / (1 - share)), by the midpoint rule."""
        return float(torch.logit(_between(self.low, self.high)).var(correction=0))

    def log_density(self, value: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """ln of `share (1 - share)`, the share's slope, between the limits."""
        share = value.sigmoid()
        outside = (share < self.low) | (share > self.high)
        return (logsigmoid(value) + logsigmoid(-value)).masked_fill(outside, -torch.inf)


@dataclass(frozen=True)
class LogOfUniform(Law):
    """The ln of a positive number that is uniform between two limits."""

    low: float
    high: float

    @property
    def variance(self) -> float:
        """The variance of the number's ln, by the midpoint rule."""
        return float(_between(self.low, self.high).log().var(correction=0))

    def log_density(self, value: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The ln itself, which is that of the number's slope, between the limits."""
        number = value.exp()
        return value.masked_fill((number < self.low) | (number > self.high), -torch.inf)


def uniform(limits: Range) -> Law:
    """Uniform between the limits; known where these are one."""
    return Uniform(*limits) if limits[0] < limits[1] else Known()


def normal(deviation: float) -> Law:
    """Normal of this deviation; known where it is nought."""
    return Normal(deviation) if deviation > 0 else Known()


def _between(low: float, high: float) -> Float[Tensor, " node"]:
    nodes = (torch.arange(_NODES, dtype=torch.float64) + 0.5) / _NODES
    return low + (high - low) * nodes
