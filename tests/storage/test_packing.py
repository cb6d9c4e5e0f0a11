"""Packed rows lead back to the same mixtures."""

import pytest
import torch
from hypothesis import given

from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY
from gampen.prior import LogUniform, Prior
from gampen.storage.packing import described, description, pack, packed_width, unpack
from strategies import mixtures, random_mixture


@given(mixtures())
def test_a_mixture_comes_back_to_the_precision_of_32_bits(mixture):
    covariance = 0.2 * mixture.covariance
    packed = pack(mixture, covariance)
    assert packed.dtype == torch.float32
    assert packed.shape == (2, packed_width(mixture.components, 3))
    again, epistemic = unpack(packed, mixture.components, 3)
    for part in ("log_weights", "means", "precision_cholesky"):
        torch.testing.assert_close(
            getattr(again, part), getattr(mixture, part), rtol=1e-6, atol=1e-6
        )
    torch.testing.assert_close(epistemic, covariance, rtol=1e-6, atol=1e-9)
    total = again.log_weights.exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_four_components_of_three_parameters_take_184_bytes():
    mixture = random_mixture(2)
    assert pack(mixture, mixture.covariance).nbytes == 2 * 184


def test_a_row_of_another_width_is_refused():
    with pytest.raises(UsageError, match="46 numbers a galaxy; got 45"):
        unpack(torch.zeros(3, 45), 4, 3)


def test_the_description_leads_back_and_its_absence_is_refused():
    prior = Prior({"flux": LogUniform(1.0, 5.0)})
    assert described(description(MORPHOLOGY, 4, prior)) == (MORPHOLOGY, 4, prior)
    with pytest.raises(UsageError, match="metadata"):
        described({"survey": "HSC"})
