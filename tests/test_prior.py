"""Priors: laws against scipy, and what they make of a posterior."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from gampen import Histogram, LogNormal, LogUniform, Normal, Prior, Uniform, UsageError
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture

VALUES = torch.tensor([0.02, 0.3, 0.99, 1.5, 4.0], dtype=torch.float64)
LAWS = [
    (Uniform(0.1, 1.2), stats.uniform(0.1, 1.1)),
    (LogUniform(0.1, 2.0), stats.loguniform(0.1, 2.0)),
    (Normal(0.5, 0.3), stats.norm(0.5, 0.3)),
    (LogNormal(0.8, 0.5), stats.lognorm(0.5, scale=0.8)),
    (
        Histogram((0.0, 0.5, 2.0), (1.0, 3.0)),
        stats.rv_histogram(([1, 3], [0, 0.5, 2]), density=False),
    ),
]


def posterior(galaxies=3, components=2, prior=None):
    """Posteriors of known mixtures."""
    generator = torch.Generator().manual_seed(4)
    means = torch.randn(galaxies, components, 3, generator=generator, dtype=torch.float64) * 0.3
    factors = torch.eye(3, dtype=torch.float64).expand(galaxies, components, 3, 3) * 4.0
    weights = torch.log_softmax(torch.zeros(galaxies, components, dtype=torch.float64), dim=1)
    return Posterior(
        space=MORPHOLOGY,
        mixture=GaussianMixture(weights, means, factors),
        epistemic=0.01 * torch.eye(3, dtype=torch.float64).expand(galaxies, 3, 3),
        object_ids=np.array([f"g{n}" for n in range(galaxies)]),
        zero_points=torch.full((galaxies,), 27.0),
        prior=prior or Prior({"bulge_to_total": Uniform(0, 1), "flux": LogUniform()}),
    )


@pytest.mark.parametrize(("law", "oracle"), LAWS, ids=lambda law: type(law).__name__)
def test_a_law_has_the_density_of_scipy(law, oracle):
    with np.errstate(divide="ignore"):
        expected = oracle.logpdf(VALUES.numpy())
    np.testing.assert_allclose(law.log_prob(VALUES).numpy(), expected, rtol=1e-12)


def test_laws_without_limits_are_flat_in_the_value_or_its_logarithm():
    assert torch.equal(Uniform().log_prob(VALUES), torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(LogUniform().log_prob(VALUES), -VALUES.log())


@pytest.mark.parametrize("law", [law for law, _ in LAWS] + [LogUniform(), Uniform(low=0.0)])
def test_a_prior_survives_json(law):
    prior = Prior({"flux": law})
    assert Prior.from_json(prior.to_json()) == prior


@pytest.mark.parametrize("text", ["[]", "{", '{"flux": {"law": "Cauchy"}}', '{"flux": {"low": 1}}'])
def test_other_text_is_no_prior(text):
    with pytest.raises(UsageError, match="a prior must be JSON"):
        Prior.from_json(text)


def test_a_histogram_needs_bins():
    with pytest.raises(UsageError, match="rising edges"):
        Histogram((0.0, 2.0, 1.0), (1.0, 1.0))


def test_the_same_prior_changes_nothing():
    before = posterior()
    after = before.reweight(Prior({"flux": LogUniform()}), draws=20_000)
    # means of 20,000 antithetic draws are exact for what is symmetric; covariances scatter by 1 %
    torch.testing.assert_close(after.mixture.mean, before.mixture.mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(after.covariance, before.covariance, rtol=0.05, atol=1e-4)
    torch.testing.assert_close(before.worth(Prior({"flux": LogUniform()})), torch.ones(3).double())


def test_a_normal_prior_of_the_logarithm_multiplies_a_gaussian_as_it_should():
    before = posterior(components=1)
    after = before.reweight(Prior({"flux": LogNormal(1.2, 0.2)}), draws=40_000)
    old, sigma = before.mixture.means[:, 0, 2], 0.25
    precision = 1 / sigma**2 + 1 / 0.2**2
    mean = (old / sigma**2 + math.log(1.2) / 0.2**2) / precision
    torch.testing.assert_close(after.mixture.mean[:, 2], mean, atol=0.01, rtol=0)
    found = after.mixture.covariance[:, 2, 2]
    torch.testing.assert_close(found, torch.full_like(found, 1 / precision), rtol=0.05, atol=0)
    moved = after.epistemic[:, 2, 2] / before.epistemic[:, 2, 2]
    expected = torch.full_like(moved, (1 / precision / sigma**2) ** 2)
    torch.testing.assert_close(moved, expected, rtol=0.1, atol=0)


def test_components_are_weighed_by_the_prior():
    before = posterior(galaxies=1)
    above = before.mixture.means[0, :, 0].argmax()
    law = Histogram((0.0, 0.5, 1.0), (1.0, 3.0))
    after = before.reweight(Prior({"bulge_to_total": law}))
    assert after.mixture.log_weights[0, above] > before.mixture.log_weights[0, above]
    draws = before.sample(200_000, seed=1)[:, 0, 0]
    share = float((draws > 0.5).double().mean())
    expected = 3 * share / (3 * share + 1 - share)
    # what is a step in the exact posterior is a Gaussian's flank in ours
    assert float(after.probability("bulge_to_total", above=0.5)) == pytest.approx(
        expected, abs=0.03
    )


def test_a_prior_far_from_the_posterior_is_worth_little_and_breaks_nothing():
    before = posterior()
    far = Prior({"flux": LogNormal(50.0, 0.05)})
    assert bool((before.worth(far) < 0.01).all())
    assert bool(before.reweight(far).mixture.mean.isfinite().all())
    empty = Prior({"flux": Uniform(1e3, 2e3)})
    assert bool(before.reweight(empty).mixture.mean.isfinite().all())
    assert bool((before.worth(empty) == 0).all())


def test_flanks_beyond_the_training_prior_gain_no_weight():
    # Of these mixtures 0.5, 18 and 5 % lie below 0.4, where the wide prior is as likely as inside.
    before = posterior(prior=Prior({"bulge_to_total": Uniform(0.4, 1)}))
    wide = Prior({"bulge_to_total": Normal(0.7, 50.0)})
    draws = before.sample(100_000, seed=1)[..., 0]
    inside = draws >= 0.4
    expected = (draws * inside).sum(dim=0) / inside.sum(dim=0)
    after = before.reweight(wide, draws=20_000)
    torch.testing.assert_close(after["bulge_to_total"].mean, expected, atol=0.01, rtol=0)
    assert bool((before.worth(wide) > 0.5).all())


def test_the_new_prior_and_the_old_one_are_both_known_afterwards():
    after = posterior().reweight(Prior({"flux": Uniform(0, 10)}))
    assert after.prior.laws == {"bulge_to_total": Uniform(0, 1), "flux": Uniform(0, 10)}
    assert Posterior.from_catalog(after.to_catalog()).prior == after.prior
    assert after.marginal("flux").prior.laws == {"flux": Uniform(0, 10)}


def test_a_posterior_that_does_not_know_its_prior_says_so():
    with pytest.raises(UsageError, match="knows none of effective_radius"):
        posterior().reweight(Prior({"effective_radius": LogUniform(1, 2)}))


def test_a_prior_of_an_unknown_parameter_is_refused():
    with pytest.raises(UsageError, match="got size for flux"):
        Prior({"size": Uniform()}).log_prob({"flux": VALUES})


@pytest.mark.parametrize(
    ("law", "numbers"),
    [
        (Uniform, (2, 1)),
        (Uniform, (math.nan, 1)),
        (LogUniform, (3, 1)),
        (LogUniform, (-3, 1)),
        (Normal, (0, 0)),
        (Normal, (0, -1)),
        (LogNormal, (-1, 1)),
        (LogNormal, (1, 0)),
    ],
)
def test_a_law_that_is_none_is_refused_when_it_is_made(law, numbers):
    with pytest.raises(UsageError, match="must"):
        law(*numbers)
