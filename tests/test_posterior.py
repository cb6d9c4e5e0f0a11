"""The posterior: its laws, its draws, and its way through a catalogue."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import integrate

from gampen.catalog import Column
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.posterior import Posterior
from strategies import numbers, posteriors, random_mixture, random_posterior

ZERO_POINTS = torch.tensor([27.0, math.nan, 31.4, 22.5, 27.0], dtype=torch.float64)
FEW = random_posterior(5, zero_points=ZERO_POINTS)


def test_every_statistic_has_a_value_for_each_galaxy_and_parameter():
    for statistic in ("mean", "median", "mode", "std", "skewness", "kurtosis"):
        assert getattr(FEW, statistic).shape == (5, 3)
        assert getattr(FEW, statistic).dtype == torch.float64
    assert FEW.interval(0.68).shape == (5, 3, 2)
    assert FEW.hdi(0.68).shape == (5, 3, 4, 2)
    assert FEW.ppf(0.3).shape == (5, 3)
    assert len(FEW) == 5


def test_the_statistics_of_a_parameter_are_those_of_its_marginal():
    radius = FEW["effective_radius"]
    for statistic in ("mean", "mode", "kurtosis"):
        assert torch.equal(getattr(FEW, statistic)[:, 1], getattr(radius, statistic))
    torch.testing.assert_close(FEW.hdi(0.68)[:, 1], radius.hdi(0.68), equal_nan=True)


def test_a_posterior_shows_what_it_is_of_in_a_line():
    assert repr(FEW) == "<Posterior of 5 galaxies, 3 parameters>"


@given(posteriors())
def test_quantiles_and_probabilities_undo_each_other(posterior):
    levels = posterior.cdf(posterior.ppf(0.2))
    torch.testing.assert_close(levels, torch.full_like(levels, 0.2), rtol=1e-9, atol=1e-9)


@given(posteriors(), numbers((2, 3), -3, 3))
def test_the_density_of_values_is_the_points_density_over_the_slope(posterior, points):
    values = posterior.space.constrain(points)
    expected = posterior.mixture.log_prob(points) - posterior.space.log_slope(points)
    torch.testing.assert_close(posterior.log_prob(values), expected, rtol=1e-7, atol=1e-7)


def test_the_joint_density_integrates_to_one():
    posterior = FEW.marginal("bulge_to_total", "effective_radius").select([0])
    ratio, radius = np.linspace(0, 1, 201)[1:-1], np.exp(np.linspace(-5, 5, 401))
    grid = torch.from_numpy(np.stack(np.meshgrid(ratio, radius, indexing="ij"), axis=-1))
    density = posterior.log_prob(grid.reshape(-1, 1, 2)).exp().reshape(len(ratio), -1).numpy()
    total = integrate.simpson(integrate.simpson(density, x=radius), x=ratio)
    assert math.isclose(total, 1, rel_tol=1e-4)


def test_there_is_no_density_on_and_outside_the_bounds():
    values = torch.tensor([[0.0, 1, 1], [1.2, 1, 1], [0.5, -1, 1], [0.5, 1, 0], [0.5, 1, 1]])
    density = FEW.log_prob(values.double())
    assert density.isinf().tolist() == [True, True, True, True, False]
    assert FEW.log_prob(torch.full((5, 3), math.nan)).isnan().all()


def test_draws_have_the_moments_of_the_posterior():
    draws = 100_000
    sample = FEW.sample(draws, seed=2)
    assert sample.shape == (draws, 5, 3)
    error = (sample.mean(dim=0) - FEW.mean) / FEW.std
    assert error.abs().max() < 5 / math.sqrt(draws)
    for galaxy in range(5):
        estimate = torch.corrcoef(sample[:, galaxy].T)
        # Heavy tails of the log-normals: errors of a correlation up to four times a Gaussian's.
        assert (estimate - FEW.correlation[galaxy]).abs().max() < 20 / math.sqrt(draws)


def test_the_same_seed_gives_the_same_draws():
    assert torch.equal(FEW.sample(7, seed=3), FEW.sample(7, seed=3))
    assert not torch.equal(FEW.sample(7, seed=3), FEW.sample(7, seed=4))


def test_the_diagonal_of_the_covariance_is_the_variance():
    diagonal = FEW.covariance.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(diagonal, FEW.std.square())
    ones = FEW.correlation.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(ones, torch.ones_like(ones))


def test_draws_by_name_carry_exact_magnitudes_where_a_zero_point_is_known():
    draws = FEW.draws(50, seed=1)
    assert list(draws) == ["bulge_to_total", "effective_radius", "flux", "magnitude", "flux_njy"]
    expected = 27.0 - 2.5 * torch.log10(draws["flux"][:, 0])
    torch.testing.assert_close(draws["magnitude"][:, 0], expected)
    assert draws["flux_njy"].isnan().any(dim=0).tolist() == [False, True, False, False, False]
    torch.testing.assert_close(draws["flux_njy"][:, 2], draws["flux"][:, 2])
    assert list(random_posterior(2).draws(1, seed=0)) == list(MORPHOLOGY.names)


def test_the_magnitude_is_that_of_the_flux():
    expected = ZERO_POINTS - 2.5 * FEW["flux"].median.log10()
    torch.testing.assert_close(FEW.magnitude().median, expected, equal_nan=True)
    assert math.isclose(FEW.flux_njy().mean[2].item(), FEW["flux"].mean[2].item())


@given(posteriors(), numbers((2,), 0.05, 0.95))
def test_a_condition_obeys_bayes(posterior, ratio):
    conditional = posterior.condition(bulge_to_total=ratio)
    others = conditional.median
    joint = posterior.log_prob(torch.cat([ratio[:, None], others], dim=1))
    evidence = posterior["bulge_to_total"].log_pdf(ratio)
    torch.testing.assert_close(conditional.log_prob(others) + evidence, joint, rtol=1e-6, atol=1e-6)


def test_a_condition_may_be_one_number_for_all():
    one = FEW.condition(flux=2.0)
    each = FEW.condition(flux=torch.full((5,), 2.0))
    assert one.space.names == ("bulge_to_total", "effective_radius")
    assert torch.equal(one.median, each.median)


def test_conditions_that_cannot_be_are_refused():
    for wrong in ({"bulge_to_total": 1.5}, {}, {"ellipticity": 0.1}):
        with pytest.raises(UsageError):
            FEW.condition(**wrong)
    with pytest.raises(UsageError):
        FEW.condition(bulge_to_total=0.5, effective_radius=1.0, flux=1.0)


def test_a_marginal_keeps_the_statistics_in_the_order_given():
    part = FEW.marginal("flux", "bulge_to_total")
    torch.testing.assert_close(part.median, FEW.median[:, [2, 0]])
    torch.testing.assert_close(part.covariance, FEW.covariance[:, [2, 0]][..., [2, 0]])
    torch.testing.assert_close(part.epistemic_fraction, FEW.epistemic_fraction[:, [2, 0]])


def test_selected_galaxies_keep_their_own_posterior():
    some = FEW.select([4, 1])
    assert some.object_ids.tolist() == ["galaxy 4", "galaxy 1"]
    torch.testing.assert_close(some.median, FEW.median[[4, 1]])
    mask = torch.tensor([False, True, False, False, True])
    assert FEW.select(mask).object_ids.tolist() == ["galaxy 1", "galaxy 4"]
    assert len(FEW.select(slice(1, 3))) == 2


def test_aleatoric_and_epistemic_add_up_to_the_mixtures_covariance():
    total = FEW.aleatoric_covariance + FEW.epistemic_covariance
    torch.testing.assert_close(total, FEW.mixture.covariance)
    expected = torch.full((5, 3), 0.1, dtype=torch.float64)
    torch.testing.assert_close(FEW.epistemic_fraction, expected)


def test_the_most_likely_point_has_the_smallest_level():
    single = random_posterior(20, components=1)
    peak = single.space.constrain(single.mixture.means[:, 0])
    assert single.hpd_level(peak).abs().max() < 1e-9
    levels = FEW.hpd_level(FEW.median)
    assert bool(((levels >= 0) & (levels < 0.9)).all())


def test_the_probability_of_a_bound_is_that_of_the_marginal():
    found = FEW.probability("bulge_to_total", below=0.4)
    assert torch.equal(found, FEW["bulge_to_total"].probability(below=0.4))


def test_an_unknown_parameter_is_refused():
    with pytest.raises(UsageError, match="bulge_to_total, effective_radius, flux"):
        FEW["ellipticity"]


def test_parts_of_different_parameters_are_refused():
    with pytest.raises(UsageError, match="same galaxies"):
        dataclasses.replace(FEW, space=ParameterSpace((Parameter("x"),)))


@settings(max_examples=20)
@given(posteriors())
def test_packing_keeps_the_summaries_to_the_precision_of_32_bits(posterior):
    ids, zero_points = posterior.object_ids, posterior.zero_points
    again = Posterior.unpack(posterior.pack(), posterior.metadata, ids, zero_points)
    assert again.space == posterior.space
    scale = posterior.std
    for statistic in ("median", "mean", "std"):
        error = (getattr(again, statistic) - getattr(posterior, statistic)) / scale
        assert error.abs().max() < 1e-4
    torch.testing.assert_close(
        again.epistemic_fraction, posterior.epistemic_fraction, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("suffix", [".parquet", ".fits", ".ecsv", ".vot"])
def test_a_posterior_comes_back_from_a_file(tmp_path, suffix):
    path = tmp_path / f"posterior{suffix}"
    FEW.save(path)
    again = Posterior.load(path)
    assert again.object_ids.tolist() == FEW.object_ids.tolist()
    torch.testing.assert_close(again.zero_points, FEW.zero_points, equal_nan=True)
    torch.testing.assert_close(again.median, FEW.median, rtol=1e-5, atol=1e-6)


def test_galaxies_that_failed_are_left_out_of_a_loaded_posterior():
    catalog = FEW.to_catalog()
    status = np.array(["ok", "the file is damaged", "ok", "ok", "empty"])
    packed = catalog["mixture"].values.copy()
    packed[[1, 4]] = np.nan
    catalog = catalog.with_columns([Column("status", status), Column("mixture", packed)])
    again = Posterior.from_catalog(catalog)
    assert again.object_ids.tolist() == ["galaxy 0", "galaxy 2", "galaxy 3"]
    assert bool(again.median.isfinite().all())


def test_a_table_without_its_metadata_is_refused(tmp_path):
    FEW.save(tmp_path / "posterior.csv")
    with pytest.raises(UsageError):
        Posterior.load(tmp_path / "posterior.csv")


def test_single_precision_mixtures_are_kept_in_double():
    mixture = random_mixture(5).to(torch.float32)
    assert dataclasses.replace(FEW, mixture=mixture).mixture.means.dtype == torch.float64
