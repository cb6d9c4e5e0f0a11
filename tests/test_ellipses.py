"""Axis ratios and position angles that follow from pairs of a posterior."""

import pytest
import torch

from gampen.ellipses import stems
from gampen.errors import UsageError
from gampen.parameters import BUILT_IN, Parameter, ParameterSpace
from gampen.posterior import Posterior
from gampen.settings import Wave
from tiny import paired_posterior


def test_an_ellipse_is_that_of_the_posteriors_own_draws():
    posterior = paired_posterior()
    values = posterior.draws(20_000, seed=1)
    one, two = values["disk_elongation_1"], values["disk_elongation_2"]
    ellipse = posterior.ellipse("disk_")
    inside = ellipse.axis_ratio.cdf((-one.square() - two.square()).exp())
    angle = ellipse.position_angle.cdf(torch.rad2deg(torch.atan2(two, one)) / 2)
    for ranks in (inside, angle):
        # uniform ranks of 20,000 draws: five standard errors of the mean
        assert float((ranks.mean(dim=0) - 0.5).abs().max()) < 5 / (12 * 20_000) ** 0.5


def test_names_follow_from_the_pairs():
    names = ("flux", "elongation_1", "elongation_2", "bulge_elongation_1", "bulge_elongation_2")
    own = (Parameter("shear", wave=Wave.COSINE), Parameter("shear_across", wave=Wave.SINE))
    space = ParameterSpace((*(BUILT_IN[name] for name in names), *own))
    assert stems(space) == {"": 1, "bulge_": 3, "shear_": 5}


def test_an_ellipse_of_no_pair_is_refused_and_the_known_are_listed():
    with pytest.raises(UsageError, match="'disk_'; got 'bulge_'"):
        paired_posterior().ellipse("bulge_")
    alone = paired_posterior().marginal("flux")
    with pytest.raises(UsageError, match="no pairs"):
        alone.ellipse()


def test_a_posterior_of_pairs_comes_back_from_a_catalogue(tmp_path):
    posterior = paired_posterior()
    posterior.save(tmp_path / "posterior.parquet")
    found = Posterior.load(tmp_path / "posterior.parquet")
    assert found.space == posterior.space
    mean, same = (p.ellipse("disk_").position_angle.mean for p in (posterior, found))
    torch.testing.assert_close(mean, same, rtol=1e-4, atol=1e-3)


def test_chosen_galaxies_keep_their_pairs():
    posterior = paired_posterior()
    assert posterior.select([1, 2]).ellipse("disk_").axis_ratio.mean.shape == (2,)
