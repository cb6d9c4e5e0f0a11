"""Points with errors, and points that are not all known, against independent computations."""

import pytest
import torch
from hypothesis import given

from gampen.probability.blurring import blurred_log_prob
from strategies import mixtures, numbers, random_mixture


def direct(mixture, points, spread):
    """The density of the sum by torch's own normal distribution."""
    noise = torch.diag_embed(spread.square())
    normal = torch.distributions.MultivariateNormal(mixture.means, mixture.covariances + noise)
    return (mixture.log_weights + normal.log_prob(points.unsqueeze(-2))).logsumexp(dim=-1)


@given(mixtures(galaxies=3), numbers((3, 3), -3, 3), numbers((3, 1, 3), 0, 2))
def test_errors_add_to_every_component(mixture, points, spread):
    spread = spread.expand(-1, mixture.components, -1)
    found = blurred_log_prob(mixture, points, spread)
    torch.testing.assert_close(found, direct(mixture, points, spread), rtol=1e-6, atol=1e-6)


@given(mixtures(galaxies=3), numbers((3, 3), -3, 3))
def test_without_errors_it_is_the_density(mixture, points):
    found = blurred_log_prob(mixture, points, torch.zeros_like(mixture.means))
    torch.testing.assert_close(found, mixture.log_prob(points))


@pytest.mark.parametrize("unknown", [[0], [1], [2], [0, 2], [1, 2]])
def test_what_is_not_known_is_left_out_whatever_it_is(unknown):
    mixture = random_mixture(5, 3)
    known = [place for place in range(3) if place not in unknown]
    points = torch.randn(5, 3, dtype=torch.float64)
    points[1:3, unknown] = torch.nan  # two of the galaxies; of the others all is known
    spread = torch.full((5, 3, 3), 0.3, dtype=torch.float64)
    found = blurred_log_prob(mixture, points, spread)
    part = mixture.marginal(known)
    expected = direct(part, points[:, known], spread[..., known])
    torch.testing.assert_close(found[1:3], expected[1:3])
    torch.testing.assert_close(
        found[[0, 3, 4]], direct(mixture, points.nan_to_num(), spread)[[0, 3, 4]]
    )


def test_of_a_galaxy_of_which_nothing_is_known_nothing_is_said():
    points = torch.full((2, 3), torch.nan, dtype=torch.float64)
    mixture = random_mixture(2, 2)
    assert blurred_log_prob(mixture, points, torch.ones_like(mixture.means)).tolist() == [0, 0]


def test_its_gradient_is_that_of_finite_differences():
    mixture = random_mixture(3, 2)
    points = torch.randn(3, 3, dtype=torch.float64)
    points[0, 1] = torch.nan
    spread = torch.full((3, 2, 3), 0.4, dtype=torch.float64)

    def density(means, factors):
        moved = type(mixture)(mixture.log_weights, means, factors.tril())
        return blurred_log_prob(moved, points, spread)

    free = [part.clone().requires_grad_() for part in (mixture.means, mixture.precision_cholesky)]
    assert torch.autograd.gradcheck(density, free)


def test_the_narrowest_posteriors_keep_their_digits():
    mixture = random_mixture(4, 2)
    narrow = type(mixture)(mixture.log_weights, mixture.means, 1e9 * mixture.precision_cholesky)
    spread = torch.full((4, 2, 3), 0.5, dtype=torch.float64)
    points = torch.randn(4, 3, dtype=torch.float64)
    normal = torch.distributions.Normal(mixture.means, 0.5)
    each = normal.log_prob(points[:, None]).sum(dim=-1)
    expected = (mixture.log_weights + each).logsumexp(dim=-1)
    torch.testing.assert_close(blurred_log_prob(narrow, points, spread), expected)
