"""Point spread functions against GalSim, in Fourier space."""

import math

import galsim
import numpy as np
import pytest
import torch

from galsim_oracle import ACCURATE
from gampen.rendering.frequencies import FrequencyGrid
from gampen.rendering.psf import Composite, Gaussian, Kolmogorov, Moffat, PixelPSF

FWHM = torch.tensor([0.8, 2.5, 7.0], dtype=torch.float64)
GRID = FrequencyGrid.of(40, 40, 1.0, FWHM)


def galsim_transfer(psf):
    """The transfer of GalSim's PSF on the grid."""
    return np.array(
        [[psf.kValue(float(kx), float(ky)) for kx in GRID.kx[0]] for ky in GRID.ky[:, 0]]
    )


@pytest.mark.parametrize("beta", [1.5, 1.8, 2.5, 3.3, 4.765, 8.0])
def test_moffat_agrees_with_galsim(beta):
    found = Moffat(FWHM, torch.full_like(FWHM, beta)).transfer(GRID).numpy()
    for place, fwhm in enumerate(FWHM.tolist()):
        expected = galsim_transfer(galsim.Moffat(beta=beta, fwhm=fwhm, gsparams=ACCURATE))
        np.testing.assert_allclose(found[place], expected, atol=3e-5)


@pytest.mark.parametrize(
    ("kind", "oracle"), [(Gaussian, galsim.Gaussian), (Kolmogorov, galsim.Kolmogorov)]
)
def test_gaussian_and_kolmogorov_agree_with_galsim(kind, oracle):
    found = kind(FWHM).transfer(GRID).numpy()
    for place, fwhm in enumerate(FWHM.tolist()):
        expected = galsim_transfer(oracle(fwhm=fwhm, gsparams=ACCURATE))
        np.testing.assert_allclose(found[place], expected, atol=3e-6)


@pytest.mark.parametrize(
    ("made", "oracle"),
    [
        (Gaussian(FWHM), galsim.Gaussian),
        (Kolmogorov(FWHM), galsim.Kolmogorov),
        (Moffat(FWHM, torch.full_like(FWHM, 2.6)), lambda fwhm: galsim.Moffat(2.6, fwhm=fwhm)),
    ],
)
@pytest.mark.parametrize("share", [0.4, 1.0, 1.7])
def test_the_light_within_a_circle_agrees_with_galsim(made, oracle, share):
    found = made.light_within(share * FWHM).numpy()
    profile = oracle(fwhm=1.0)
    fine = profile.drawImage(nx=1200, ny=1200, scale=0.02, method="sb").array * 0.02**2
    place = (np.arange(1200) - 599.5) * 0.02
    expected = fine[np.hypot(*np.meshgrid(place, place)) <= share].sum()
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_composite_is_the_weighted_sum_of_its_parts():
    core, wing = Moffat(FWHM, torch.full_like(FWHM, 4.0)), Gaussian(3 * FWHM)
    weights = torch.tensor([[1.0, 0.0], [0.7, 0.3], [0.0, 1.0]], dtype=torch.float64)
    both = Composite((core, wing), weights)
    parts = torch.stack([core.transfer(GRID), wing.transfer(GRID)], dim=1)
    expected = (weights[:, :, None, None] * parts).sum(dim=1)
    torch.testing.assert_close(both.transfer(GRID), expected)
    inside = torch.stack([core.light_within(FWHM), wing.light_within(FWHM)], dim=1)
    torch.testing.assert_close(both.light_within(FWHM), (weights * inside).sum(dim=1))
    twice = both.scaled(torch.full_like(FWHM, 2.0))
    torch.testing.assert_close(twice.light_within(2 * FWHM), both.light_within(FWHM))
    some = both.select(torch.tensor([2, 0]))
    torch.testing.assert_close(some.transfer(GRID), expected[[2, 0]])


@pytest.mark.parametrize("psf", [Gaussian(FWHM), Kolmogorov(FWHM), Moffat(FWHM, FWHM + 1.2)])
def test_no_light_is_lost(psf):
    np.testing.assert_allclose(psf.transfer(GRID)[:, 0, 0].numpy(), 1, atol=1e-6)


def test_an_image_of_a_psf_has_the_transfer_of_its_discrete_fourier_transform():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 40, 40, generator=generator, dtype=torch.float64)
    found = PixelPSF(image).transfer(GRID)
    origin = torch.roll(image / image.sum(dim=(1, 2), keepdim=True), (-20, -20), dims=(1, 2))
    torch.testing.assert_close(found, torch.fft.rfft2(origin))


def test_an_image_of_a_psf_is_divided_by_its_sum():
    image = torch.rand(1, 9, 9, generator=torch.Generator().manual_seed(1))
    one, ten = (PixelPSF(scale * image).transfer(GRID) for scale in (1, 10))
    torch.testing.assert_close(one, ten)


def test_an_image_of_even_size_is_centred_on_the_pixel_after_its_middle():
    image = torch.rand(1, 9, 9, generator=torch.Generator().manual_seed(2))
    wider = torch.nn.functional.pad(image, (1, 0, 1, 0))
    torch.testing.assert_close(PixelPSF(image).transfer(GRID), PixelPSF(wider).transfer(GRID))


def test_an_image_of_a_psf_holds_no_frequencies_beyond_its_pixels():
    finer = FrequencyGrid.of(40, 40, 0.5, FWHM)
    beyond = (finer.ky.abs() > math.pi) | (finer.kx.abs() > math.pi)
    transfer = PixelPSF(torch.ones(1, 1, 1)).transfer(finer)[0]
    assert (transfer[beyond] == 0).all()
    assert (transfer[~beyond].abs() == 1).all()
