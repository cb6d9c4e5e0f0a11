"""The same draws and truths judged by tarp and sbi: the same numbers where definitions agree."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm
from gampen.calibration.drawing import DRAWS, generator, parts_of
from gampen.calibration.joint import JointDensity
from gampen.calibration.ranks import ranks, uniform_distance
from gampen.calibration.tarp import references, tarp_levels
from gampen.parameters import MORPHOLOGY

with warnings.catch_warnings():
    # What these import is not ours to mend.
    warnings.simplefilter("ignore")
    import tarp
    from sbi.diagnostics.sbc import _run_sbc, check_uniformity_frequentist

GALAXIES, SEED = 400, 6
ARMS = [CALIBRATED, CAUTIOUS, OVERCONFIDENT]


def places(stretch, purpose):
    """Posteriors, truths as points of unconstrained space, and the draws of one test."""
    assert len(parts_of(GALAXIES, DRAWS)) == 1
    posterior, truth = arm(stretch, GALAXIES, components=3)
    points = MORPHOLOGY.unconstrain(torch.from_numpy(truth))
    return posterior, truth, points, posterior.mixture.sample(DRAWS, generator(SEED, purpose))


def counts(levels):
    """How many of the draws came first, of which a level is made."""
    return np.floor(levels * (DRAWS + 1))


@pytest.mark.parametrize("stretch", ARMS)
def test_the_coverage_of_tarp_is_that_of_its_authors(stretch):
    posterior, truth, points, drawn = places(stretch, "tarp")
    reference = references(posterior, SEED)
    levels = tarp_levels(posterior, truth, reference, SEED)
    scale = posterior.mixture.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    scaled = [(part / scale).numpy() for part in (drawn, points, reference)]
    expected, alpha = tarp.get_tarp_coverage(
        *scaled, norm=False, bootstrap=False, num_alpha_bins=25, seed=1
    )
    shares = counts(levels) / DRAWS
    found = [(shares < edge).mean() for edge in alpha[:-1]]
    np.testing.assert_allclose(expected[:-1], found, rtol=0, atol=1e-12)


@pytest.mark.parametrize("stretch", ARMS)
def test_joint_levels_are_the_ranks_of_sbis_expected_coverage(stretch):
    posterior, truth, points, drawn = places(stretch, "joint")
    level = JointDensity.of(posterior, truth, SEED).level
    which = torch.arange(GALAXIES)[:, None]

    def rarity(theta, galaxy):
        one = posterior.mixture.select([int(galaxy)])
        return -one.log_prob(theta[:, None])[:, 0]

    expected = _run_sbc(points, which, drawn, rarity, show_progress_bar=False)[:, 0]
    np.testing.assert_array_equal(counts(level), expected.numpy())


@pytest.mark.parametrize("stretch", ARMS)
def test_ranks_are_those_of_sbis_simulation_based_calibration(stretch):
    posterior, truth, points, drawn = places(stretch, "sbc")
    found = ranks(posterior, truth)
    theirs = _run_sbc(points, points, drawn, "marginals", show_progress_bar=False)
    shares = theirs.numpy() / DRAWS
    # Theirs are shares of draws: five standard errors of the binomial, and a step, of the exact.
    error = np.sqrt(found * (1 - found) / DRAWS)
    assert (np.abs(shares - found) < 5 * error + 1.5 / DRAWS).all()
    distances = np.array([uniform_distance(column) for column in found.T])
    expected = np.array([stats.kstest(column, "uniform").statistic for column in shares.T])
    np.testing.assert_allclose(distances, expected, atol=2 * 0.5 / math.sqrt(DRAWS * 20))
    values = check_uniformity_frequentist(theirs, DRAWS).numpy()
    assert (values > 1e-3).all() == (stretch == CALIBRATED)
