"""The head: a mixture that is sound whatever comes in."""

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from gampen.network.head import LOG_DIAGONAL_BOUND, MixtureHead
from gampen.settings import NetworkSettings

INPUTS, PARAMETERS = 12, 3


def head(components, strength=1.0, seed=0):
    torch.manual_seed(seed)
    built = MixtureHead(INPUTS, PARAMETERS, NetworkSettings(hidden=16, components=components))
    torch.nn.init.normal_(built.last.weight, std=strength)
    return built.eval()


def features(galaxies=20, scale=1.0, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(galaxies, INPUTS, generator=generator)


@pytest.mark.parametrize("components", [1, 2, 4])
def test_the_density_is_that_of_torchs_own_mixture(components):
    mixture = head(components)(features()).to(torch.float64)
    precision = mixture.precision_cholesky @ mixture.precision_cholesky.mT
    theirs = MixtureSameFamily(
        Categorical(logits=mixture.log_weights),
        MultivariateNormal(mixture.means, precision_matrix=precision),
    )
    points = mixture.mean.detach() + 0.3
    torch.testing.assert_close(mixture.log_prob(points), theirs.log_prob(points))


def test_with_one_component_it_is_the_gaussian_of_gampen():
    mixture = head(1)(features())
    precision = mixture.precision_cholesky[:, 0] @ mixture.precision_cholesky[:, 0].mT
    offset = (torch.tensor([0.1, -0.2, 0.3]) - mixture.means[:, 0])[..., None]
    # ln N up to its constant, as published: half of ln |P| less half of the squared distance.
    published = 0.5 * torch.logdet(precision) - 0.5 * (offset.mT @ precision @ offset)[:, 0, 0]
    constant = 0.5 * PARAMETERS * torch.log(torch.tensor(2 * torch.pi))
    found = mixture.log_prob(torch.tensor([[0.1, -0.2, 0.3]]).expand(20, 3))
    torch.testing.assert_close(found, published - constant, rtol=1e-4, atol=1e-4)
    assert mixture.components == 1


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
def test_the_log_diagonal_is_bounded_whatever_comes_in(scale):
    mixture = head(4)(features(scale=scale))
    diagonal = mixture.precision_cholesky.detach().diagonal(dim1=-2, dim2=-1)
    assert float(diagonal.log().abs().max()) <= LOG_DIAGONAL_BOUND + 1e-5
    assert bool((mixture.log_weights <= 0).all())


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
def test_gradients_are_finite_whatever_comes_in(scale):
    built = head(4)
    built(features(scale=scale)).log_prob(torch.zeros(20, PARAMETERS)).mean().backward()
    assert all(bool(weight.grad.isfinite().all()) for weight in built.parameters())


def test_the_factor_is_lower_triangular():
    factor = head(4)(features()).precision_cholesky
    assert torch.equal(factor, factor.tril())


def test_it_starts_with_unit_deviations_and_components_beside_each_other():
    built = MixtureHead(INPUTS, PARAMETERS, NetworkSettings(hidden=16, components=4)).eval()
    mixture = built(features())
    diagonal = mixture.precision_cholesky.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(diagonal, torch.ones_like(diagonal), rtol=0, atol=0.1)
    places = mixture.means.mean(dim=0)[:, 0].tolist()
    assert places == sorted(places)
    assert places[0] < -0.2 < 0.2 < places[-1]
