"""Sersic profiles against GalSim, scipy and closed forms."""

import galsim
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from galsim_oracle import ACCURATE, light, one
from gampen.rendering import hankel
from gampen.rendering.hankel import log_gamma, read_rows
from gampen.rendering.sersic import (
    GrowthCurve,
    Sersic,
    _log_mellin,
    half_light_radius,
    sersic_b,
    sersic_table,
)

INDICES = [0.5, 0.62, 0.8, 1.0, 1.5, 2.2, 3.0, 4.0, 5.1, 6.0]
K = torch.logspace(-3, 2, 200, dtype=torch.float64)


def transform(index, k=K):
    """The table's transform of one index for R_e = 1, in double precision."""
    rows = sersic_table().rows(torch.tensor([index], dtype=torch.float64))
    return read_rows(rows, k.log()[None], torch.zeros(1, dtype=torch.float64))[0].numpy()


def galaxies(number, seed=0, components=2):
    """Bulges and disks of one centre with any shape."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low, high):
        return low + (high - low) * torch.rand(
            number, components, generator=generator, dtype=torch.float64
        )

    return Sersic(
        flux=uniform(0.02, 1),
        effective_radius=10 ** uniform(-0.8, 1.2),
        index=uniform(0.5, 6),
        axis_ratio=uniform(0.2, 1),
        angle=uniform(0, 180),
        x=uniform(0, 0),
        y=uniform(0, 0),
    )


def light_in_circle(profile, galaxy, radius):
    """Flux inside a centred circle, by Gauss-Legendre in radius and midpoints in angle."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    angle = (np.arange(400) + 0.5) * (np.pi / 800)
    total = 0.0
    for place in range(profile.flux.shape[1]):
        flux, size, n, q = (
            getattr(profile, name)[galaxy, place].item()
            for name in ("flux", "effective_radius", "index", "axis_ratio")
        )
        b = special.gammaincinv(2 * n, 0.5)
        central = flux * b ** (2 * n) / (2 * np.pi * n * special.gamma(2 * n) * size**2 * q)
        # r = radius t^(2 n) opens the cusp at the centre
        t = (nodes + 1) / 2
        r = radius * t ** (2 * n)
        slope = radius * 2 * n * t ** (2 * n - 1) * weights / 2
        along = np.hypot(np.cos(angle), np.sin(angle) / q)
        brightness = np.exp(-b * (np.multiply.outer(r, along) / size) ** (1 / n)).mean(axis=1)
        total += 2 * np.pi * central * (brightness * r * slope).sum()
    return total


def test_b_is_the_half_light_root_of_the_gamma_function():
    n = torch.tensor(INDICES, dtype=torch.float64)
    expected = special.gammaincinv(2 * n.numpy(), 0.5)
    np.testing.assert_allclose(sersic_b(n).numpy(), expected, rtol=1e-13)


def test_b_keeps_single_precision():
    n = torch.tensor(INDICES)
    assert sersic_b(n).dtype == torch.float32
    np.testing.assert_allclose(
        sersic_b(n).numpy(), special.gammaincinv(2 * n.numpy(), 0.5), rtol=1e-6
    )


def test_the_gamma_function_of_complex_numbers_is_that_of_scipy():
    z = torch.tensor([0.3 + 0j, 1 + 5j, 2.5 - 40j, 12 + 0.1j], dtype=torch.complex128)
    expected = np.exp(special.loggamma(z.numpy()))
    np.testing.assert_allclose(log_gamma(z).exp().numpy(), expected, rtol=1e-12)


CLOSED_FORMS = {
    0.5: lambda k, b: torch.exp(-(k**2) / (4 * b)),
    1.0: lambda k, b: (1 + (k / b) ** 2) ** -1.5,
}


@pytest.mark.parametrize("index", CLOSED_FORMS)
def test_gaussian_and_exponential_disk_have_their_closed_transforms(index):
    n = torch.tensor([index], dtype=torch.float64)
    expected = CLOSED_FORMS[index](K, sersic_b(n)).numpy()
    exact = hankel.transform(_log_mellin, n, K.log())[0].numpy()
    np.testing.assert_allclose(exact, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(transform(index), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("index", INDICES)
def test_the_lowest_frequencies_see_the_second_moment(index):
    n, k = torch.tensor([index], dtype=torch.float64), K[:1] / 10
    b = sersic_b(n).item()
    moment = special.gamma(4 * index) / special.gamma(2 * index) * b ** (-2 * index)
    found = hankel.transform(_log_mellin, n, k.log())[0]
    np.testing.assert_allclose(
        1 - found.numpy(), k.numpy() ** 2 * moment / 4, rtol=1e-3, atol=1e-11
    )


@pytest.mark.parametrize("index", INDICES)
def test_transforms_agree_with_galsim(index):
    profile = galsim.Sersic(index, half_light_radius=1, gsparams=ACCURATE)
    expected = [profile.kValue(float(k), 0).real for k in K]
    # GalSim's own series and table meet with a step of 5e-5
    np.testing.assert_allclose(transform(index), expected, rtol=0, atol=1e-4)


def test_beyond_the_table_a_transform_is_constant():
    low, high = transform(4.0, torch.tensor([1e-9, 1e9], dtype=torch.float64))
    assert low == 1
    assert 0 < high < 2e-5


def test_half_light_radii_agree_with_two_dimensional_quadrature():
    profile = galaxies(30)
    radii = half_light_radius(profile, nodes=128)
    for galaxy, found in enumerate(radii.tolist()):
        half = profile.flux[galaxy].sum().item() / 2
        root = optimize.brentq(
            lambda log_r, galaxy=galaxy, half=half: (
                light_in_circle(profile, galaxy, np.exp(log_r)) - half
            ),
            np.log(0.01),
            np.log(50),
            xtol=1e-10,
        )
        assert abs(found / np.exp(root) - 1) < 2e-5


def test_the_default_quadrature_and_single_precision_cost_less_than_a_thousandth():
    profile = galaxies(100, seed=1)
    single = Sersic(**{name: value.float() for name, value in vars(profile).items()})
    exact = half_light_radius(profile, steps=60, nodes=256)
    assert (half_light_radius(single) / exact - 1).abs().max() < 1e-3
    assert (half_light_radius(single) / exact - 1).abs().median() < 1e-6


def test_half_light_radii_of_round_galaxies_agree_with_galsim():
    profile = galaxies(4, seed=2)
    shape = {"axis_ratio": torch.ones_like(profile.flux), "index": 0.5 + profile.index / 3}
    profile = Sersic(**(vars(profile) | shape))
    for galaxy, radius in enumerate(half_light_radius(profile).tolist()):
        whole = light(one(profile, galaxy), galsim.GSParams())
        # GalSim sums the pixels of a picture, which must be a little smooth
        smooth = galsim.Convolve(whole, galsim.Gaussian(sigma=radius / 30))
        assert abs(smooth.calculateHLR(size=800, scale=radius / 20) / radius - 1) < 0.01


def test_a_round_profile_alone_has_its_own_half_light_radius():
    profile = galaxies(50, components=1)
    profile = Sersic(**(vars(profile) | {"axis_ratio": torch.ones_like(profile.flux)}))
    torch.testing.assert_close(half_light_radius(profile), profile.effective_radius[:, 0])


def test_half_of_the_light_is_inside_the_half_light_radius():
    profile = galaxies(200, seed=3)
    share = profile.flux / profile.flux.sum(dim=1, keepdim=True)
    inside = (share * GrowthCurve.of(profile)(half_light_radius(profile))).sum(dim=1)
    torch.testing.assert_close(inside, torch.full_like(inside, 0.5), rtol=0, atol=1e-6)


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(0, 1000))
def test_half_light_radii_scale_with_lengths_and_not_with_flux(length, flux, seed):
    profile = galaxies(3, seed)
    other = Sersic(
        **(
            vars(profile)
            | {
                "flux": profile.flux * flux,
                "effective_radius": profile.effective_radius * length,
            }
        )
    )
    torch.testing.assert_close(half_light_radius(other), half_light_radius(profile) * length)


def test_components_stand_side_by_side_and_can_be_told_apart():
    first, second = galaxies(3, seed=4), galaxies(3, seed=5, components=4)
    together = Sersic.cat(first, second)
    assert together.flux.shape == (3, 6)
    assert torch.equal(together.select(slice(2, None)).index, second.index)
