"""PSFs and noises of a survey are drawn as its settings say."""

import math
from dataclasses import replace

import pytest
import torch
from scipy import stats

from gampen.settings import PsfFamily
from gampen.simulation.exposures import WELL_SAMPLED, Noise, draw_psf, draw_widths
from gampen.simulation.priors import Draw
from gampen.simulation.surveys import HSC_WIDE_I

WIDE = replace(HSC_WIDE_I, pixel_scale=1.0, psf_fwhm=(1.5, 8.0), psf_families=tuple(PsfFamily))


def draws(galaxies, number=1, seed=0):
    """Seeded sources of numbers."""
    return [Draw(galaxies, torch.Generator().manual_seed(seed + n)) for n in range(number)]


def test_widths_are_log_uniform_over_many_draws():
    found = [draw_widths(draw, WIDE) for draw in draws(4, 1500)]
    widths = torch.stack([fwhm for fwhm, _ in found])[:, 0].log()
    low, high = math.log(1.5), math.log(8.0)
    assert stats.kstest((widths.numpy() - low) / (high - low), "uniform").pvalue > 1e-4
    for fwhm, finer in found:
        assert bool((fwhm < WELL_SAMPLED).all() if finer == 2 else (fwhm >= WELL_SAMPLED).all())


@pytest.mark.parametrize(("limits", "finer"), [((1.6, 2.0), 2), ((2.0, 2.0), 2), ((3.0, 3.0), 1)])
def test_a_survey_of_one_sampling_is_rendered_as_finely_as_it_needs(limits, finer):
    fwhm, found = draw_widths(draws(50)[0], replace(WIDE, psf_fwhm=limits))
    assert found == finer
    assert limits[0] <= float(fwhm.min()) <= float(fwhm.max()) <= limits[1] * 1.0001


def test_families_are_equally_likely_and_their_weights_sum_to_one():
    galaxies = 3000
    psf = draw_psf(draws(galaxies)[0], WIDE, torch.full((galaxies,), 4.0))
    torch.testing.assert_close(psf.weights.sum(dim=1), torch.ones(galaxies))
    seeing, winged = psf.weights[:, 0] == 1, psf.weights[:, 2] > 0
    for share in (seeing, winged, ~seeing & ~winged):
        assert abs(float(share.float().mean()) - 1 / 3) < 4 * math.sqrt(2 / 9 / galaxies)
    low, high = WIDE.wing_share
    assert low <= float(psf.weights[winged, 2].min()) <= float(psf.weights[:, 2].max()) <= high


def test_correlated_noise_keeps_its_variance():
    galaxies = 200
    strength = torch.linspace(0, 0.45, galaxies)
    noise = Noise(torch.full((galaxies,), 0.5), torch.full((galaxies,), 1e9), strength)
    seen = noise.on(draws(galaxies)[0], torch.zeros(galaxies, 40, 40))
    variance = seen.square().mean(dim=(1, 2)) / 0.25
    # correlated pixels are fewer than they seem, at most 6 times
    assert (variance - 1).abs().max() < 5 * math.sqrt(2 * 6 / 1600)
    assert abs(float(variance.mean()) - 1) < 4 * math.sqrt(2 * 6 / 1600 / galaxies)
    product = (seen[:, :, 1:] * seen[:, :, :-1]).mean(dim=(1, 2)) / 0.25
    expected = 2 * strength / (1 + 2 * strength.square())
    assert (product - expected).abs().max() < 5 * math.sqrt(6 / 1600)
