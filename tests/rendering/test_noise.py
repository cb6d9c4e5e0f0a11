"""Correlated noise: its variance, its spectrum, and that it can be whitened."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.rendering.noise import correlate, noise_transfer


@given(st.floats(0, 0.49), st.integers(3, 12), st.integers(3, 12))
def test_a_single_spike_becomes_the_kernel(strength, height, width):
    a = torch.tensor([strength])
    white = torch.zeros(1, height + 2, width + 2)
    white[0, height // 2 + 1, width // 2 + 1] = 1
    found = correlate(white, a)[0]
    assert found.shape == (height, width)
    assert float(found.max()) == float(found[height // 2, width // 2])
    torch.testing.assert_close(found.square().sum(), torch.tensor(1.0), rtol=1e-5, atol=0)


@given(st.floats(0, 0.49))
def test_the_transfer_is_the_transform_of_the_kernel_and_never_nought(strength):
    a, size = torch.tensor([strength], dtype=torch.float64), 16
    k = torch.fft.fftfreq(size, dtype=torch.float64) * 2 * torch.pi
    row = torch.zeros(size, dtype=torch.float64)
    row[[0, 1, -1]] = torch.stack([torch.ones(1).double(), a, a])[:, 0]
    expected = torch.fft.fft(row).real / (1 + 2 * a**2).sqrt()
    found = noise_transfer(k, a[:, None])
    torch.testing.assert_close(found[0], expected)
    assert bool((found > 0).all())


def test_no_correlation_leaves_white_noise_as_it_is():
    white = torch.randn(2, 10, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(correlate(white, torch.zeros(2)), white[:, 1:-1, 1:-1])
