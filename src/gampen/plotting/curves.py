"""What is drawn of a posterior: exact densities on a grid, and the regions that hold a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from gampen.parameters import Parameter
from gampen.plotting.style import interval_text, words_of
from gampen.posterior import Posterior
from gampen.settings import Scaling

SHARE_68 = 0.6827
SHARE_95 = 0.9545
EDGE = 0.0005
"""The probability that is left out at each end of an axis."""


@dataclass(frozen=True)
class Curve:
    """The marginal density of one parameter of one galaxy, and its summaries, in drawn units.

    Drawn units are the parameter's own over `10 ** exponent`, and are written in `unit`.
    """

    name: str
    unit: str
    exponent: int
    values: Float[np.ndarray, " point"]
    density: Float[np.ndarray, " point"]
    median: float
    interval_68: tuple[float, float]
    interval_95: tuple[float, float]

    @property
    def label(self) -> str:
        """The name with the unit in brackets, if there is one."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @property
    def summary(self) -> str:
        """The median with its 68 % interval and unit."""
        times = "\N{MULTIPLICATION SIGN}" if self.exponent else ""
        text = interval_text(self.interval_68, self.median)
        return " ".join(part for part in (text, times, self.unit) if part)

    @property
    def limits(self) -> tuple[float, float]:
        """The ends of the axis on which the curve is drawn."""
        return float(self.values[0]), float(self.values[-1])


@dataclass(frozen=True)
class Surface:
    """The joint density of two parameters, `x` along the columns, and two densities that bound it.

    The regions above `bound_95` and `bound_68` hold 95 % and 68 % of the probability.
    """

    x: Float[np.ndarray, " column"]
    y: Float[np.ndarray, " row"]
    density: Float[np.ndarray, "row column"]
    bound_95: float
    bound_68: float


def marginal_curve(
    posterior: Posterior, galaxy: int, parameter: Parameter, points: int = 400
) -> Curve:
    """The exact marginal of a parameter, from the first to the last 0.05 % of its probability.

    The unit that is written is `parameter`'s.
    """
    marginal = posterior.select([galaxy])[parameter.name]
    below = [EDGE, (1 - SHARE_95) / 2, (1 - SHARE_68) / 2]
    levels = torch.tensor([*below, 0.5, *(1 - level for level in reversed(below))])
    quantiles = marginal.ppf(levels[:, None].to(torch.float64))[:, 0].numpy()
    exponent = exponent_of(quantiles[-1])
    start, low_95, low_68, median, high_68, high_95, end = (quantiles / 10.0**exponent).tolist()
    values = np.linspace(start, end, points)
    density = marginal.pdf(torch.from_numpy(values * 10.0**exponent)[:, None])[:, 0].numpy()
    return Curve(
        words_of(parameter.name),
        unit_of(parameter, exponent),
        exponent,
        values,
        density * 10.0**exponent,
        median,
        (low_68, high_68),
        (low_95, high_95),
    )


def joint_surface(posterior: Posterior, galaxy: int, curves: dict[str, Curve]) -> Surface:
    """The exact joint density of the two parameters of `curves` (x first) on a grid of its axes."""
    x, y = (np.linspace(*curve.limits, 160) for curve in curves.values())
    units = torch.tensor([10.0**curve.exponent for curve in curves.values()], dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(*map(torch.from_numpy, (x, y)), indexing="xy"), dim=-1)
    pair = posterior.select([galaxy]).marginal(*curves)
    density = (pair.log_prob((grid * units)[:, :, None])[..., 0] + units.log().sum()).exp().numpy()
    return Surface(x, y, density, *enclosing_bounds(density))


def enclosing_bounds(density: Float[np.ndarray, "row column"]) -> tuple[float, float]:
    """The densities above which 95 % and 68 % of the probability on the grid lie."""
    falling = np.sort(density.ravel())[::-1]
    enclosed = np.cumsum(falling) / falling.sum()
    bound_95, bound_68 = falling[np.searchsorted(enclosed, [SHARE_95, SHARE_68])]
    return float(bound_95), float(bound_68)


def exponent_of(largest: float) -> int:
    """The power of ten, a multiple of three, that keeps tick labels short; 0 for common sizes."""
    size = math.log10(abs(largest)) if largest else 0.0
    return 0 if -2 <= size < 4 else 3 * math.floor(size / 3)


def unit_of(parameter: Parameter, exponent: int = 0) -> str:
    """A parameter's unit after a power of ten."""
    unit = parameter.unit or ("image units" if parameter.scaling is Scaling.FLUX else "")
    power = rf"$10^{{{exponent}}}$" if exponent else ""
    return " ".join(part for part in (power, unit) if part)
