"""Labels: in the network's units, in any orientation, and what errors do to what is learned."""

import numpy as np
import pytest
import torch

from gampen.network.frames import Frames
from gampen.network.recall import recall
from gampen.network.symmetry import SYMMETRIES
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.probability.mixtures import GaussianMixture
from gampen.training.batches import Batch
from gampen.training.labels import Labels, by_shape, joined, turning_signs
from gampen.training.likelihood import log_likelihood, spread_of
from tiny import PAIRED, batch, network

SCALE = 0.2  # [arcsec]


def labels_of(number, error=0.0, unknown=()):
    """Labels of simulated galaxies whose truths are known in pixels and sky sigmas, and these."""
    whole = batch(number)
    inside = MORPHOLOGY.constrain(whole.truth.double())
    sigma = whole.frames.sky_sigma.double()
    units = torch.stack([torch.ones_like(sigma), torch.full_like(sigma, SCALE), sigma], dim=1)
    values = (inside * units).numpy()
    values[:, list(unknown)] = np.nan
    errors = np.where(np.isnan(values), 0.0, error * values)
    return Labels(MORPHOLOGY, values, errors, np.full(number, SCALE)), whole


def test_labels_become_truths_in_pixels_and_sky_sigmas():
    labels, whole = labels_of(8)
    found = labels.batch(whole.frames)
    torch.testing.assert_close(found.truth, whole.truth, rtol=1e-4, atol=1e-4)
    assert found.errors is None


def test_errors_are_of_values_in_the_same_units():
    labels, whole = labels_of(8, error=0.1)
    found = labels.batch(whole.frames)
    inside = MORPHOLOGY.constrain(whole.truth)
    torch.testing.assert_close(found.errors, 0.1 * inside, rtol=1e-4, atol=1e-6)


def test_a_label_that_is_not_known_stays_unknown():
    labels, whole = labels_of(8, unknown=[1])
    found = labels.batch(whole.frames)
    assert found.truth[:, 1].isnan().all()
    assert found.truth[:, [0, 2]].isfinite().all()
    assert found.errors is not None


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_a_galaxy_is_turned_and_its_noise_is_not_measured_anew(symmetry):
    labels, whole = labels_of(4)
    found = labels.batch(whole.frames, symmetry)
    assert torch.equal(found.frames.pixels, symmetry.of(whole.frames.pixels))
    assert torch.equal(found.frames.sky_sigma, whole.frames.sky_sigma)
    torch.testing.assert_close(found.truth, whole.truth, rtol=1e-4, atol=1e-4)


def test_batches_of_one_shape_are_joined_and_others_are_not():
    large, small = batch(4), batch(6)
    cut = Frames(**{**vars(small.frames), "pixels": small.frames.pixels[..., :40, :]})
    found = by_shape([large, Batch(cut, small.truth), small])
    assert sorted(len(part) for part in found) == [6, 10]


def test_what_is_exact_joins_what_has_errors():
    errors = torch.full_like(batch(4).truth, 0.3)
    whole = joined([batch(4), Batch(batch(4).frames, batch(4).truth, errors)])
    assert whole.errors is not None
    assert whole.errors[:4].eq(0).all()
    assert whole.errors[4:].eq(0.3).all()


def test_what_was_seen_is_joined_too():
    seen = Batch(recall(network(), batch(4).frames), batch(4).truth)
    assert len(joined([seen, seen]).frames) == 8


def test_an_error_of_a_radius_is_one_of_its_logarithm_by_the_posterior_and_not_by_the_label():
    space = ParameterSpace((Parameter("radius", low=0),))
    means = torch.tensor([2.0, 4.0]).log()[:, None, None]
    mixture = GaussianMixture(torch.zeros(2, 1), means, torch.ones(2, 1, 1, 1))
    spread = spread_of(space, mixture, torch.full((2, 1), 0.2))
    torch.testing.assert_close(spread.flatten(), torch.tensor([0.1, 0.05]))


GALAXIES, DEVIATION = 4000, 0.1


def learned(space, middle, labels, errors):
    """The deviation about known means under which labels are likeliest."""
    free = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([free], max_iter=100, line_search_fn="strong_wolfe")
    frames = batch(1).frames.select(torch.zeros(GALAXIES, dtype=torch.long))
    known = Batch(frames, space.unconstrain(labels[:, None]), errors)

    def loss():
        solver.zero_grad()
        factors = (-free).exp().expand(GALAXIES, 1, 1, 1)
        weights = torch.zeros(GALAXIES, 1, dtype=torch.float64)
        mixture = GaussianMixture(weights, middle[:, None, None], factors)
        surprise = -log_likelihood(space, mixture, known).mean()
        surprise.backward()
        return surprise

    solver.step(loss)
    return float(free.detach().exp())


@pytest.mark.parametrize("low", [None, 0])
def test_noisy_labels_with_stated_errors_do_not_widen_what_is_learned(low):
    space = ParameterSpace((Parameter("size", low=low),))
    numbers = torch.Generator().manual_seed(4)
    middle, share, noise, off = torch.randn(4, GALAXIES, generator=numbers, dtype=torch.float64)
    truth = space.constrain((middle + DEVIATION * off)[:, None])[:, 0]
    # One to two deviations; of the values themselves where points are their logarithms.
    unit = torch.ones_like(middle) if low is None else middle.exp()
    errors = DEVIATION * (1 + share.abs().clamp(max=1)) * unit
    labels = truth + errors * noise
    aware = learned(space, middle, labels, errors[:, None])
    unaware = learned(space, middle, labels, None)
    # The variance of labels is four times that of truths and has a standard error of 2.2 %: what is
    # left of it has one of 9 %, half of that in the deviation: four of them, and a first order.
    assert aware == pytest.approx(DEVIATION, rel=0.25)
    assert unaware > 1.7 * DEVIATION


def test_an_error_at_a_bound_has_a_gradient():
    # Far out in unconstrained space a value hardly moves: an error of it is as wide as can be.
    space = ParameterSpace((Parameter("ratio", low=0, high=1),))
    means = torch.tensor([[[0.0]], [[-200.0]], [[200.0]]], requires_grad=True)
    mixture = GaussianMixture(torch.zeros(3, 1), means, torch.ones(3, 1, 1, 1))
    for error in (0.0, 0.01):
        known = Batch(batch(3).frames, torch.zeros(3, 1), torch.full((3, 1), error))
        likelihood = log_likelihood(space, mixture, known).sum()
        (gradient,) = torch.autograd.grad(likelihood, means)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_pairs_turn_with_their_galaxy(symmetry):
    angle = torch.tensor(25.0, dtype=torch.float64)

    def point(degrees):
        twice = torch.deg2rad(2 * degrees)
        radius = torch.tensor(0.3, dtype=torch.float64)
        return torch.stack([radius, radius, 0.5 * twice.cos(), 0.5 * twice.sin()])

    turned = point(angle) * turning_signs(PAIRED, symmetry)
    torch.testing.assert_close(turned, point(symmetry.angle(angle)))
