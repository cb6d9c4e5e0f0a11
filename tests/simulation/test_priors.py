"""Draws of galaxies keep to their prior."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gampen.rendering.sersic import half_light_radius
from gampen.settings import PriorSettings, SceneSettings
from gampen.simulation.priors import Draw, draw_neighbours, draw_targets, magnitude_to_flux
from gampen.simulation.surveys import HSC_WIDE_I as SURVEY

GALAXIES = 2000
PRIOR, SCENE = PriorSettings(), SceneSettings()


def source(seed=0, galaxies=GALAXIES):
    """A seeded source of numbers."""
    return Draw(galaxies, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def targets():
    return draw_targets(source(), PRIOR, SURVEY)


def neighbours(seed=0, size=64, **scene):
    """Targets and neighbours around them."""
    draw = source(seed)
    target = draw_targets(draw, PRIOR, SURVEY)
    return target, draw_neighbours(draw, target, replace(SCENE, **scene), SURVEY, size)


def assert_uniform(values, limits):
    """Values are uniform between the limits: a test that fails once in 10,000 true cases."""
    low, high = limits
    assert low <= values.min() + 1e-4
    assert values.max() <= high + 1e-4
    assert stats.kstest((values.numpy() - low) / (high - low), "uniform").pvalue > 1e-4


@given(st.floats(-5, 5), st.floats(0.01, 5), st.integers(0, 1000))
def test_draws_stay_within_their_limits(low, width, seed):
    draw = source(seed, 20)
    found = draw.uniform((low, low + width), 3)
    assert found.shape == (20, 3)
    assert low - 1e-5 <= found.min()
    assert found.max() <= low + width + 1e-5
    found = draw.log_uniform((width, 2 * width))
    assert width * 0.9999 <= found.min()
    assert found.max() <= 2 * width * 1.0001


def test_magnitudes_are_uniform(targets):
    magnitude = SURVEY.zero_point - 2.5 * targets.flux.sum(dim=1).log10()
    assert_uniform(magnitude, PRIOR.magnitude)


def test_bulge_fractions_are_uniform(targets):
    assert_uniform(targets.flux[:, 0] / targets.flux.sum(dim=1), PRIOR.bulge_to_total)


def test_half_light_radii_are_those_that_were_drawn(targets):
    radius = half_light_radius(targets, steps=40, nodes=128) * SURVEY.pixel_scale
    low, high = PRIOR.effective_radius
    assert_uniform(radius.log(), (math.log(low), math.log(high)))


def test_bulges_keep_to_their_share_of_the_disk(targets):
    ratio = (targets.effective_radius[:, 0] / targets.effective_radius[:, 1]).log()
    assert_uniform(ratio, tuple(math.log(limit) for limit in PRIOR.radius_ratio))


def test_indices_and_axis_ratios_are_uniform(targets):
    for place, part in enumerate(("bulge", "disk")):
        assert_uniform(targets.index[:, place], getattr(PRIOR, f"{part}_index"))
        assert_uniform(targets.axis_ratio[:, place], getattr(PRIOR, f"{part}_axis_ratio"))


def test_bulge_and_disk_share_their_centre_and_nearly_their_angle(targets):
    assert torch.equal(targets.x[:, 0], targets.x[:, 1])
    assert_uniform(targets.y[:, 0], (-PRIOR.offset, PRIOR.offset))
    twist = targets.angle[:, 0] - targets.angle[:, 1]
    assert (twist.std() / PRIOR.twist - 1).abs() < 4 / math.sqrt(2 * GALAXIES)


@given(st.floats(10, 30), st.floats(20, 32))
def test_flux_is_that_of_the_magnitude(magnitude, zero_point):
    flux = magnitude_to_flux(torch.tensor(magnitude, dtype=torch.float64), zero_point)
    assert math.isclose(zero_point - 2.5 * math.log10(flux), magnitude, rel_tol=1e-9)


def test_the_share_of_frames_with_neighbours_is_the_one_asked_for():
    _, around = neighbours(neighbour_distance=0.0)
    share = (around.flux > 0).any(dim=1).float().mean().item()
    assert abs(share - 0.7) < 4 * math.sqrt(0.7 * 0.3 / GALAXIES)


def test_further_neighbours_are_poisson_distributed():
    _, around = neighbours(seed=1, neighbour_share=1.0, neighbour_distance=0.0)
    extra = (around.flux > 0).sum(dim=1).float() - 1
    assert (extra.mean() - 1).abs() < 4 / math.sqrt(GALAXIES)
    # the variance of a Poisson law of mean 1 scatters by sqrt((1 + 2) / N)
    assert (extra.var() - 1).abs() < 4 * math.sqrt(3 / GALAXIES)


def test_neighbours_keep_their_distance():
    target, around = neighbours(seed=2, neighbour_distance=1.5)
    reach = target.effective_radius.amax(dim=1).clamp(min=1 / SURVEY.pixel_scale)[:, None]
    distance = torch.hypot(around.x, around.y)
    assert (distance[around.flux > 0] > (1.5 * reach).expand_as(distance)[around.flux > 0]).all()


def test_neighbours_are_as_much_fainter_as_asked_for():
    target, around = neighbours(seed=3)
    fainter = -2.5 * (around.flux / target.flux.sum(dim=1, keepdim=True)).log10()
    assert_uniform(fainter[around.flux > 0], SCENE.neighbour_magnitude)


def test_there_may_be_no_neighbours_at_all():
    _, around = neighbours(seed=4, neighbour_share=0.0)
    assert (around.flux == 0).all()
