"""Position angles of elongations: no seam, and the same as many draws have it."""

import math

import pytest
import torch

from gampen.errors import UsageError
from gampen.probability.mixtures import GaussianMixture
from gampen.probability.position_angles import PositionAngles
from strategies import random_mixture

LEVELS = torch.tensor([0.00135, 0.16, 0.5, 0.84, 0.99865], dtype=torch.float64)[:, None]


def directed(degrees, deviation=0.05, distance=0.8):
    """Galaxies at these position angles."""
    twice = torch.deg2rad(2 * torch.as_tensor(degrees, dtype=torch.float64))
    means = distance * torch.stack([twice.cos(), twice.sin()], dim=-1)[:, None]
    covariance = deviation**2 * torch.eye(2, dtype=torch.float64).expand(len(means), 1, 2, 2)
    weights = torch.ones(len(means), 1, dtype=torch.float64)
    return GaussianMixture.from_covariances(weights, means, covariance)


def apart(one, other):
    """How far two angles are apart [degree], at most 90."""
    return ((one - other + 90).remainder(180) - 90).abs()


def test_a_galaxy_that_turns_meets_no_seam():
    steps = torch.linspace(0, 180, 721, dtype=torch.float64)
    found = PositionAngles.of(directed(steps))
    assert float(apart(found.mean, steps).max()) < 1e-6
    assert bool(((found.mean >= 0) & (found.mean < 180)).all())
    widths = found.interval(0.68).diff(dim=1)
    torch.testing.assert_close(widths, widths[:1].expand_as(widths), rtol=1e-6, atol=0)
    torch.testing.assert_close(found.std, found.std[:1].expand(721), rtol=1e-6, atol=0)
    low, high = found.interval(0.95).T
    assert bool(((low < found.mean) & (found.mean < high)).all())
    assert float(low.min()) < 0
    assert float(high.max()) > 180


def test_a_narrow_angle_is_normal():
    found = PositionAngles.of(directed([20.0, 179.9], deviation=0.004))
    sigma = math.degrees(0.004 / 0.8 / 2)
    torch.testing.assert_close(found.std, torch.full_like(found.std, sigma), rtol=1e-3, atol=0)
    normal = torch.special.ndtri(LEVELS) * sigma
    torch.testing.assert_close(found.offset(LEVELS), normal.expand(-1, 2), rtol=2e-3, atol=1e-6)


def test_where_nothing_is_known_every_angle_is_as_likely():
    found = PositionAngles.of(directed([0.0], distance=0.0))
    degrees = torch.linspace(0, 179, 60, dtype=torch.float64)[:, None]
    expected = (degrees - found.mean + 90).remainder(180) / 180
    torch.testing.assert_close(found.cdf(degrees), expected, atol=1e-4, rtol=0)
    assert float(found.std) > 90
    torch.testing.assert_close(found.interval(0.5).diff(dim=1), torch.full((1, 1), 90.0).double())


def test_everything_is_as_many_draws_have_it():
    plane, draws = random_mixture(40, parameters=2, seed=3), 40_000
    x, y = plane.sample(draws, torch.Generator().manual_seed(5)).unbind(-1)
    angle, found = torch.atan2(y, x), PositionAngles.of(plane)
    degrees = torch.rad2deg(angle / 2)
    mean = torch.atan2(angle.sin().mean(dim=0), angle.cos().mean(dim=0))
    length = torch.hypot(angle.sin().mean(dim=0), angle.cos().mean(dim=0))
    assert float((length - found.length).abs().max()) < 5 / draws**0.5
    clear = length > 0.2
    assert float(apart(torch.rad2deg(mean / 2), found.mean)[clear].max()) < 90 * 5 / draws**0.5
    within = found.cdf(degrees)
    assert float((within.mean(dim=0) - 0.5).abs().max()) < 5 / (12 * draws) ** 0.5
    offsets = (degrees - found.mean + 90).remainder(180) - 90
    shares = (offsets < found.offset(LEVELS)[:, None]).double().mean(dim=1)
    spread = (LEVELS * (1 - LEVELS) / draws).sqrt()
    assert float(((shares - LEVELS) / spread).abs().max()) < 5


def test_two_narrow_modes_are_both_seen():
    two = [directed([angle], deviation=0.01) for angle in (10.0, 40.0)]
    weights = torch.tensor([[0.6, 0.4]], dtype=torch.float64).log()
    parts = (
        torch.cat([getattr(p, n) for p in two], dim=1) for n in ("means", "precision_cholesky")
    )
    found = PositionAngles.of(GaussianMixture(weights, *parts))
    middle = torch.tensor([[25.0]], dtype=torch.float64)
    assert float(found.cdf(middle)) == pytest.approx(0.6, abs=1e-3)


def test_levels_must_be_probabilities():
    with pytest.raises(UsageError, match="between 0 and 1"):
        PositionAngles.of(directed([3.0])).offset(1.5)
