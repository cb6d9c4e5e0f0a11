"""Answers are drawn out and moved as it is said, whatever the units."""

import math

import pytest
import torch
from hypothesis import given

from arms import answers_of, posterior_of
from gampen.calibration.answers import (
    OF_THE_IMAGE,
    Answers,
    in_own_frames,
    told_in_own_frames,
)
from strategies import mixtures, numbers, random_mixture
from tiny import PAIRED, paired_posterior

SIZE = (1, 3)


def answers(mixture):
    return answers_of(posterior_of(mixture))


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@given(mixtures(), numbers(SIZE, -2, 2), numbers(SIZE, -3, 3))
def test_components_move_as_the_formula_says(mixture, log_scale, shift):
    found = answers(mixture).corrected(log_scale, shift)
    mean = mixture.mean[:, None]
    sigma = mixture.covariance.diagonal(dim1=1, dim2=2).sqrt()[:, None]
    scale = log_scale.exp()[:, None]
    close(found.mixture.means, mean + scale * (mixture.means - mean) + shift[:, None] * sigma)
    scaled = torch.diag_embed(scale) @ mixture.covariances @ torch.diag_embed(scale)
    torch.testing.assert_close(found.mixture.covariances, scaled, rtol=1e-6, atol=1e-9)
    assert torch.equal(found.mixture.log_weights, mixture.log_weights)


@given(mixtures(), numbers(SIZE, -2, 2), numbers(SIZE, -3, 3))
def test_the_whole_has_its_mean_moved_and_its_covariance_scaled(mixture, log_scale, shift):
    before = answers(mixture)
    found = before.corrected(log_scale, shift)
    close(found.mixture.mean, mixture.mean + shift * before.deviations)
    matrix = torch.diag_embed(log_scale.exp())
    expected = matrix @ mixture.covariance @ matrix
    torch.testing.assert_close(found.mixture.covariance, expected, rtol=1e-6, atol=1e-9)
    close(found.epistemic, matrix @ before.epistemic @ matrix)


@given(mixtures(), numbers(SIZE, -2, 2), numbers(SIZE, -3, 3), numbers((2, 3), -3, 3))
def test_the_density_is_that_of_points_moved_along(mixture, log_scale, shift, points):
    before = answers(mixture)
    moved = mixture.mean + log_scale.exp() * (points - mixture.mean) + shift * before.deviations
    found = before.corrected(log_scale, shift).mixture.log_prob(moved)
    expected = mixture.log_prob(points) - log_scale.sum()
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_draws_have_the_mean_and_covariance_that_the_closed_form_has():
    before = answers(random_mixture(3))
    scale, shift = torch.tensor([[0.5, 2.0, 1.5]]), torch.tensor([[1.0, -2.0, 0.3]])
    found = before.corrected(scale.double().log(), shift.double())
    number = 200_000
    drawn = found.mixture.sample(number, torch.Generator().manual_seed(0))
    sigma = found.deviations
    # Four standard errors of a mean; a mixture's fourth moment is below 8, so of a variance too.
    error = 4 / math.sqrt(number)
    assert bool(((drawn.mean(0) - before.mixture.mean) / sigma - shift / scale).abs().max() < error)
    ratio = drawn.std(0) / (before.deviations * scale)
    assert bool((ratio - 1).abs().max() < error * math.sqrt(7) / 2)


@given(mixtures(), numbers(SIZE, -2, 2), numbers(SIZE, -3, 3), numbers(SIZE, 0.1, 9))
def test_a_change_of_units_before_or_after_is_the_same(mixture, log_scale, shift, slope):
    offset = slope.log()
    first = answers(mixture.affine(slope, offset)).corrected(log_scale, shift).mixture
    last = answers(mixture).corrected(log_scale, shift).mixture.affine(slope, offset)
    torch.testing.assert_close(first.means, last.means, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(first.precision_cholesky, last.precision_cholesky)


def test_features_say_what_is_unknown():
    mixture = random_mixture(2)
    known = Answers(mixture, mixture.covariance, torch.ones(2).double(), torch.ones(2).double())
    psf = torch.tensor([2.0, torch.nan], dtype=torch.float64)
    half = Answers(mixture, mixture.covariance, torch.ones(2).double(), psf)
    assert known.features.shape == (2, 6 + OF_THE_IMAGE)
    assert half.features[:, -2].tolist() == [
        pytest.approx(math.log(2)),
        pytest.approx(math.nan, nan_ok=True),
    ]
    assert half.features[:, -1].tolist() == [1, 0]
    close(half.features[:, :3], mixture.mean)
    close(half.features[:, 3:6], half.deviations.log())


def test_parts_make_up_the_whole():
    whole = answers(random_mixture(7))
    parts = [whole.select(torch.arange(3)), whole.select(torch.arange(3, 7))]
    again = Answers.cat(parts)
    assert len(again) == 7
    torch.testing.assert_close(again.features, whole.features, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(again.epistemic, whole.epistemic)


def test_what_is_done_to_pairs_turns_with_their_galaxies():
    posterior = paired_posterior(6)
    mixture, none = posterior.mixture, torch.full((6,), torch.nan).double()
    answers = Answers(mixture, posterior.epistemic, torch.ones(6).double(), none)
    angle = torch.linspace(0, 6, 6, dtype=torch.float64)
    heading = torch.stack([angle.cos(), angle.sin()], dim=-1)
    scale = torch.tensor([[0.1, -0.2, 0.3, -0.4]], dtype=torch.float64)
    shift = torch.tensor([[0.0, 0.1, 0.5, 0.2]], dtype=torch.float64)

    def change(told):
        return told.corrected(scale, shift)

    one = in_own_frames(PAIRED, answers, change).turned(PAIRED, heading)
    other = in_own_frames(PAIRED, answers.turned(PAIRED, heading), change)
    torch.testing.assert_close(one.mixture.mean, other.mixture.mean)
    torch.testing.assert_close(one.mixture.covariance, other.mixture.covariance)
    torch.testing.assert_close(one.epistemic, other.epistemic)
    # told in the image's frame, the same change depends on how the camera was held
    held = change(answers).turned(PAIRED, heading).mixture.mean
    assert not torch.allclose(held, change(answers.turned(PAIRED, heading)).mixture.mean)


def test_in_its_own_frame_a_pair_lies_along_the_first_axis():
    posterior = paired_posterior(6)
    none = torch.full((6,), torch.nan).double()
    answers = Answers(posterior.mixture, posterior.epistemic, torch.ones(6).double(), none)
    points = posterior.mixture.sample(1, torch.Generator().manual_seed(1))[0]
    told, where = told_in_own_frames(PAIRED, answers, points)
    mean = told.mixture.mean[:, 2:]
    assert float(mean[:, 1].abs().max()) < 1e-12
    assert bool((mean[:, 0] > 0).all())
    torch.testing.assert_close(told.mixture.log_prob(where), posterior.mixture.log_prob(points))
