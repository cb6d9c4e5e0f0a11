"""Random mixtures, parameter spaces and posteriors, within the range that a network gives."""

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst

from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.posterior import Posterior
from gampen.probability.bijections import Exponential, Identity, Logistic
from gampen.probability.marginals import Marginal
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import Scaling


def numbers(shape, low, high):
    """A float64 tensor of numbers between two bounds."""
    elements = st.floats(low, high, allow_subnormal=False)
    return nst.arrays(np.float64, shape, elements=elements).map(torch.from_numpy)


@st.composite
def mixtures(draw, galaxies=2, parameters=3, max_components=4, spread=2.0):
    """Mixtures whose deviations range from e^-2 to e, with correlations up to the extreme."""
    components = draw(st.integers(1, max_components))
    shape = (galaxies, components)
    weights = draw(numbers(shape, -3, 3))
    means = draw(numbers((*shape, parameters), -spread, spread))
    diagonal = draw(numbers((*shape, parameters), -1, 2)).exp()
    crossing = draw(numbers((*shape, parameters, parameters), -2, 2))
    factors = crossing.tril(-1) + torch.diag_embed(diagonal)
    return GaussianMixture(torch.log_softmax(weights, dim=-1), means, factors)


bijections = st.sampled_from([Identity(), Exponential(0.0), Exponential(-1.5), Logistic(0.0, 1.0)])


@st.composite
def marginals(draw, galaxies=2, max_components=4):
    """Marginals of one parameter under any kind of bounds."""
    mixture = draw(mixtures(galaxies, 1, max_components))
    return Marginal.of(mixture, draw(bijections))


@st.composite
def parameters(draw):
    """One parameter with any bounds, and a scaling where its bounds allow one."""
    name = draw(st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True))
    low = draw(st.none() | st.sampled_from([0.0, -2.5, 3.0]))
    width = None if low is None else draw(st.none() | st.floats(0.1, 100))
    high = None if width is None else low + width
    scalable = high is None and low in (None, 0)
    scaling = draw(st.sampled_from(list(Scaling))) if scalable else Scaling.NONE
    return Parameter(name, low, high, draw(st.sampled_from(["", "arcsec", "µm"])), scaling)


spaces = st.lists(parameters(), min_size=1, max_size=4, unique_by=lambda p: p.name).map(
    lambda found: ParameterSpace(tuple(found))
)


@st.composite
def posteriors(draw, galaxies=2, max_components=4):
    """Posteriors of the three default parameters, with an epistemic share."""
    mixture = draw(mixtures(galaxies, 3, max_components))
    share = draw(st.floats(0.01, 0.5))
    zero_points = draw(numbers((galaxies,), 20, 31))
    ids = np.array([f"galaxy {number}" for number in range(galaxies)])
    return Posterior(MORPHOLOGY, mixture, share * mixture.covariance, ids, zero_points)


def random_mixture(galaxies, components=4, parameters=3, seed=0):
    """Seeded mixtures, many at a time."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    factors = 0.3 * normal(galaxies, components, parameters, parameters)
    covariances = factors @ factors.mT + 0.02 * torch.eye(parameters, dtype=torch.float64)
    weights = torch.rand(galaxies, components, generator=generator, dtype=torch.float64) + 0.05
    means = 0.5 * normal(galaxies, components, parameters)
    return GaussianMixture.from_covariances(weights, means, covariances)


def random_posterior(galaxies, components=4, zero_points=None, seed=0):
    """Seeded posteriors of the three default parameters."""
    mixture = random_mixture(galaxies, components, 3, seed)
    if zero_points is None:
        zero_points = torch.full((galaxies,), torch.nan)
    ids = np.array([f"galaxy {number}" for number in range(galaxies)])
    return Posterior(MORPHOLOGY, mixture, 0.1 * mixture.covariance, ids, zero_points)
