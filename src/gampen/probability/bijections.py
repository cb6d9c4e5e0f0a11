"""Bijections: smooth, increasing maps between the real line and an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Bijection(Protocol):
    """A smooth, increasing, invertible map between the real line and an interval."""

    def forward(self, unconstrained: Tensor) -> Tensor:
        """Values in the interval."""

    def inverse(self, value: Tensor) -> Tensor:
        """Points of the real line."""

    def log_slope(self, unconstrained: Tensor) -> Tensor:
        """ln of d value / d unconstrained, at each point of the real line."""

    def log_slope_gradient(self, unconstrained: Tensor) -> Tensor:
        """The derivative of `log_slope` by the point of the real line."""

    def log_slope_curvature(self, unconstrained: Tensor) -> Tensor:
        """The second derivative of `log_slope`."""


@dataclass(frozen=True)
class Identity:
    """The map of a parameter without bounds."""

    def forward(self, unconstrained: Tensor) -> Tensor:
        """The point itself."""
        return unconstrained

    def inverse(self, value: Tensor) -> Tensor:
        """The value itself."""
        return value

    def log_slope(self, unconstrained: Tensor) -> Tensor:
        """Zero."""
        return torch.zeros_like(unconstrained)

    def log_slope_gradient(self, unconstrained: Tensor) -> Tensor:
        """Zero."""
        return torch.zeros_like(unconstrained)

    def log_slope_curvature(self, unconstrained: Tensor) -> Tensor:
        """Zero."""
        return torch.zeros_like(unconstrained)


@dataclass(frozen=True)
class Exponential:
    """The map of a parameter with one bound: `value = low + exp(u)`."""

    low: float

    def forward(self, unconstrained: Tensor) -> Tensor:
        """Values above `low`."""
        return self.low + unconstrained.exp()

    def inverse(self, value: Tensor) -> Tensor:
        """`ln(value - low)`."""
        return (value - self.low).log()

    def log_slope(self, unconstrained: Tensor) -> Tensor:
        """The point itself."""
        return unconstrained

    def log_slope_gradient(self, unconstrained: Tensor) -> Tensor:
        """One."""
        return torch.ones_like(unconstrained)

    def log_slope_curvature(self, unconstrained: Tensor) -> Tensor:
        """Zero."""
        return torch.zeros_like(unconstrained)


@dataclass(frozen=True)
class Logistic:
    """The map of a parameter with two bounds: `value = low + (high - low) / (1 + exp(-u))`."""

    low: float
    high: float

    def forward(self, unconstrained: Tensor) -> Tensor:
        """Values between `low` and `high`."""
        return self.low + (self.high - self.low) * torch.sigmoid(unconstrained)

    def inverse(self, value: Tensor) -> Tensor:
        """`ln((value - low) / (high - value))`."""
        return (value - self.low).log() - (self.high - value).log()

    def log_slope(self, unconstrained: Tensor) -> Tensor:
        """`ln((high - low) p (1 - p))` with p the logistic function."""
        logsigmoid = torch.nn.functional.logsigmoid
        width = math.log(self.high - self.low)
        return width + logsigmoid(unconstrained) + logsigmoid(-unconstrained)

    def log_slope_gradient(self, unconstrained: Tensor) -> Tensor:
        """`1 - 2 p` with p the logistic function."""
        return -torch.tanh(0.5 * unconstrained)

    def log_slope_curvature(self, unconstrained: Tensor) -> Tensor:
        """`-2 p (1 - p)` with p the logistic function."""
        return -2 * torch.sigmoid(unconstrained) * torch.sigmoid(-unconstrained)
