"""Markov chains of galaxies: their likelihood, and the limit that they come to."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch

from gampen.calibration.gold_standard import GalaxyDensity, sample_galaxies, starting_points
from gampen.calibration.limit import deviations, draw_widths, information, information_limit
from gampen.calibration.markov_chains import Chain
from gampen.calibration.priors import Priors
from gampen.errors import UsageError
from gampen.rendering.coordinates import COORDINATES, TARGETS, bulge_and_disk, coordinates_of
from gampen.rendering.noise import correlate
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render
from gampen.settings import PriorSettings
from isolated import exposure, galaxies, observed, single

GALAXIES = PriorSettings(magnitude=(-12.0, 0.0), effective_radius=(0.5, 30.0))
PRIORS = Priors(GALAXIES)
# All known but the targets and the angle, so that a bright galaxy's posterior is near to normal.
KNOWN = replace(
    GALAXIES,
    bulge_index=(4.0, 4.0),
    disk_index=(1.0, 1.0),
    radius_ratio=(0.3, 0.3),
    bulge_axis_ratio=(0.8, 0.8),
    disk_axis_ratio=(0.6, 0.6),
    twist=0.0,
    offset=0.0,
)


def density_of(profile, seen, priors):
    images = observed(profile, seen)
    return GalaxyDensity.of(images, seen, priors, profile.angle[:, 1])


def test_the_likelihood_is_the_normal_one_of_the_good_pixels():
    profile, seen = galaxies(1), exposure(1, correlation=0.3, shape=(14, 16))
    bad = seen.bad.clone()
    bad[0, 3:6, 10:14] = True
    seen = replace(seen, bad=bad)
    density = density_of(profile, seen, PRIORS)
    points = coordinates_of(profile, torch.tensor([3.0])).repeat(2, 1)
    points[1, :3] += torch.tensor([0.3, -0.1, 0.05])
    points[1, 12:14] = torch.tensor([0.4, -0.03])
    number = 16 * 18
    each = torch.eye(number, dtype=torch.float64).view(number, 16, 18)
    noise = correlate(each, torch.full((number,), 0.3).double()).flatten(1).T
    good = ~bad.flatten()

    def log_probability(point):
        psf = Moffat(seen.psf.fwhm * point[13].exp(), seen.psf.beta)
        light = render(bulge_and_disk(point[None], 40), psf, seen.shape)
        spread = seen.variance(light).sqrt().flatten()[good, None] * noise[good]
        mean = (light + point[12] * seen.sky_sigma).flatten()[good]
        normal = torch.distributions.MultivariateNormal(mean, spread @ spread.T)
        return normal.log_prob(density.images.flatten()[good])

    found = density.log_likelihood(points, torch.zeros(2, dtype=torch.long))
    expected = log_probability(points[1]) - log_probability(points[0])
    assert found[1] - found[0] == pytest.approx(expected.item(), abs=1e-3)


def test_only_points_that_the_prior_allows_are_rendered():
    profile, seen = galaxies(2), exposure(2)
    density = density_of(profile, seen, PRIORS)
    points = coordinates_of(profile, seen.psf.beta)[:, None].repeat(1, 3, 1)
    points[0, 1, COORDINATES.index("disk_axis_ratio")] = -0.5
    points[1, 2, COORDINATES.index("bulge_index")] = 60.0
    found = density(points)
    assert found.isfinite().tolist() == [[True, False, True], [True, True, False]]
    assert (found[~found.isfinite()] == -torch.inf).all()


def test_chains_start_within_the_prior_also_at_its_edge():
    profile, seen = galaxies(2), exposure(2)
    priors = replace(PRIORS, galaxies=replace(GALAXIES, bulge_index=(3.0, 5.0)))
    density = density_of(profile, seen, priors)
    edge = coordinates_of(profile, seen.psf.beta)
    edge[:, COORDINATES.index("bulge_index")] = 4.999
    points = starting_points(density, edge, 40, torch.Generator().manual_seed(1))
    allowed = priors.log_density(points, seen, density.angle)
    assert allowed.isfinite().all()
    assert (points[..., 4].std(dim=1) > 0).all()
    outside = edge.clone()
    outside[:, COORDINATES.index("bulge_index")] = 5.5
    with pytest.raises(UsageError, match="start where the prior allows"):
        starting_points(density, outside, 40, torch.Generator())


def test_the_curvature_of_the_density_is_the_information():
    # of an image without noise, at its truth, under a sky so bright that its noise is all there is
    profile, seen = galaxies(1), exposure(1, shape=(24, 24))
    seen = replace(seen, gain=1e9 * seen.gain)
    light = render(profile, seen.psf, seen.shape)
    priors = replace(PRIORS, psf_slope=(2.5, 3.5))
    density = GalaxyDensity.of(light, seen, priors, profile.angle[:, 1])
    start = coordinates_of(profile, seen.psf.beta)
    expected = information(start, seen, priors)[0]
    step = 0.3 / expected.diagonal().sqrt()
    moves = torch.cat([torch.diag(step), -torch.diag(step)])
    both = (moves[:, None] + moves[None]).flatten(0, 1)
    found = density.log_likelihood(start + both, torch.zeros(len(both), dtype=torch.long))
    (pp, pm), (mp, mm) = found.view(2, 15, 2, 15).transpose(1, 2)
    curvature = -(pp - pm - mp + mm) / 4
    scaled = expected * step[:, None] * step
    # twice what the look-up of the profile's transform leaves of its slopes
    torch.testing.assert_close(curvature / 0.09, scaled / 0.09, rtol=0, atol=0.01)


def bright(number):
    """Bright galaxies with the quantities that are known, and their chains' start."""
    points = coordinates_of(galaxies(number, flux=(3000.0, 4000.0)))
    points[:, 3:8] = torch.tensor([math.log(0.3), 4.0, 1.0, 0.8, 0.6])
    points[:, 9:] = 0.0
    return bulge_and_disk(points, 40), points


def test_chains_of_bright_galaxies_come_to_the_limit():
    # seen to fail: without whitening the chains are but half as wide
    priors = Priors(KNOWN, sky_residual=0.0, psf_error=0.0)
    (profile, points), seen = bright(2), exposure(2, shape=(24, 24))
    images = observed(profile, seen)
    density = GalaxyDensity.of(images, single(seen), priors, profile.angle[:, 1])
    chains = sample_galaxies(density, points, 10, torch.Generator().manual_seed(3))
    chain = Chain.of(islice(chains, 120), 20, slice(TARGETS))
    limit = deviations(information_limit(profile, seen, priors))
    # some 10 steps make a draw, so each width scatters by 7 %, and the mean of six by less
    ratio = draw_widths(chain.draws) / limit
    assert ratio.mean() == pytest.approx(1, abs=0.2)
    assert ((chain.draws.mean(dim=0) - points[:, :TARGETS]) / limit).abs().max() < 4
    assert ((chain.acceptance > 0.3) & (chain.acceptance < 0.8)).all()


def test_the_same_seed_gives_the_same_chain():
    profile, seen = galaxies(1), exposure(1)
    density = density_of(single(profile), single(seen), PRIORS)
    start = coordinates_of(profile, seen.psf.beta)

    def points():
        moves = sample_galaxies(density, start, 30, torch.Generator().manual_seed(4))
        return Chain.of(islice(moves, 2), 0).points

    assert torch.equal(points(), points())
