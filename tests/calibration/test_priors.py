"""Priors: what they say of a galaxy is what the simulator draws."""

import functools
import math
from dataclasses import replace

import pytest
import torch

from gampen.calibration.laws import Known, LogOfUniform, Normal, Uniform, UniformShare
from gampen.calibration.priors import Priors
from gampen.rendering.coordinates import COORDINATES, coordinates_of
from gampen.settings import (
    Brightness,
    PriorSettings,
    SceneSettings,
    SimulationSettings,
    SurveySettings,
)
from gampen.simulation.priors import Aperture, Draw, draw_flux, draw_radius, draw_targets
from isolated import exposure

NUMBER, SIDE = 800, 16
SURVEY = SurveySettings("any", 0.5, 25.0, (1.75, 1.75), (3.0, 3.0), (0.04, 0.06), (500, 500))
SCENE = SceneSettings()
SETTINGS = PriorSettings(effective_radius=(0.5, 4.0), radius_over_psf=0.4, radius_over_frame=0.4)
LAWS = {
    Normal(1.7): 1.7**2,
    Uniform(-1.0, 3.0): 16 / 12,
    UniformShare(0.0, 1.0): math.pi**2 / 3,
    LogOfUniform(0.5, 2.0): None,
}


@functools.cache
def drawn(settings):
    """Coordinates of galaxies as the simulator draws them, and their exposure."""
    draw, seen = (
        Draw(NUMBER, torch.Generator().manual_seed(4)),
        exposure(NUMBER, shape=(SIDE, SIDE)),
    )
    fwhm, sigma = seen.psf_fwhm.float(), seen.sky_sigma.float()
    radius = draw_radius(draw, settings, SURVEY, Aperture(fwhm, SIDE))
    target = draw_targets(draw, settings, radius)
    flux = draw_flux(draw, SimulationSettings(SURVEY, settings), radius, fwhm, sigma)
    return coordinates_of(replace(target, flux=target.flux * flux[:, None])), seen


@pytest.mark.parametrize("brightness", Brightness)
def test_deviations_are_those_of_the_simulators_draws(brightness):
    settings = replace(SETTINGS, brightness=brightness)
    points, seen = drawn(settings)
    expected = Priors.of(settings, SURVEY, SCENE).deviations(seen)[0]
    found = points.std(dim=0).tolist()
    flux = COORDINATES.index("flux")
    if brightness is Brightness.SIGNAL_TO_NOISE:
        # the flux's deviation is that at a known radius: ln S/N is what is uniform
        found[flux] = expected[flux].item()
    for place, name in enumerate(COORDINATES[:12]):
        # a deviation scatters by sqrt((kurtosis - 1) / number) / 2 of itself: 2.8 % at most
        assert found[place] == pytest.approx(expected[place].item(), rel=0.1), name


@pytest.mark.parametrize("brightness", Brightness)
def test_every_galaxy_of_the_simulators_is_allowed_and_none_beyond(brightness):
    settings = replace(SETTINGS, brightness=brightness)
    points, seen = drawn(settings)
    priors = Priors.of(settings, SURVEY, SCENE)
    # the simulator's single precision may set a galaxy on the wrong side of an edge
    inside = priors.log_density(points[:, None], seen, points[:, 8]).isfinite()
    assert inside.double().mean() > 0.999
    for name in ("bulge_to_total", "effective_radius", "flux", "bulge_index", "angle", "x"):
        beyond = points.clone()
        beyond[:, COORDINATES.index(name)] += 1e3
        assert (priors.log_density(beyond[:, None], seen, points[:, 8]) == -torch.inf).all()


@pytest.mark.parametrize("law", LAWS)
def test_a_laws_variance_is_that_of_its_density(law):
    value = torch.linspace(-25, 25, 2_000_001, dtype=torch.float64)
    weight = law.log_density(value).exp()
    mean = (weight * value).sum() / weight.sum()
    variance = ((weight * (value - mean) ** 2).sum() / weight.sum()).item()
    # the midpoint rule on 4,096 nodes misses 2e-3 of a logistic's tails
    assert law.variance == pytest.approx(variance, rel=3e-3)
    assert law.variance == pytest.approx(LAWS[law] or variance, rel=3e-3)


def test_the_density_of_flux_is_that_of_its_signal_to_noise():
    settings = PriorSettings(brightness=Brightness.SIGNAL_TO_NOISE, signal_to_noise=(20.0, 50.0))
    points, seen = drawn(settings)
    priors = Priors.of(settings, SURVEY, SCENE)
    fainter = points.clone()
    fainter[:, COORDINATES.index("flux")] -= math.log(2.5)
    # from 20 < S/N < 50 to below 20
    assert not priors.log_density(fainter[:, None], seen, points[:, 8]).isfinite().any()


def test_the_centre_falls_as_one_over_distance():
    points, seen = drawn(SETTINGS)
    priors = Priors.of(SETTINGS, SURVEY, SCENE)
    near, far = points[:1].repeat(2, 1), points[:1].repeat(2, 1)
    near[:, 10], near[:, 11], far[:, 10], far[:, 11] = 0.2, 0.0, 0.0, 0.8
    some = seen.take(slice(0, 2))
    density = [
        priors.log_density(p[:, None], some, points[:2, 8] * 0 + p[0, 8]) for p in (near, far)
    ]
    torch.testing.assert_close((density[0] - density[1]).exp(), torch.full((2, 1), 4.0).double())


def test_what_is_known_exactly_has_no_deviation():
    known = PriorSettings(
        magnitude=(20.0, 20.0),
        bulge_to_total=(0.5, 0.5),
        bulge_index=(4.0, 4.0),
        twist=0.0,
        offset=0.0,
    )
    deviations = Priors(known, sky_residual=0.0, psf_error=0.0).deviations(exposure(1))[0]
    free = {name for name, value in zip(COORDINATES, deviations, strict=True) if value > 0}
    named = {"effective_radius", "radius_ratio", "disk_index", "angle"}
    assert free == named | {"bulge_axis_ratio", "disk_axis_ratio"}
    assert Known().log_density(torch.tensor([3.0])) == 0
