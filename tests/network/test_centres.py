"""Targets are found where they are, to a fraction of a pixel."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.network.centres import REACH, find_centres
from gampen.network.symmetry import SYMMETRIES


def gaussian(height, width, radius, x, y, flux=1e5):
    """A round Gaussian off the centre by x and y [pixel]."""
    rows = torch.arange(height) - (height - 1) / 2 - y
    columns = torch.arange(width) - (width - 1) / 2 - x
    square = rows[:, None] ** 2 + columns[None, :] ** 2
    image = (-square / (2 * radius**2)).exp() / (2 * math.pi * radius**2)
    return (flux * image)[None, None]


@given(st.floats(-2, 2), st.floats(-2, 2), st.integers(24, 70), st.integers(24, 70))
def test_a_resolved_source_is_found_to_a_fiftieth_of_a_pixel(x, y, height, width):
    found = find_centres(gaussian(height, width, 2.0, x, y))
    torch.testing.assert_close(found, torch.tensor([[x, y]]), atol=0.02, rtol=0)


@pytest.mark.parametrize("radius", [1.0, 4.0])
def test_small_and_large_sources_are_found_to_a_fifth_of_a_pixel(radius):
    found = find_centres(gaussian(64, 64, radius, 1.3, -2.2))
    torch.testing.assert_close(found, torch.tensor([[1.3, -2.2]]), atol=0.2, rtol=0)


def test_a_brighter_neighbour_beyond_reach_is_not_taken_for_the_target():
    image = gaussian(64, 64, 1.7, 0.4, 0.3) + gaussian(64, 64, 1.7, 10.0, 5.0, flux=3e5)
    found = find_centres(image)
    torch.testing.assert_close(found, torch.tensor([[0.4, 0.3]]), atol=0.1, rtol=0)


def test_noise_alone_stays_within_reach():
    noise = torch.randn(50, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    assert float(find_centres(noise).abs().max()) <= REACH
    assert bool(find_centres(torch.zeros(2, 1, 40, 40)).isfinite().all())


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_the_centre_turns_with_the_frame(symmetry):
    generator = torch.Generator().manual_seed(1)
    image = gaussian(48, 48, 2.0, 1.2, -0.7) + torch.randn(1, 1, 48, 48, generator=generator)
    x, y = find_centres(image)[:, 0], find_centres(image)[:, 1]
    expected = torch.stack(symmetry.point(x, y), dim=1)
    torch.testing.assert_close(find_centres(symmetry.of(image)), expected, atol=1e-4, rtol=0)
