"""Roots of many functions of one variable at once, without a loop over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Values and slopes at one point of each of some functions, and the functions of these numbers.
Functions = Callable[[Tensor], tuple[Tensor, Tensor]]
Family = Callable[[Tensor], Functions]

_ITERATIONS, _CROWD = 200, 0.7


@dataclass(frozen=True)
class Bracket:
    """Where the root of each function lies, where to look for it first, and which way it rises."""

    low: Float[Tensor, " root"]
    high: Float[Tensor, " root"]
    start: Float[Tensor, " root"]
    rising: Bool[Tensor, "#root"]


def find_roots(family: Family, bracket: Bracket, flat: float = 0.0) -> Float[Tensor, " root"]:
    """The root of each function, which is monotone within its bracket.

    Newton's method, and bisection where a step would leave the bracket or shrinks too slowly; until
    the bracket is as small as its ends' rounding, or the value is within `flat` of zero. A function
    that is done rests, so that its root does not depend on its neighbours. Without a root the
    nearer end is returned; a bracket that is NaN gives NaN.
    """
    width = bracket.high - bracket.low
    point = torch.minimum(torch.maximum(bracket.start, bracket.low), bracket.high)
    roots = torch.where((bracket.low != bracket.high) & width.isnan(), width, point)
    sign = torch.where(bracket.rising, 1.0, -1.0).to(width.dtype).expand_as(width)
    extent = torch.maximum(bracket.low.abs(), bracket.high.abs())
    tolerance = 2 * torch.finfo(width.dtype).eps * extent
    # Rows: the point, the ends of the bracket, the last step and the one before it.
    state = torch.stack([point, bracket.low, bracket.high, width, width])
    which = (width > 0).nonzero().squeeze(1)
    state, functions = state[:, which], family(which)
    for _ in range(_ITERATIONS):
        if not len(which):
            break
        value, slope = (part * sign[which] for part in functions(state[0]))
        roots[which] = state[0]
        stepped = _step(state, value, slope, tolerance[which])
        moving = (stepped[2] - stepped[1] > 2 * tolerance[which]) & (value.abs() > flat)
        state = torch.where(moving, stepped, state)
        # Leaving functions out costs a copy of the others, so it is done for many at once.
        if int(moving.sum()) < _CROWD * len(which):
            state, which = state[:, moving], which[moving]
            functions = family(which)
    return roots


def _step(
    state: Float[Tensor, "row root"],
    value: Float[Tensor, " root"],
    slope: Float[Tensor, " root"],
    tolerance: Float[Tensor, " root"],
) -> Float[Tensor, "row root"]:
    """The state after one step, given the values and slopes of rising functions at the points."""
    point, low, high, last, before = state
    low = torch.where(value < 0, point, low)
    high = torch.where(value < 0, high, point)
    # A step of at least the tolerance soon puts the root between two close points; a small step of
    # Newton's alone proves nothing, since a slope may be infinite.
    step = -value / slope
    step = torch.where(step.abs() < tolerance, -value.sign() * tolerance, step)
    target = point + step
    # A comparison with NaN is false, so that a step which is not finite is never taken.
    safe = (target >= low) & (target <= high) & (step.abs() <= 0.5 * before.abs())
    target = torch.where(safe, target, 0.5 * (low + high))
    return torch.stack([target, low, high, target - point, last])
