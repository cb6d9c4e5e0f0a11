"""Pairs of parameters and the frames they are told in.

A heading is a point on the unit circle: cosine and sine of the angle by which a pair is turned,
which is twice the image's. In the frame of a heading, a pair along it lies on the first axis.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.parameters.space import ParameterSpace
from gampen.probability.mixtures import GaussianMixture

SMALLEST = 1e-9  # a shorter pair has no direction


def turned_points(
    space: ParameterSpace,
    points: Float[Tensor, "*any parameter"],
    heading: Float[Tensor, "*#any 2"],
) -> Float[Tensor, "*any parameter"]:
    """Points with every pair turned by its galaxy's heading."""
    columns = list(points.unbind(-1))
    cosine, sine = heading.unbind(-1)
    for place in space.pairs:
        first, second = columns[place : place + 2]
        columns[place] = cosine * first - sine * second
        columns[place + 1] = sine * first + cosine * second
    return torch.stack(columns, dim=-1)


def framed_points(
    space: ParameterSpace,
    points: Float[Tensor, "*any parameter"],
    heading: Float[Tensor, "*#any 2"],
) -> Float[Tensor, "*any parameter"]:
    """Points with every pair told in the frame of its galaxy's heading."""
    return turned_points(space, points, back(heading))


def turned_mixture(
    space: ParameterSpace, mixture: GaussianMixture, heading: Float[Tensor, "galaxy 2"]
) -> GaussianMixture:
    """The mixture with every pair turned by its galaxy's heading."""
    for place in space.pairs:
        mixture = mixture.turned(place, heading)
    return mixture


def turned_covariance(
    space: ParameterSpace,
    covariance: Float[Tensor, "galaxy parameter parameter"],
    heading: Float[Tensor, "galaxy 2"],
) -> Float[Tensor, "galaxy parameter parameter"]:
    """A covariance with every pair turned by its galaxy's heading."""
    half = turned_points(space, covariance, heading[:, None])
    return turned_points(space, half.mT, heading[:, None]).mT


def own_heading(space: ParameterSpace, mixture: GaussianMixture) -> Float[Tensor, "galaxy 2"]:
    """Along which the mean of each galaxy's first pair lies; along the first axis where it is 0."""
    place = space.pairs[0]
    mean = mixture.mean[:, place : place + 2]
    size = torch.linalg.vector_norm(mean, dim=-1, keepdim=True)
    axis = mean.new_tensor([1.0, 0.0])
    return torch.where(size > SMALLEST, mean / size.clamp(min=SMALLEST), axis)


def back(heading: Float[Tensor, "*any 2"]) -> Float[Tensor, "*any 2"]:
    """The heading that undoes another."""
    return heading * heading.new_tensor([1.0, -1.0])


def mirrored_slope(space: ParameterSpace, like: Tensor) -> Float[Tensor, "1 parameter"]:
    """The slopes that carry points of a mirror image's frame to those of the image's own."""
    sines = {place + 1 for place in space.pairs}
    return like.new_tensor([[-1.0 if place in sines else 1.0 for place in range(len(space))]])
