"""The information limit against closed forms, plain sums and the scatter of real fits."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.calibration.limit import (
    deviations,
    draw_widths,
    information,
    information_limit,
    least_covariance,
    medians_by_bin,
    width_ratios,
)
from gampen.calibration.priors import Priors
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture
from gampen.rendering.coordinates import COORDINATES, coordinates_of, quantity_slopes
from gampen.rendering.derivatives import Slopes
from gampen.rendering.exposures import Whitening, slope_of
from gampen.rendering.render import render
from gampen.settings import PriorSettings
from isolated import exposure, galaxies, mixed_psf, observed, single

PROFILE = galaxies(4)
POINTS = coordinates_of(PROFILE, torch.full((4,), 3.0))
PRIORS = Priors(PriorSettings(magnitude=(-12.0, 0.0), effective_radius=(0.5, 30.0)))
# All known but flux and the angle, of which a round galaxy's image does not depend.
ONLY_FLUX = PriorSettings(
    magnitude=(-100.0, 100.0),
    effective_radius=(1.0, 1.0),
    bulge_to_total=(0.5, 0.5),
    radius_ratio=(0.5, 0.5),
    bulge_index=(4.0, 4.0),
    disk_index=(1.0, 1.0),
    bulge_axis_ratio=(1.0, 1.0),
    disk_axis_ratio=(1.0, 1.0),
    twist=0.0,
    offset=0.0,
)
KNOWN = Priors(ONLY_FLUX, sky_residual=0.0, psf_error=0.0)


def gaussian_posterior(covariance):
    """Posteriors that are normal, with these covariances."""
    number = len(covariance)
    cholesky = torch.linalg.cholesky(torch.linalg.inv(covariance))[:, None]
    log_weights, means = torch.zeros(number, 1).double(), torch.zeros(number, 1, 3).double()
    mixture = GaussianMixture(log_weights, means, cholesky)
    ids, unknown = np.arange(number).astype(str), torch.full((number,), torch.nan)
    return Posterior(MORPHOLOGY, mixture, 0.1 * covariance, ids, unknown)


def test_the_variance_of_a_flux_alone_is_one_over_the_sum_of_squares():
    # of a known profile p under noise of variance v: var F = 1 / sum(p^2 / v)
    seen = exposure(4, correlation=0.0)
    light = render(PROFILE, seen.psf, seen.shape)
    expected = 1 / (light.square() / seen.variance(light)).sum(dim=(1, 2)).sqrt()
    found = deviations(information_limit(PROFILE, seen, KNOWN))
    torch.testing.assert_close(found[:, 2], expected, rtol=1e-4, atol=0)
    assert (found[:, 0] == 0).all()


def test_independent_noise_is_a_plain_sum_over_good_pixels():
    seen = exposure(4, correlation=0.0)
    bad = seen.bad.clone()
    bad[:, :12, 5:20] = True
    found = information(POINTS, replace(seen, bad=bad), PRIORS)
    quantities, slopes = quantity_slopes(POINTS)
    images = Slopes(quantities, seen, unsure_width=True, unsure_slope=False).images()
    rows = torch.einsum("gqhw,gqc->gchw", images, slopes)
    weight = (~bad).double() / seen.variance(images[:, 0] + images[:, 5])
    expected = torch.einsum("gahw,gbhw,ghw->gab", rows, rows, weight)
    scale = expected.diagonal(dim1=1, dim2=2).sqrt() + 1e-30
    error = (found - expected) / scale[:, :, None] / scale[:, None]
    assert error.abs().max() < 1e-10


def test_the_image_tells_of_correlated_noise_what_the_whole_covariance_says():
    seen = exposure(1, correlation=0.35, shape=(20, 22))
    bad = seen.bad.clone()
    bad[0, 3:8, 10:14] = True
    seen = replace(seen, bad=bad)
    found = information(POINTS[:1], seen, PRIORS)
    quantities, slopes = quantity_slopes(POINTS[:1])
    images = Slopes(quantities, seen, unsure_width=True, unsure_slope=False).images()
    rows = (images[0].flatten(1).T @ slopes[0])[~bad.flatten()]
    spread = seen.variance(images[:, 0] + images[:, 5]).sqrt().flatten()[~bad.flatten()]

    def along(side):
        apart = (torch.arange(side)[:, None] - torch.arange(side)).abs()
        near = torch.tensor([1 + 2 * 0.35**2, 2 * 0.35, 0.35**2]).double() / (1 + 2 * 0.35**2)
        return torch.where(apart <= 2, near[apart.clamp(max=2)], 0.0)

    covariance = torch.kron(along(20), along(22))[~bad.flatten()][:, ~bad.flatten()]
    expected = rows.T @ torch.linalg.inv(covariance * spread[:, None] * spread) @ rows
    scale = expected.diagonal().sqrt() + 1e-30
    assert ((found[0] - expected) / scale[:, None] / scale).abs().max() < 1e-5


def test_without_an_image_the_prior_is_all_that_is_known():
    seen = replace(exposure(4), sky_sigma=torch.full((4,), 1e9).double())
    found = least_covariance(POINTS, seen, PRIORS).diagonal(dim1=1, dim2=2).sqrt()
    sky = COORDINATES.index("sky")  # measured in noise, it is known better than by the prior
    kept = [place for place in range(len(COORDINATES)) if place != sky]
    torch.testing.assert_close(found[:, kept], PRIORS.deviations(seen)[:, kept])


def test_fits_scatter_as_the_limit_says():
    # one step from the truth, which is as good as the best fit where noise is small
    number, priors = 400, Priors(PRIORS.galaxies, psf_error=0.0)
    profile, seen = PROFILE.take(slice(0, 1)), exposure(1)
    quantities, slopes = quantity_slopes(POINTS[:1])
    images = Slopes(quantities, seen, unsure_width=False, unsure_slope=False).images()
    spread = seen.variance(images[:, 0] + images[:, 5]).sqrt()
    whitening = Whitening.of(seen)
    rows = slopes[0].T @ whitening(images / spread[:, None], seen.bad)[0].flatten(1)
    many = profile.take(torch.zeros(number, dtype=torch.long))
    noise = observed(many, exposure(number)) - render(many, exposure(number).psf, seen.shape)
    white = whitening((noise / spread)[None], seen.bad)[0].flatten(1)
    prior = priors.deviations(seen)[0]
    before = prior * torch.randn(number, len(prior), generator=torch.Generator().manual_seed(5))
    # the truths lie about the prior's mean: what is left is the truth less its best estimate
    covariance = least_covariance(POINTS[:1], seen, priors)[0]
    estimate = (before @ rows + white) @ rows.T @ covariance
    left = (estimate - before)[:, :3]
    expected = information_limit(profile, seen, priors)[0]
    scale = expected.diagonal().sqrt()
    # a covariance of 400 draws scatters by sqrt(2 / 400) of itself at most
    found = left.T @ left / number / scale / scale[:, None]
    assert (found - expected / scale / scale[:, None]).abs().max() < 4 * math.sqrt(2 / number)


def test_more_knowledge_is_never_less_precise():
    seen = exposure(4)
    wide = deviations(information_limit(PROFILE, seen, replace(PRIORS, psf_slope=(2.0, 5.0))))
    usual = deviations(information_limit(PROFILE, seen, PRIORS))
    sharp = deviations(information_limit(PROFILE, seen, replace(PRIORS, psf_error=0.0)))
    assert (wide >= usual).all()
    assert (usual >= sharp).all()
    assert (wide > 1.001 * sharp).any()


def test_single_precision_is_good_to_a_percent():
    seen = exposure(4, psf=mixed_psf(4))
    exact, rough = (
        deviations(information_limit(*pair, PRIORS))
        for pair in ((PROFILE, seen), (single(PROFILE), single(seen)))
    )
    torch.testing.assert_close(rough, exact, rtol=0.01, atol=0)


def test_units_do_not_matter():
    # pixels half as large in arcsec, and an image in other units: the same galaxy
    seen = exposure(4)
    other = replace(seen, sky_sigma=10 * seen.sky_sigma, gain=seen.gain / 10)
    brighter = type(PROFILE)(**(vars(PROFILE) | {"flux": 10 * PROFILE.flux}))
    settings = replace(PRIORS.galaxies, effective_radius=(0.25, 15.0))
    priors = Priors(settings, pixel_scale=0.5, zero_point=2.5)
    found = information_limit(brighter, other, priors)
    torch.testing.assert_close(found, information_limit(PROFILE, seen, PRIORS))


def test_the_limit_of_a_batch_is_that_of_each():
    profile = galaxies(11)
    seen = exposure(11, psf=mixed_psf(11))
    together = information_limit(profile, seen, PRIORS)
    alone = information_limit(profile.take(slice(9, 10)), seen.take(slice(9, 10)), PRIORS)
    torch.testing.assert_close(together[9:10], alone)
    assert slope_of(seen.psf) is not None


@pytest.mark.parametrize("stretch", [0.5, 1.0, 2.0])
def test_a_posteriors_width_is_told_in_units_of_the_limit(stretch):
    least = information_limit(PROFILE, exposure(4), PRIORS)
    ratios = width_ratios(gaussian_posterior(stretch**2 * least), deviations(least))
    torch.testing.assert_close(ratios, torch.full((4, 3), stretch).double(), rtol=1e-4, atol=0)


def test_the_width_of_draws_is_their_deviation_where_they_are_normal():
    draws = 3 * torch.randn(40_000, 2, 3, generator=torch.Generator().manual_seed(1)).double()
    # each quantile scatters by sqrt(p (1 - p) / 40,000) / density: 0.75 % of the deviation
    torch.testing.assert_close(
        draw_widths(draws), torch.full((2, 3), 3.0).double(), rtol=0.03, atol=0
    )


def test_medians_are_those_of_their_bin():
    values = torch.arange(15, dtype=torch.float64).view(5, 3)
    found = medians_by_bin(
        values,
        torch.tensor([30.0, 31.0, 119.0, 120.0, 5.0]),
        torch.tensor([10.0, 30.0, 120.0, math.inf]),
    )
    assert found[0].isnan().all()
    assert found[1].tolist() == [3, 4, 5]
    assert found[2].tolist() == [9, 10, 11]
