"""What is drawn is the exact density: it integrates to what it says it encloses."""

import numpy as np
import pytest
import torch

from gampen.parameters import BULGE_TO_TOTAL, EFFECTIVE_RADIUS, FLUX, MORPHOLOGY
from gampen.plotting.curves import (
    enclosing_bounds,
    exponent_of,
    joint_surface,
    marginal_curve,
    unit_of,
)


@pytest.mark.parametrize("parameter", list(MORPHOLOGY), ids=MORPHOLOGY.names)
def test_a_marginal_integrates_to_what_its_axis_and_its_intervals_hold(posterior, parameter):
    curve = marginal_curve(posterior, 1, parameter, points=4000)
    assert np.trapezoid(curve.density, curve.values) == pytest.approx(0.999, abs=1e-4)
    for (low, high), share in ((curve.interval_68, 0.6827), (curve.interval_95, 0.9545)):
        inside = (curve.values >= low) & (curve.values <= high)
        held = np.trapezoid(curve.density[inside], curve.values[inside])
        assert held == pytest.approx(share, abs=2e-3)


def test_the_median_parts_the_draws_in_halves(posterior):
    draws = posterior.mixture.sample(20_000, torch.Generator().manual_seed(1))
    radii = MORPHOLOGY.constrain(draws)[:, 0, 1]
    below = (radii < marginal_curve(posterior, 0, EFFECTIVE_RADIUS).median).double().mean()
    # Four standard deviations of a share of 20,000.
    assert float(below) == pytest.approx(0.5, abs=4 * 0.5 / 20_000**0.5)


def test_joint_regions_hold_68_and_95_percent_of_the_draws(posterior):
    curves = {one.name: marginal_curve(posterior, 0, one) for one in (BULGE_TO_TOTAL, FLUX)}
    surface = joint_surface(posterior, 0, curves)
    draws = MORPHOLOGY.constrain(posterior.mixture.sample(20_000, torch.Generator().manual_seed(2)))
    scales = [10.0**curve.exponent for curve in curves.values()]
    places = [
        np.searchsorted(axis, draws[:, 0, index].numpy() / scale).clip(0, len(axis) - 1)
        for axis, index, scale in zip((surface.x, surface.y), (0, 2), scales, strict=True)
    ]
    drawn = surface.density[places[1], places[0]]
    # Four standard deviations of a share, and the 0.2 % beyond the axes with the grid's own steps.
    assert (drawn >= surface.bound_68).mean() == pytest.approx(0.6827, abs=0.013 + 0.006)
    assert (drawn >= surface.bound_95).mean() == pytest.approx(0.9545, abs=0.006 + 0.006)


def test_the_joint_density_integrates_to_what_its_axes_hold(posterior):
    curves = {one.name: marginal_curve(posterior, 1, one) for one in (EFFECTIVE_RADIUS, FLUX)}
    surface = joint_surface(posterior, 1, curves)
    volume = np.trapezoid(np.trapezoid(surface.density, surface.x, axis=1), surface.y)
    assert volume == pytest.approx(0.998, abs=2e-3)


def test_bounds_of_a_gaussian_are_those_of_its_chi_square():
    axis = np.linspace(-5, 5, 401)
    density = np.exp(-0.5 * (axis[:, None] ** 2 + axis**2))
    assert enclosing_bounds(density) == pytest.approx((1 - 0.9545, 1 - 0.6827), rel=5e-3)


@pytest.mark.parametrize(
    ("largest", "exponent"), [(0.5, 0), (9999.0, 0), (2e4, 3), (3e6, 6), (2e-4, -6), (0.0, 0)]
)
def test_large_and_small_numbers_are_drawn_in_powers_of_a_thousand(largest, exponent):
    assert exponent_of(largest) == exponent


def test_units_carry_the_power_of_ten():
    assert unit_of(EFFECTIVE_RADIUS) == "arcsec"
    assert unit_of(FLUX) == "image units"
    assert unit_of(FLUX, 3) == r"$10^{3}$ image units"
