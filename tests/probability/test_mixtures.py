"""Mixtures against torch.distributions, scipy, autograd and their own draws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gampen.probability.mixtures import GaussianMixture, collapse
from strategies import mixtures, numbers, random_mixture


def oracle(mixture):
    """The same mixture, by torch.distributions."""
    normal = torch.distributions.MultivariateNormal(mixture.means, mixture.covariances)
    weights = torch.distributions.Categorical(logits=mixture.log_weights)
    return torch.distributions.MixtureSameFamily(weights, normal)


def stacked(mixtures):
    """Several mixtures along a leading axis of network draws."""
    parts = ("log_weights", "means", "precision_cholesky")
    return GaussianMixture(*(torch.stack([getattr(m, part) for m in mixtures]) for part in parts))


@given(mixtures(), numbers((3, 2, 3), -6, 6))
def test_the_density_is_that_of_torch_distributions(mixture, points):
    expected = oracle(mixture).log_prob(points)
    torch.testing.assert_close(mixture.log_prob(points), expected, rtol=1e-7, atol=1e-7)


def test_the_density_is_that_of_scipy():
    mixture, point = random_mixture(1), np.array([0.3, -0.2, 1.0])
    normals = zip(mixture.means[0].numpy(), mixture.covariances[0].numpy(), strict=True)
    densities = [stats.multivariate_normal(mean, cov).pdf(point) for mean, cov in normals]
    expected = np.log(np.dot(mixture.log_weights[0].exp().numpy(), densities))
    assert math.isclose(mixture.log_prob(torch.from_numpy(point)[None]).item(), expected)


@given(mixtures())
def test_mean_and_covariance_are_those_of_torch_distributions(mixture):
    expected = oracle(mixture)
    torch.testing.assert_close(mixture.mean, expected.mean)
    torch.testing.assert_close(mixture.covariance.diagonal(dim1=-2, dim2=-1), expected.variance)


@given(mixtures())
def test_a_mixture_comes_back_from_its_covariances(mixture):
    again = GaussianMixture.from_covariances(
        7 * mixture.log_weights.exp(), mixture.means, mixture.covariances
    )
    torch.testing.assert_close(again.log_weights, mixture.log_weights)
    torch.testing.assert_close(
        again.precision_cholesky, mixture.precision_cholesky, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("log_diagonal", [-7.0, 0.0, 7.0])
def test_the_loss_and_its_gradient_are_finite_in_float32_far_from_the_truth(log_diagonal):
    means = torch.zeros(2, 4, 3, requires_grad=True)
    factors = torch.diag_embed(torch.full((2, 4, 3), log_diagonal).exp()).requires_grad_()
    weights = torch.zeros(2, 4, requires_grad=True)
    mixture = GaussianMixture(weights.log_softmax(dim=-1), means, factors)
    loss = -mixture.log_prob(torch.tensor([[300.0, -200.0, 1000.0], [0, 0, 0]])).mean()
    gradients = torch.autograd.grad(loss, [weights, means, factors])
    assert math.isfinite(loss.item())
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_the_gradient_is_right():
    mixture = random_mixture(2, components=2)
    leaves = [mixture.log_weights, mixture.means, mixture.precision_cholesky]
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    points = torch.tensor([[0.2, -1.0, 0.5], [1.0, 0.0, 0.3]], dtype=torch.float64)

    def loss(weights, means, factors):
        # The unused upper triangle stays out, as it does in a network.
        return GaussianMixture(weights.log_softmax(-1), means, factors.tril()).log_prob(points)

    assert torch.autograd.gradcheck(loss, leaves)


def test_float32_agrees_with_float64():
    mixture, points = random_mixture(50), torch.randn(50, 3, dtype=torch.float64)
    single = mixture.to(torch.float32).log_prob(points.to(torch.float32))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), mixture.log_prob(points), rtol=1e-4, atol=1e-4)


def test_draws_have_the_mean_and_covariance_of_the_mixture():
    mixture, draws = random_mixture(6), 40_000
    sample = mixture.sample(draws, torch.Generator().manual_seed(1))
    error = (sample.mean(dim=0) - mixture.mean) / mixture.covariance.diagonal(dim1=1, dim2=2).sqrt()
    assert error.abs().max() < 5 / math.sqrt(draws)
    for galaxy in range(len(mixture)):
        estimate = torch.cov(sample[:, galaxy].T)
        scale = estimate.diagonal().sqrt()
        difference = (estimate - mixture.covariance[galaxy]) / torch.outer(scale, scale)
        # The variance of a squared deviation of these mixtures stays below 4.
        assert difference.abs().max() < 5 * 2 / math.sqrt(draws)


def test_the_same_seed_gives_the_same_draws():
    mixture = random_mixture(3)
    one, two = (mixture.sample(5, torch.Generator().manual_seed(9)) for _ in range(2))
    assert torch.equal(one, two)


@given(mixtures(), numbers((2, 3), -4, 4), numbers((2, 3), 0.1, 3), st.sampled_from([-1.0, 1.0]))
def test_an_affine_map_divides_the_density_by_its_slopes(mixture, points, slope, sign):
    moved = mixture.affine(sign * slope, points)
    expected = mixture.log_prob(points) - slope.log().sum(dim=-1)
    torch.testing.assert_close(moved.log_prob(sign * slope * points + points), expected)
    assert bool((moved.precision_cholesky.diagonal(dim1=-2, dim2=-1) > 0).all())


@given(mixtures(), st.permutations([0, 1, 2]), numbers((2, 3), -4, 4))
def test_the_order_of_parameters_does_not_change_the_density(mixture, order, points):
    ordered = mixture.reorder(order)
    assert bool((ordered.precision_cholesky.diagonal(dim1=-2, dim2=-1) > 0).all())
    torch.testing.assert_close(
        ordered.log_prob(points[:, order]), mixture.log_prob(points), rtol=1e-7, atol=1e-7
    )


@given(mixtures(), st.sampled_from([[0], [2], [2, 0], [1, 2]]))
def test_a_marginal_has_the_rows_and_columns_of_the_covariances(mixture, indices):
    marginal = mixture.marginal(indices)
    torch.testing.assert_close(marginal.means, mixture.means[..., indices])
    expected = mixture.covariances[..., indices, :][..., indices]
    torch.testing.assert_close(marginal.covariances, expected, rtol=1e-7, atol=1e-9)


@given(mixtures(), st.sampled_from([[0], [2], [2, 0], [0, 1]]), numbers((2, 3), -3, 3))
def test_conditional_times_marginal_is_joint(mixture, given_, points):
    others = [index for index in range(3) if index not in given_]
    conditional = mixture.condition(given_, points[:, given_]).log_prob(points[:, others])
    product = conditional + mixture.marginal(given_).log_prob(points[:, given_])
    torch.testing.assert_close(product, mixture.log_prob(points), rtol=1e-6, atol=1e-6)


@given(st.lists(mixtures(max_components=1), min_size=1, max_size=4))
def test_collapse_keeps_mean_and_covariance_exactly(passes):
    merged, epistemic = collapse(stacked(passes))
    means = torch.stack([one.mean for one in passes])
    within = torch.stack([one.covariance for one in passes]).mean(dim=0)
    offsets = means - means.mean(dim=0)
    between = torch.einsum("dgp,dgq->gpq", offsets, offsets) / len(passes)
    torch.testing.assert_close(merged.mean, means.mean(dim=0))
    torch.testing.assert_close(epistemic, between)
    torch.testing.assert_close(merged.covariance, within + between, rtol=1e-7, atol=1e-7)


def test_collapse_merges_each_component_with_its_counterparts():
    passes = [random_mixture(5, seed=seed) for seed in range(7)]
    merged, epistemic = collapse(stacked(passes))
    means = torch.stack([one.mean for one in passes])
    seconds = torch.stack(
        [one.covariance + one.mean[..., None] * one.mean[:, None] for one in passes]
    )
    total = seconds.mean(dim=0) - means.mean(dim=0)[..., None] * means.mean(dim=0)[:, None]
    weights = torch.stack([one.log_weights.exp() for one in passes]).mean(dim=0)
    torch.testing.assert_close(merged.log_weights.exp(), weights)
    torch.testing.assert_close(merged.covariance, total)
    assert bool((torch.linalg.eigvalsh(total - epistemic) > 0).all())


def test_collapse_of_equal_passes_changes_nothing():
    mixture = random_mixture(4)
    merged, epistemic = collapse(stacked([mixture] * 3))
    torch.testing.assert_close(merged.precision_cholesky, mixture.precision_cholesky)
    assert epistemic.abs().max() < 1e-30


def test_selected_and_joined_galaxies_are_the_same_galaxies():
    mixture = random_mixture(6)
    joined = GaussianMixture.cat([mixture.select(slice(0, 2)), mixture.select([2, 3, 4, 5])])
    assert torch.equal(joined.means, mixture.means)
    assert (len(joined), joined.components, joined.parameters) == (6, 4, 3)
