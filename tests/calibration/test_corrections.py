"""Corrections: one for all galaxies or by galaxy, bounded, and refused where they are no such."""

import math
from dataclasses import replace

import pytest
import torch

from arms import answers_of, posterior_of
from gampen.calibration.corrections import FARTHEST, WIDEST, Correction
from gampen.calibration.fitting import HIDDEN, begun
from gampen.errors import UsageError
from strategies import random_mixture

ANSWERS = answers_of(posterior_of(random_mixture(40)))


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


CONSTANT = Correction(numbers(0.1, -0.4, 0.0), numbers(0.5, 0.0, -1.0))


def lively(strength=1.0):
    """A network that tells the galaxies apart."""
    network = begun(ANSWERS.features, 3, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    weight = strength * torch.randn(6, HIDDEN, generator=generator, dtype=torch.float64)
    return replace(network, last_weight=weight)


def test_two_in_a_row_are_one_of_their_product():
    second = Correction(numbers(0.3, 0.2, -0.5), numbers(-1.0, 2.0, 0.1))
    both = Correction(
        CONSTANT.log_scale + second.log_scale,
        CONSTANT.shift + CONSTANT.log_scale.exp() * second.shift,
    )
    found, expected = second.applied(CONSTANT.applied(ANSWERS)), both.applied(ANSWERS)
    torch.testing.assert_close(found.mixture.means, expected.mixture.means)
    torch.testing.assert_close(found.mixture.covariance, expected.mixture.covariance)
    torch.testing.assert_close(found.epistemic, expected.epistemic)


def test_a_network_begins_without_changing_anything():
    start = Correction(*vars(CONSTANT).values())
    told = replace(start, conditional=lively(0.0))
    assert (start.stage, told.stage) == (1, 2)
    assert torch.equal(told.applied(ANSWERS).mixture.means, start.applied(ANSWERS).mixture.means)


@pytest.mark.parametrize("value", [1e300, -1e300, math.inf, math.nan, 0.0])
def test_no_galaxy_is_corrected_out_of_proportion(value):
    features = torch.full((1, 9), value, dtype=torch.float64)
    log_scale, shift = lively(1e3)(features)
    assert bool((log_scale.abs() <= WIDEST).all())
    assert bool((shift.abs() <= FARTHEST).all())


def test_galaxies_far_out_are_treated_as_if_they_lay_at_the_edge():
    network = lively()
    far = (network.centre + 100 / network.slope)[None]
    edge = (network.centre + 3 / network.slope)[None]
    torch.testing.assert_close(network(far), network(edge))


def test_what_never_varied_tells_nothing():
    features = ANSWERS.features.clone()
    features[:, -1] = 1.0
    network = begun(features, 3, torch.Generator().manual_seed(0))
    assert network.slope[-1] == 0
    other = features.clone()
    other[:, -1] = 0.0
    wild = replace(network, last_weight=lively().last_weight)
    assert torch.equal(wild(features)[0], wild(other)[0])


def test_what_was_never_known_tells_nothing():
    features = ANSWERS.features.clone()
    features[:, -2] = torch.nan
    network = begun(features, 3, torch.Generator().manual_seed(0))
    assert all(bool(tensor.isfinite().all()) for tensor in vars(network).values())
    assert bool(network(ANSWERS.features)[0].isfinite().all())


def test_a_galaxy_has_the_same_bits_in_any_batch():
    correction = replace(CONSTANT, conditional=lively())
    whole = correction.applied(ANSWERS)
    for size in (1, 7):
        part = correction.applied(ANSWERS.select(torch.arange(size)))
        assert torch.equal(part.mixture.means, whole.mixture.means[:size])
        assert torch.equal(part.mixture.precision_cholesky, whole.mixture.precision_cholesky[:size])


@pytest.mark.parametrize("correction", [CONSTANT, replace(CONSTANT, conditional=lively())])
def test_what_is_taken_apart_is_put_together_again(correction):
    again = Correction.of_tensors(correction.tensors)
    assert again.stage == correction.stage
    assert torch.equal(
        again.applied(ANSWERS).mixture.means, correction.applied(ANSWERS).mixture.means
    )


def test_what_is_no_correction_is_refused():
    whole = replace(CONSTANT, conditional=lively()).tensors
    short = {**whole, "log_scale": whole["log_scale"][:2], "shift": whole["shift"][:2]}
    wild = {**whole, "hidden_bias": torch.full_like(whole["hidden_bias"], torch.nan)}
    part = {name: value for name, value in whole.items() if name != "slope"}
    for tensors, reason in ((short, "centre must be"), (wild, "finite"), (part, "whole")):
        with pytest.raises(UsageError, match=reason):
            Correction.of_tensors(tensors)
