"""Pairs and their frames: turned points, mixtures and covariances, beside plain matrices."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.network.symmetry import SYMMETRIES
from gampen.parameters import BUILT_IN, ParameterSpace
from gampen.parameters.pairs import (
    framed_points,
    mirrored_slope,
    turned_covariance,
    turned_mixture,
    turned_points,
)
from strategies import mixtures, numbers

NAMES = ("flux", "bulge_elongation_1", "bulge_elongation_2", "disk_elongation_1")
SPACE = ParameterSpace(tuple(BUILT_IN[name] for name in (*NAMES, "disk_elongation_2")))


def matrix(angle):
    """The matrix that turns every pair of the space."""
    turn = torch.eye(5, dtype=torch.float64)
    for place in SPACE.pairs:
        rows = [[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]]
        turn[place : place + 2, place : place + 2] = torch.tensor(rows)
    return turn


def heading(angle):
    """Cosine and sine."""
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


@given(mixtures(2, 5), numbers((2,), -7, 7), numbers((2, 5), -3, 3))
def test_turned_mixtures_have_the_density_of_what_is_turned_back(mixture, angle, points):
    found = turned_mixture(SPACE, mixture, heading(angle))
    moved = turned_points(SPACE, points, heading(angle))
    torch.testing.assert_close(found.log_prob(moved), mixture.log_prob(points))
    upper = found.precision_cholesky.triu(1)
    assert torch.equal(upper, torch.zeros_like(upper))
    assert bool((found.precision_cholesky.diagonal(dim1=-2, dim2=-1) > 0).all())


@given(mixtures(2, 5), numbers((2,), -7, 7))
def test_moments_turn_as_by_a_matrix(mixture, angle):
    found = turned_mixture(SPACE, mixture, heading(angle))
    for galaxy in range(2):
        turn = matrix(angle[galaxy])
        expected = turn @ mixture.covariance[galaxy] @ turn.T
        torch.testing.assert_close(found.mean[galaxy], turn @ mixture.mean[galaxy])
        torch.testing.assert_close(found.covariance[galaxy], expected)
    covariance = turned_covariance(SPACE, mixture.covariance, heading(angle))
    torch.testing.assert_close(covariance, found.covariance)


@given(mixtures(2, 5), numbers((2,), -7, 7))
def test_single_precision_is_enough_to_turn_by(mixture, angle):
    found = turned_mixture(SPACE, mixture.to(torch.float32), heading(angle).float())
    expected = turned_mixture(SPACE, mixture, heading(angle)).precision_cholesky
    scale = expected.abs().amax(dim=(-2, -1), keepdim=True)
    assert float(((found.precision_cholesky - expected) / scale).abs().max()) < 1e-5


@given(numbers((3, 5), -3, 3), numbers((3,), -7, 7))
def test_a_frame_is_left_by_the_way_it_was_entered(points, angle):
    framed = framed_points(SPACE, points, heading(angle))
    torch.testing.assert_close(turned_points(SPACE, framed, heading(angle)), points)


@given(numbers((3, 5), -3, 3), numbers((3,), -7, 7), st.sampled_from(SYMMETRIES))
def test_in_the_frame_of_its_heading_a_pair_is_the_same_in_any_orientation(points, angle, symmetry):
    seen = points.clone()
    for place in SPACE.pairs:
        seen[:, place : place + 2] = symmetry.wave(points[:, place : place + 2])
    framed = framed_points(SPACE, seen, symmetry.wave(heading(angle)))
    expected = framed_points(SPACE, points, heading(angle))
    sign = mirrored_slope(SPACE, expected) if symmetry.mirrored else 1
    torch.testing.assert_close(framed, sign * expected)


def test_a_space_without_pairs_is_left_alone():
    space = SPACE.select(["flux"])
    points = torch.ones(2, 1)
    assert torch.equal(turned_points(space, points, torch.ones(2, 2)), points)
