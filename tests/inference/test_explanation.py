"""A posterior's expected image, against GalSim and against simulations with a known truth."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import galsim_oracle
from gampen.cutouts import Cutout, Cutouts
from gampen.errors import UsageError
from gampen.inference.explanation import explain
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture
from gampen.rendering.coordinates import bulge_and_disk, coordinates_of
from gampen.rendering.noise import correlate
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic
from isolated import galaxies

SIDE, FWHM, SLOPE, SCALE = 64, 3.5, 3.0, 0.2
NUMBER = 24
CROP = np.array([[0.9, 0.0, 0.0], [0.0, 0.9, 0.0]])
POSTERIOR_DEVIATIONS = torch.tensor([0.3, 0.05, 0.05], dtype=torch.float64)


def single_profile(profile):
    return Sersic(**{name: value.float() for name, value in vars(profile).items()})


def moffat(number):
    return Moffat(torch.full((number,), FWHM), torch.full((number,), SLOPE))


def posterior_about(profile, pixel_scale=SCALE):
    """Posteriors whose means are the truth."""
    means = coordinates_of(profile)[:, :3].clone()
    means[:, 1] += math.log(pixel_scale)
    covariance = torch.diag(POSTERIOR_DEVIATIONS**2).expand(len(means), 1, 3, 3)
    weights = torch.ones(len(means), 1, dtype=torch.float64)
    mixture = GaussianMixture.from_covariances(weights, means[:, None], covariance)
    ids = np.arange(len(means)).astype(str)
    zero_points = torch.full((len(means),), torch.nan)
    return Posterior(MORPHOLOGY, mixture, 0.1 * mixture.covariance, ids, zero_points)


def noise_like(light, sigma, gain=200.0, correlation=0.3, seed=4):
    generator = torch.Generator().manual_seed(seed)
    white = torch.randn(len(light), SIDE + 2, SIDE + 2, generator=generator)
    deviation = (sigma**2 + light.clamp(min=0) / gain).sqrt()
    return correlate(white, torch.full((len(light),), correlation)) * deviation


def cutouts_with(images, **known):
    facts = {"psf_fwhm": FWHM, "pixel_scale": SCALE, **known}
    return Cutouts.of(Cutout(image.numpy(), **facts) for image in images)


def explained(cutouts, posterior, sigma):
    number = len(cutouts)
    return explain(cutouts, posterior, np.full(number, sigma), np.stack([CROP] * number))


PROFILE = galaxies(NUMBER, flux=(500.0, 5000.0), seed=3)
LIGHT = render(single_profile(PROFILE), moffat(NUMBER), (SIDE, SIDE))
POSTERIOR = posterior_about(PROFILE)


@pytest.fixture(scope="module")
def in_distribution():
    return explained(cutouts_with(LIGHT + noise_like(LIGHT, 1.0)), POSTERIOR, 1.0)


def relative(model, truth):
    return np.linalg.norm(model - truth) / np.linalg.norm(truth)


def test_a_galaxy_without_noise_is_reproduced():
    found = explained(cutouts_with(LIGHT), POSTERIOR, 1.0)
    shares = [
        relative(model, truth) for model, truth in zip(found.models, LIGHT.numpy(), strict=True)
    ]
    assert np.median(shares) < 0.005
    assert max(shares) < 0.03


def test_the_model_is_the_image_that_galsim_draws_of_the_fitted_galaxy(in_distribution):
    found = in_distribution
    points = torch.from_numpy(found.coordinates[:2]).float()
    psf = Moffat(torch.from_numpy(found.psf_fwhm[:2]).float(), points[:, -1])
    drawn = galsim_oracle.draw(bulge_and_disk(points), psf, (SIDE, SIDE)).numpy()
    for galaxy in range(2):
        error = np.abs(found.models[galaxy] - drawn[galaxy]).max()
        assert error <= 1e-3 * drawn[galaxy].max()


def test_the_model_lies_where_the_light_does_in_frames_of_any_shape():
    wide = torch.nn.functional.pad(LIGHT[:3], (0, 20, 0, 0))
    theta = np.stack([CROP] * 3)
    theta[:, 0] *= SIDE / (SIDE + 20)
    theta[:, 0, 2] = -20 / (SIDE + 20)
    found = explain(cutouts_with(wide), POSTERIOR.select([0, 1, 2]), np.ones(3), theta)
    for model, truth in zip(found.models, LIGHT.numpy(), strict=False):
        assert model.shape == (SIDE, SIDE + 20)
        assert relative(model[:, :SIDE], truth) < 0.03


def test_chi_square_is_about_one_in_distribution(in_distribution):
    # 24 galaxies of 30 degrees of freedom and more scatter by sqrt(2 / 30 / 24) = 0.05
    assert np.median(in_distribution.chi_square) == pytest.approx(1, abs=0.25)
    # of 10 degrees of freedom, as the smallest have, one in 10,000 is above 3.6
    assert (in_distribution.chi_square < 4).all()


@pytest.mark.parametrize("correlation", [0.0, 0.45])
def test_chi_square_does_not_depend_on_how_noise_is_correlated(correlation):
    noise = noise_like(LIGHT, 1.0, correlation=correlation, seed=8)
    found = explained(cutouts_with(LIGHT + noise), POSTERIOR, 1.0)
    assert np.median(found.chi_square) == pytest.approx(1, abs=0.3)


def test_chi_square_does_not_depend_on_the_gain():
    noise = noise_like(LIGHT, 1.0, gain=5.0, seed=9)
    found = explained(cutouts_with(LIGHT + noise), POSTERIOR, 1.0)
    assert np.median(found.chi_square) == pytest.approx(1, abs=0.3)


def test_arms_stand_out():
    place = torch.arange(SIDE) - (SIDE - 1) / 2
    x, y = place[None, :], place[:, None]
    radius = torch.hypot(x, y) + 0.5
    arms = 0.3 * (2 * torch.atan2(y, x) - 4 * radius.log()).cos()
    bright = 10 * LIGHT
    posterior = posterior_about(replace(PROFILE, flux=10 * PROFILE.flux))
    smooth, armed = (
        explained(cutouts_with(light + noise_like(light, 1.0)), posterior, 1.0)
        for light in (bright, bright * (1 + arms))
    )
    assert (armed.chi_square > 2 * smooth.chi_square).mean() > 0.9


def test_a_psf_told_too_wide_stands_out(in_distribution):
    images = LIGHT + noise_like(LIGHT, 1.0)
    found = explained(cutouts_with(images, psf_fwhm=1.5 * FWHM), POSTERIOR, 1.0)
    assert np.median(np.abs(in_distribution.psf_surprise)) < 1.5
    assert np.median(found.psf_surprise) < -2


def test_a_neighbour_is_left_out_and_told_of(in_distribution):
    beside = Sersic(*[torch.full((1, 1), v) for v in (3000.0, 2.0, 1.0, 0.8, 30.0, 9.0, 2.0)])
    images = LIGHT + render(beside, moffat(1), (SIDE, SIDE)) + noise_like(LIGHT, 1.0)
    found = explained(cutouts_with(images), POSTERIOR, 1.0)
    assert np.median(found.neighbour_share) > 10 * np.median(in_distribution.neighbour_share)
    for model, truth in zip(found.models, LIGHT.numpy(), strict=False):
        assert relative(model, truth) < 0.3


def test_bad_pixels_say_nothing():
    images = (LIGHT + noise_like(LIGHT, 1.0))[:4]
    bad = np.zeros((SIDE, SIDE), dtype=bool)
    bad[30:33, 34:37] = True
    facts = {"psf_fwhm": FWHM, "pixel_scale": SCALE}
    results = []
    for value in (0.0, 1e5):
        spoilt = [np.where(bad, np.float32(value), image.numpy()) for image in images]
        cutouts = Cutouts.of(Cutout(pixels, bad, **facts) for pixels in spoilt)
        results.append(explained(cutouts, POSTERIOR.select([0, 1, 2, 3]), 1.0))
    assert results[0].chi_square.tolist() == results[1].chi_square.tolist()
    assert (results[0].chi_square < 2.5).all()


@pytest.mark.parametrize("known", [{"psf_fwhm": None}, {"psf_concentration": 0.85}])
def test_a_psf_that_is_known_less_or_more_is_fitted_too(known):
    images = (LIGHT + noise_like(LIGHT, 1.0))[:6]
    found = explained(cutouts_with(images, **known), POSTERIOR.select(range(6)), 1.0)
    assert (found.chi_square < 3).all()


def test_radii_are_in_pixels_where_the_scale_is_unknown():
    images = (LIGHT + noise_like(LIGHT, 1.0))[:6]
    posterior = posterior_about(PROFILE.take(slice(6)), pixel_scale=1.0)
    found = explained(cutouts_with(images, pixel_scale=None), posterior, 1.0)
    known = explained(cutouts_with(images), POSTERIOR.select(range(6)), 1.0)
    np.testing.assert_allclose(found.coordinates, known.coordinates, atol=1e-3, rtol=1e-3)


def test_image_units_do_not_matter(in_distribution):
    images = 1e-3 * (LIGHT + noise_like(LIGHT, 1.0))
    dimmer = replace(PROFILE, flux=1e-3 * PROFILE.flux)
    found = explained(cutouts_with(images), posterior_about(dimmer), 1e-3)
    np.testing.assert_allclose(found.chi_square, in_distribution.chi_square, rtol=2e-2)


def test_a_large_galaxy_is_fitted_in_bins():
    large = replace(PROFILE.take(slice(4)), effective_radius=4 * PROFILE.effective_radius[:4])
    light = render(single_profile(large), moffat(4), (192, 192))
    generator = torch.Generator().manual_seed(1)
    images = 20 * light + torch.randn(light.shape, generator=generator)
    posterior = posterior_about(replace(large, flux=20 * large.flux))
    found = explained(cutouts_with(images), posterior, 1.0)
    for model, truth in zip(found.models, 20 * light.numpy(), strict=True):
        assert relative(model, truth) < 0.05
    assert (found.chi_square < 2.5).all()


def test_the_company_of_others_changes_nothing(in_distribution):
    cutouts = cutouts_with(LIGHT + noise_like(LIGHT, 1.0))
    alone = [explained(cutouts.take([g]), POSTERIOR.select([g]), 1.0) for g in (0, 7)]
    for galaxy, found in zip((0, 7), alone, strict=True):
        assert found.chi_square[0] == pytest.approx(in_distribution.chi_square[galaxy], rel=1e-3)


def test_a_galaxy_that_cannot_be_fitted_is_a_row_of_nan_and_stops_nothing(in_distribution):
    images = LIGHT + noise_like(LIGHT, 1.0)
    images[1] = -images[1]
    found = explained(cutouts_with(images), POSTERIOR, 1.0)
    assert np.isnan(found.chi_square[1])
    assert np.isnan(found.models[1]).all()
    others = np.arange(NUMBER) != 1
    np.testing.assert_allclose(
        found.chi_square[others], in_distribution.chi_square[others], rtol=1e-3
    )


def test_posteriors_and_cutouts_must_be_of_the_same_galaxies():
    with pytest.raises(UsageError, match="one posterior a cutout; got 2 for 3"):
        explained(cutouts_with(LIGHT[:3]), POSTERIOR.select([0, 1]), 1.0)


def test_no_cutouts_are_explained_by_nothing():
    empty = explain(Cutouts(()), POSTERIOR.select([]), np.zeros(0), np.zeros((0, 2, 3)))
    assert len(empty) == 0
    assert empty.models == ()
