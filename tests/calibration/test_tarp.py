"""TARP against its formula written out for one galaxy after the other."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm, posterior_of
from gampen.calibration.coverage import GRID, curve
from gampen.calibration.tarp import references, tarp_levels
from gampen.parameters import MORPHOLOGY
from gampen.probability.mixtures import GaussianMixture

GALAXIES = 1000
LIMIT = 2.0 / math.sqrt(GALAXIES)  # of a Kolmogorov distance, passed once in 1,500 sets


def one_by_one(posterior, truth, reference, draws):
    """The shares of closer draws, in numpy, of draws of its own."""
    rng, shares = np.random.default_rng(8), []
    mixture = posterior.mixture
    weights, means = mixture.log_weights.exp().numpy(), mixture.means.numpy()
    for galaxy, covariances in enumerate(mixture.covariances.numpy()):
        counts = rng.multinomial(draws, weights[galaxy] / weights[galaxy].sum())
        drawn = np.concatenate(
            [
                rng.multivariate_normal(mean, covariance, size)
                for mean, covariance, size in zip(means[galaxy], covariances, counts, strict=True)
            ]
        )
        ratio, radius, flux = truth[galaxy]
        point = np.array([np.log(ratio / (1 - ratio)), np.log(radius), np.log(flux)])
        scale = np.sqrt(np.diag(mixture.covariance[galaxy].numpy()))
        centre = reference[galaxy].numpy()
        reach = np.sqrt((((point - centre) / scale) ** 2).sum())
        shares.append((np.sqrt((((drawn - centre) / scale) ** 2).sum(axis=1)) < reach).mean())
    return np.array(shares)


@pytest.mark.parametrize("stretch", [CALIBRATED, CAUTIOUS, OVERCONFIDENT])
def test_levels_are_those_of_the_formula(stretch):
    posterior, truth = arm(stretch, 150, components=2)
    reference = references(posterior, seed=1)
    found = tarp_levels(posterior, truth, reference, seed=2, draws=2000)
    expected = one_by_one(posterior, truth, reference, draws=2000)
    # Four and a half standard errors of the difference of two shares of 2,000, and a step.
    assert np.abs(found - expected).max() < 4.5 * 0.5 * math.sqrt(2 / 2000) + 1 / 2000
    assert np.abs(curve(found) - curve(expected)).max() < 0.05


@pytest.mark.parametrize("place", ["its posterior", "far away", "the same for all"])
def test_levels_of_true_posteriors_are_uniform_wherever_the_references_are(place):
    posterior, truth = arm(CALIBRATED, GALAXIES, components=2)
    near = references(posterior, seed=1)
    reference = {
        "its posterior": near,
        "far away": near + 50,
        "the same for all": torch.zeros_like(near),
    }[place]
    levels = tarp_levels(posterior, truth, reference, seed=2)
    assert stats.kstest(levels, "uniform").statistic < LIMIT


@pytest.mark.parametrize(("stretch", "side"), [(CAUTIOUS, 1), (OVERCONFIDENT, -1)])
def test_truths_of_too_wide_posteriors_are_too_close_and_of_narrow_ones_too_far(stretch, side):
    posterior, truth = arm(stretch, GALAXIES)
    levels = tarp_levels(posterior, truth, references(posterior, 1), seed=2)
    assert (side * (curve(levels) - GRID)).max() > 2 * LIMIT


def test_a_posterior_that_looks_to_the_wrong_side_is_found():
    # Correlations of the wrong sign leave every marginal, and its ranks, as they are.
    signs = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    covariance = torch.tensor([[1.0, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], dtype=torch.float64)
    weights, means = torch.ones(GALAXIES, 1).double(), torch.zeros(GALAXIES, 1, 3).double()
    covariances = (0.04 * covariance).expand(GALAXIES, 1, 3, 3)
    true = GaussianMixture.from_covariances(weights, means, covariances)
    truth = MORPHOLOGY.constrain(true.sample(1, torch.Generator().manual_seed(4))[0]).numpy()
    told = GaussianMixture.from_covariances(weights, means, covariances * torch.outer(signs, signs))
    posterior = posterior_of(told)
    assert stats.kstest(posterior.cdf(torch.from_numpy(truth))[:, 0], "uniform").pvalue > 1e-3
    levels = tarp_levels(posterior, truth, references(posterior, 1), seed=2)
    assert stats.kstest(levels, "uniform").statistic > 1.5 * LIMIT
