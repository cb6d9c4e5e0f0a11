"""Statistics of several parameters, each from its own marginal, along a last axis of parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.probability.marginals import Marginal


class Statistics(ABC):
    """The statistics of whatever has a marginal for each parameter; values in their own units."""

    @property
    @abstractmethod
    def marginals(self) -> Sequence[Marginal]:
        """The marginal of each parameter, in order."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of galaxies."""

    def __repr__(self) -> str:
        """How much it is of: its thousands of numbers would hide even that."""
        return f"<{type(self).__name__} of {len(self)} galaxies, {len(self.marginals)} parameters>"

    @property
    def mean(self) -> Float[Tensor, "galaxy parameter"]:
        """The mean values."""
        return self._each(lambda marginal: marginal.mean)

    @property
    def median(self) -> Float[Tensor, "galaxy parameter"]:
        """The values with even odds on either side."""
        return self._each(lambda marginal: marginal.median)

    @property
    def mode(self) -> Float[Tensor, "galaxy parameter"]:
        """The values at which each marginal density is highest."""
        return self._each(lambda marginal: marginal.mode)

    @property
    def std(self) -> Float[Tensor, "galaxy parameter"]:
        """The standard deviations of the values."""
        return self._each(lambda marginal: marginal.std)

    @property
    def skewness(self) -> Float[Tensor, "galaxy parameter"]:
        """The third standardised moments of the values."""
        return self._each(lambda marginal: marginal.skewness)

    @property
    def kurtosis(self) -> Float[Tensor, "galaxy parameter"]:
        """The fourth standardised moments of the values, less 3."""
        return self._each(lambda marginal: marginal.kurtosis)

    def cdf(
        self, values: Float[Tensor, "*draw galaxy parameter"]
    ) -> Float[Tensor, "*draw galaxy parameter"]:
        """The marginal probabilities of smaller values."""
        columns = zip(self.marginals, values.unbind(-1), strict=True)
        return torch.stack([marginal.cdf(column) for marginal, column in columns], dim=-1)

    def ppf(
        self, levels: float | Float[Tensor, "*draw #galaxy"]
    ) -> Float[Tensor, "*draw galaxy parameter"]:
        """The values below which the marginal probability is `levels`, for each parameter."""
        return self._each(lambda marginal: marginal.ppf(levels))

    def interval(self, level: float) -> Float[Tensor, "galaxy parameter edge"]:
        """The equal-tailed intervals that hold a probability of `level` each."""
        return torch.stack([marginal.interval(level) for marginal in self.marginals], dim=1)

    def hdi(self, level: float) -> Float[Tensor, "galaxy parameter segment edge"]:
        """The regions of highest density that hold a probability of `level` each.

        Up to four segments a parameter, in order, padded with NaN.
        """
        return torch.stack([marginal.hdi(level) for marginal in self.marginals], dim=1)

    def _each(self, statistic: Callable[[Marginal], Tensor]) -> Tensor:
        """A statistic of each marginal, along a last axis of parameters."""
        return torch.stack([statistic(marginal) for marginal in self.marginals], dim=-1)
