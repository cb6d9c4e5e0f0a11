"""Windows part the spectrum without loss, and closer frequencies carry what wings need."""

import math

import pytest
import torch

from gampen.rendering.frequencies import CUT, LEVELS, FrequencyGrid, Windows, direct_sum

LIKE = torch.zeros(1, dtype=torch.float64)


def test_a_grid_holds_the_frequencies_of_the_fft():
    grid = FrequencyGrid.of(8, 6, 0.5, LIKE)
    assert grid.k.shape == (8, 4)
    assert grid.ky[1, 0].item() == pytest.approx(2 * math.pi / 4)
    assert grid.kx[0, -1].item() == pytest.approx(2 * math.pi)


def test_a_window_is_whole_at_zero_and_gone_beyond_its_cut():
    windows = Windows(64, 128)
    for level in range(LEVELS):
        k = torch.tensor([0.0, CUT / windows.width(level)], dtype=torch.float64)
        low, high = windows.outside(k, level).tolist()
        assert low == 0
        assert high > 1 - 5e-4


def test_a_broad_gaussian_is_the_same_by_fft_and_windows_as_in_closed_form():
    side, period, sigma = 32, 64, 30.0
    place = torch.arange(side, dtype=torch.float64)
    expected = torch.exp(-0.5 * (place / sigma) ** 2) / (math.sqrt(2 * math.pi) * sigma)
    expected = expected[:, None] * expected
    grid, windows = FrequencyGrid.of(period, period, 1.0, LIKE), Windows(side, period)

    def spectrum(k):
        return torch.exp(-0.5 * (k * sigma) ** 2)[None].to(torch.complex128)

    folded = torch.fft.irfft2(spectrum(grid.k))[:, :side, :side]
    near = torch.fft.irfft2(spectrum(grid.k) * windows.outside(grid.k, 0))[:, :side, :side]
    closer, weight = windows.closer(LIKE)
    found = near + direct_sum(spectrum(closer.k) * weight, closer, (side, side))
    assert (folded[0] - expected).abs().max() > 0.05 * expected.max()
    assert (found[0] - expected).abs().max() < 1e-3 * expected.max()
