"""Labels with errors are accounted for: true posteriors pass with them, and narrow ones do not."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from arms import CALIBRATED, OVERCONFIDENT, arm
from gampen.calibration.battery import Battery
from gampen.calibration.judgement import Fault, judge
from gampen.calibration.labels import labelled, points_of

GALAXIES = 2500


def noisy(stretch, share, seed=3):
    """Posteriors, labels of the truths, and the errors that were put on them.

    Of radius and flux a share of the true posterior's median, of the ratio a third of that share.
    """
    posterior, truth = arm(stretch, GALAXIES, components=2)
    median = arm(CALIBRATED, GALAXIES, components=2)[0].median.numpy()
    errors = share * np.stack([np.full(GALAXIES, 1 / 3), *median[:, 1:].T], axis=1)
    labels = truth + errors * np.random.default_rng(seed).normal(size=truth.shape)
    inside = posterior.space.unconstrain(torch.from_numpy(labels)).isfinite().numpy()
    rows = np.flatnonzero(inside.any(axis=1))
    known = np.where(inside, labels, np.nan)[rows], np.where(inside, errors, 0.0)[rows]
    return posterior.select(rows.tolist()), *known


# With errors of 80 % one label in eight falls outside of the bounds, and is left out.
@pytest.mark.parametrize(("stretch", "share"), [(CALIBRATED, 0.3), (CALIBRATED, 0.8)])
def test_a_true_posterior_passes_with_noisy_labels(stretch, share):
    posterior, labels, errors = noisy(stretch, share)
    found = Battery.of(labelled(posterior, errors), labels, {})
    assert found.passed, found.failed
    assert [judgement.faults for judgement in judge(found)] == [()] * 3


def test_a_narrow_posterior_fails_with_noisy_labels():
    posterior, labels, errors = noisy(OVERCONFIDENT, 0.3)
    found = Battery.of(labelled(posterior, errors), labels, {})
    assert {"coverage_68.27", "joint_coverage", "tarp", "nll_excess"} <= set(found.failed)
    assert all(Fault.OVERCONFIDENT in judgement.faults for judgement in judge(found))


def test_without_accounting_for_their_errors_labels_fail_a_true_posterior():
    posterior, labels, _ = noisy(CALIBRATED, 0.3)
    found = Battery.of(posterior, labels, {})
    assert not found.passed
    assert Fault.OVERCONFIDENT in judge(found)[1].faults


@pytest.mark.parametrize("error", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("place", [0, 1])
def test_ranks_are_those_of_the_integral_over_the_truth(error, place):
    posterior, _ = arm(CALIBRATED, 3, components=2)
    name = posterior.space.names[place]
    errors = np.zeros((3, 3))
    errors[:, place] = error
    top, values = (1.0, 0.4) if place == 0 else (60.0, 0.7)
    rank = labelled(posterior, errors).cdf(torch.full((3, 3), values).double())[:, place]

    def below(edge, row):
        def integrand(truth):
            at = posterior[name].pdf(torch.full((3,), truth).double())[row]
            return float(at) * stats.norm.cdf((edge - truth) / error)

        pieces = [1e-9, 0.3, 0.5, 1, 2, 5, top] if place else [1e-9, 0.2, 0.4, 0.7, top]
        return sum(integrate.quad(integrand, *pair, limit=80)[0] for pair in pairwise(pieces))

    ends = (below(0, 0), below(1 if place == 0 else np.inf, 0))
    expected = (below(values, 0) - ends[0]) / (ends[1] - ends[0])
    assert float(rank[0]) == pytest.approx(expected, abs=2e-3 if error == 0.01 else 2e-4)


def test_draws_are_truths_with_errors_inside_the_bounds_and_have_uniform_ranks():
    posterior, _ = arm(CALIBRATED, 6, components=2)
    errors = np.full((6, 3), 0.3)
    errors[3:, 1] = 0.0
    told = labelled(posterior, errors)
    points = points_of(told, 3000, torch.Generator().manual_seed(4))
    assert points.isfinite().all()
    rank = told.cdf(posterior.space.constrain(points))
    for galaxy in range(6):
        for place in range(3):
            # a Kolmogorov distance of uniform numbers beyond this is seen once in 30,000
            distance = stats.kstest(rank[:, galaxy, place].numpy(), "uniform").statistic
            assert distance < 2.3 / math.sqrt(3000) + 0.01


def test_covariances_grow_by_the_error_over_the_slope_and_exact_labels_change_nothing():
    posterior, _ = arm(CALIBRATED, 50)
    errors = np.zeros((50, 3))
    errors[::2] = [0.02, 0.05, 0.1]
    wider = labelled(posterior, errors)
    ratio, radius, flux = posterior.space.constrain(posterior.mixture.means[:, 0]).numpy().T
    grown = (wider.mixture.covariances - posterior.mixture.covariances)[:, 0].numpy()
    expected = np.stack([0.02 / (ratio * (1 - ratio)), 0.05 / radius, 0.1 / flux], axis=1) ** 2
    np.testing.assert_allclose(grown[::2].diagonal(axis1=1, axis2=2), expected[::2], rtol=1e-6)
    before, after = (each.mixture.precision_cholesky[1::2] for each in (posterior, wider))
    assert torch.equal(before, after)
    values = torch.full((50, 3), 0.5).double()
    assert torch.equal(wider.cdf(values)[1::2], posterior.cdf(values)[1::2])


def test_some_galaxies_and_parameters_keep_their_errors():
    posterior, _ = arm(CALIBRATED, 5)
    errors = np.arange(15.0).reshape(5, 3) / 10
    told = labelled(posterior, errors)
    part = told.select([3, 1]).marginal("flux", "bulge_to_total")
    np.testing.assert_array_equal(part.errors, errors[[3, 1]][:, [2, 0]])
    values = torch.full((5, 3), 0.5).double()
    expected = told.cdf(values)[[3, 1]][:, [2, 0]]
    torch.testing.assert_close(part.cdf(torch.full((2, 2), 0.5).double()), expected)
