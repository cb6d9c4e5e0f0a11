"""The coordinates of a galaxy: there and back, and derivatives against finite differences."""

import pytest
import torch

from gampen.parameters import MORPHOLOGY
from gampen.rendering.coordinates import (
    COORDINATES,
    TARGETS,
    bulge_and_disk,
    coordinates_of,
    profile_of,
    quantities_of,
    quantity_slopes,
)
from gampen.rendering.sersic import half_light_radius
from isolated import galaxies

PROFILE = galaxies(6)
POINTS = coordinates_of(PROFILE)


def test_from_light_to_coordinates_and_back():
    again = bulge_and_disk(POINTS, steps=40)
    for name, value in vars(PROFILE).items():
        torch.testing.assert_close(getattr(again, name), value, rtol=1e-9, atol=1e-9)


def test_targets_come_first_as_the_network_infers_them():
    assert COORDINATES[:TARGETS] == MORPHOLOGY.names
    flux = PROFILE.flux.sum(dim=1)
    values = [PROFILE.flux[:, 0] / flux, half_light_radius(PROFILE, 40), flux]
    expected = MORPHOLOGY.unconstrain(torch.stack(values, dim=1))
    torch.testing.assert_close(POINTS[:, :TARGETS], expected)


def test_a_bulge_turned_by_half_a_turn_has_the_same_twist():
    angle = PROFILE.angle + torch.tensor([180.0, 0.0])
    turned = coordinates_of(type(PROFILE)(**(vars(PROFILE) | {"angle": angle})))
    torch.testing.assert_close(turned, POINTS)


@pytest.mark.parametrize("name", COORDINATES)
def test_slopes_are_those_of_finite_differences(name):
    place, step = COORDINATES.index(name), 1e-4

    def moved(change):
        points = POINTS.clone()
        points[:, place] += change
        profile = bulge_and_disk(points, steps=60)
        log_half_light = points[:, 1] - profile.effective_radius[:, 1].log()
        return quantities_of(points, log_half_light)

    expected = (moved(step) - moved(-step)) / (2 * step)
    values, slopes = quantity_slopes(POINTS)
    torch.testing.assert_close(slopes[..., place], expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(profile_of(values).flux, PROFILE.flux)
