"""Draws of galaxies keep to their prior."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gampen.photometry import signal_to_noise
from gampen.rendering.sersic import half_light_radius
from gampen.settings import Brightness, PriorSettings, SceneSettings, SimulationSettings
from gampen.simulation.priors import (
    Aperture,
    Draw,
    draw_flux,
    draw_neighbours,
    draw_radius,
    draw_targets,
    magnitude_to_flux,
)
from gampen.simulation.surveys import HSC_WIDE_I as SURVEY

GALAXIES = 2000
PRIOR, SCENE = PriorSettings(), SceneSettings()


def source(seed=0, galaxies=GALAXIES):
    """A seeded source of numbers."""
    return Draw(galaxies, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def targets():
    return draw_targets(source(), PRIOR, radii())


def aperture(size=64, fwhm=4.0):
    """What every galaxy is seen through."""
    return Aperture(torch.full((GALAXIES,), fwhm), size)


def radii(prior=PRIOR, seed=1, size=64, fwhm=4.0):
    """Half-light radii [pixel]."""
    return draw_radius(source(seed), prior, SURVEY, aperture(size, fwhm))


def fluxes(seed=2, **prior):
    """Fluxes [image units], of galaxies of 3 pixels on a sky of 0.1."""
    settings = SimulationSettings(SURVEY, replace(PRIOR, **prior))
    ones = torch.ones(GALAXIES)
    return draw_flux(source(seed), settings, 3 * ones, 4 * ones, 0.1 * ones)


def neighbours(seed=0, size=64, **scene):
    """Targets and neighbours around them."""
    draw, radius = source(seed), radii(size=size)
    target = draw_targets(draw, PRIOR, radius)
    settings = replace(SCENE, **scene)
    return radius, target, draw_neighbours(draw, target, settings, aperture(size), radius)


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


def test_magnitudes_are_uniform():
    assert_uniform(SURVEY.zero_point - 2.5 * fluxes().log10(), PRIOR.magnitude)


def test_fluxes_may_be_uniform_instead():
    found = fluxes(brightness=Brightness.FLUX)
    limits = [10 ** (0.4 * (SURVEY.zero_point - m)) for m in reversed(PRIOR.magnitude)]
    assert_uniform(found / limits[1], (limits[0] / limits[1], 1.0))


def test_or_signal_to_noise_ratios_log_uniform():
    found = fluxes(brightness=Brightness.SIGNAL_TO_NOISE, signal_to_noise=(20.0, 500.0))
    ones = torch.ones(GALAXIES)
    ratio = signal_to_noise(found, 3 * ones, 4 * ones, 0.1 * ones)
    assert_uniform(ratio.log(), (math.log(20), math.log(500)))


def test_radii_stay_within_what_psf_and_frame_leave():
    tight = replace(PRIOR, radius_over_psf=0.8, radius_over_frame=0.1)
    assert_uniform(radii(tight, size=60, fwhm=5.0).log(), (math.log(4.0), math.log(6.0)))
    crossed = radii(replace(PRIOR, radius_over_psf=3.0, radius_over_frame=0.1), size=60, fwhm=5.0)
    assert torch.equal(crossed, torch.full_like(crossed, 15.0))


def test_bulge_fractions_are_uniform(targets):
    assert_uniform(targets.flux[:, 0] / targets.flux.sum(dim=1), PRIOR.bulge_to_total)


def test_half_light_radii_are_those_that_were_drawn(targets):
    radius = half_light_radius(targets, steps=40, nodes=128)
    torch.testing.assert_close(radius, radii(), rtol=1e-4, atol=0)
    low, high = (limit / SURVEY.pixel_scale for limit in PRIOR.effective_radius)
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
    assert_uniform(torch.hypot(targets.x[:, 0], targets.y[:, 0]), (0.0, PRIOR.offset))
    twist = targets.angle[:, 0] - targets.angle[:, 1]
    assert (twist.std() / PRIOR.twist - 1).abs() < 4 / math.sqrt(2 * GALAXIES)


@given(st.floats(10, 30), st.floats(20, 32))
def test_flux_is_that_of_the_magnitude(magnitude, zero_point):
    flux = magnitude_to_flux(torch.tensor(magnitude, dtype=torch.float64), zero_point)
    assert math.isclose(zero_point - 2.5 * math.log10(flux), magnitude, rel_tol=1e-9)


def test_the_share_of_frames_with_neighbours_is_the_one_asked_for():
    *_, around = neighbours(neighbour_distance=1e-3)
    share = (around.flux > 0).any(dim=1).float().mean().item()
    assert abs(share - 0.7) < 4 * math.sqrt(0.7 * 0.3 / GALAXIES)


def test_further_neighbours_are_poisson_distributed():
    *_, around = neighbours(seed=1, neighbour_share=1.0, neighbour_distance=1e-3)
    extra = (around.flux > 0).sum(dim=1).float() - 1
    assert (extra.mean() - 1).abs() < 4 / math.sqrt(GALAXIES)
    # the variance of a Poisson law of mean 1 scatters by sqrt((1 + 2) / N)
    assert (extra.var() - 1).abs() < 4 * math.sqrt(3 / GALAXIES)


def test_neighbours_keep_their_distance():
    radius, target, around = neighbours(seed=2, neighbour_distance=1.5)
    distance = torch.hypot(around.x - target.x[:, :1], around.y - target.y[:, :1])
    over = distance / torch.hypot(radius, torch.full_like(radius, 2.0))[:, None]
    present = around.flux > 0
    assert over[present].min() > 1.499
    # those that lie near are found ever more often the closer they are
    assert (over[present] < 1.7).float().mean() > 0.01


def test_the_share_of_near_neighbours_is_log_uniform_in_distance():
    radius, target, around = neighbours(seed=6, near_share=1.0, size=400)
    distance = torch.hypot(around.x - target.x[:, :1], around.y - target.y[:, :1])
    least = torch.hypot(radius, torch.full_like(radius, 2.0))[:, None].expand_as(distance)
    share = (distance / least).log() / (200 / least).log()
    assert_uniform(share[around.flux > 0], (0.0, 1.0))


def test_neighbours_are_as_much_fainter_as_asked_for():
    _, target, around = neighbours(seed=3)
    fainter = -2.5 * (around.flux / target.flux.sum(dim=1, keepdim=True)).log10()
    assert_uniform(fainter[around.flux > 0], SCENE.neighbour_magnitude)


def test_there_may_be_no_neighbours_at_all():
    *_, around = neighbours(seed=4, neighbour_share=0.0)
    assert (around.flux == 0).all()
