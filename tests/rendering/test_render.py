"""Rendered galaxies against GalSim, finite differences and the laws of light."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from galsim_oracle import draw, one, random_profiles, random_psf
from gampen.rendering.psf import Gaussian, Kolmogorov, Moffat, PixelPSF
from gampen.rendering.render import fast_length, render
from gampen.rendering.sersic import Sersic

TOLERANCE = 5e-4  # of the peak
FLUX_TOLERANCE = 1e-3
SAMPLED, UNDERSAMPLED = (3.0, 7.0), (1.5, 3.0)  # [pixel] FWHM


def assert_agree(image, truth):
    """Every image agrees with GalSim's, pixel by pixel and in the sum."""
    error = (image - truth).abs().amax(dim=(1, 2)) / truth.amax(dim=(1, 2))
    flux_error = ((image - truth).sum(dim=(1, 2)) / truth.sum(dim=(1, 2))).abs()
    assert error.max() < TOLERANCE
    assert flux_error.max() < FLUX_TOLERANCE


def double(batch):
    """Profiles or PSFs in double precision."""
    return type(batch)(**{name: value.double() for name, value in vars(batch).items()})


@pytest.mark.parametrize("side", [48, 64, 96, 143, 240])
@pytest.mark.parametrize("kind", [Moffat, Kolmogorov, Gaussian, PixelPSF])
def test_any_galaxy_agrees_with_galsim(kind, side):
    psf = random_psf(kind, 2, SAMPLED, seed=side)
    profile = random_profiles(2, side, 0.3 * SAMPLED[0], seed=side)
    shape = (side, side)
    assert_agree(render(profile, psf, shape), draw(profile, psf, shape))


@pytest.mark.parametrize("kind", [Moffat, Kolmogorov, Gaussian])
def test_narrow_psfs_agree_with_galsim_if_oversampled(kind):
    psf = random_psf(kind, 3, UNDERSAMPLED, seed=9)
    profile = random_profiles(3, 64, 0.3 * UNDERSAMPLED[0], seed=9)
    image = render(profile, psf, (64, 64), oversampling=2)
    assert_agree(image, draw(profile, psf, (64, 64)))


def test_wide_wings_on_an_oblong_stamp_agree_with_galsim():
    profile = Sersic(
        *torch.tensor(
            [[[10.0]], [[10.0]], [[4.0]], [[0.6]], [[70.0]], [[-20.0]], [[11.0]]],
        )
    )
    psf = Moffat(torch.tensor([4.0]), torch.tensor([2.0]))
    assert_agree(render(profile, psf, (48, 96)), draw(profile, psf, (48, 96)))


def test_wings_fold_back_where_they_are_not_asked_for():
    psf = Gaussian(torch.tensor([4.0]))
    profile = one(random_profiles(1, 64, 20.0, seed=0), 0)
    profile = Sersic(**(vars(profile) | {"index": torch.full_like(profile.index, 4.0)}))
    whole, folded = (render(profile, psf, (64, 64), wings=wings) for wings in (True, False))
    assert (folded - whole).sum() > 5 * FLUX_TOLERANCE * whole.sum()


def test_galaxies_of_a_batch_do_not_meet():
    profile, psf = random_profiles(5, 48, 1.0, seed=3), random_psf(Moffat, 5, SAMPLED, seed=3)
    together = render(profile, psf, (48, 48))
    for galaxy in range(5):
        alone = render(one(profile, galaxy), one(psf, galaxy), (48, 48))[0]
        torch.testing.assert_close(together[galaxy], alone, rtol=1e-5, atol=1e-6)


def test_single_precision_is_enough():
    profile, psf = random_profiles(5, 48, 1.0, seed=4), random_psf(Moffat, 5, SAMPLED, seed=4)
    exact = render(double(profile), double(psf), (48, 48))
    assert exact.dtype == torch.float64
    error = (render(profile, psf, (48, 48)) - exact).abs().amax(dim=(1, 2))
    assert (error / exact.amax(dim=(1, 2))).max() < 5e-6


def test_light_adds_up():
    profile, psf = random_profiles(3, 32, 1.0, seed=5), random_psf(Moffat, 3, SAMPLED, seed=5)
    parts = [render(profile.select(slice(n, n + 1)), psf, (32, 32)) for n in range(2)]
    torch.testing.assert_close(render(profile, psf, (32, 32)), sum(parts), rtol=1e-5, atol=1e-6)


def test_an_empty_place_adds_nothing():
    profile, psf = random_profiles(2, 32, 1.0, seed=6), random_psf(Gaussian, 2, SAMPLED, seed=6)
    empty = Sersic(**(vars(profile) | {"flux": torch.zeros_like(profile.flux)}))
    filled, all_dark = Sersic.cat(profile, empty), render(empty, psf, (32, 32))
    assert torch.equal(render(filled, psf, (32, 32)), render(profile, psf, (32, 32)))
    assert (all_dark == 0).all()


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([Moffat, Gaussian, Kolmogorov]))
def test_a_quarter_turn_turns_the_image(seed, kind):
    profile, psf = random_profiles(1, 32, 1.0, seed), random_psf(kind, 1, SAMPLED, seed)
    places = {"angle": profile.angle + 90, "x": -profile.y, "y": profile.x}
    turned = render(Sersic(**(vars(profile) | places)), psf, (32, 32))
    # rows count upwards, so that a turn from +x to +y is clockwise on the array
    expected = torch.rot90(render(profile, psf, (32, 32)), -1, dims=(1, 2))
    torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-4 * expected.max().item())


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.integers(-4, 4), st.integers(-4, 4))
def test_a_step_of_whole_pixels_moves_the_image(seed, x, y):
    profile, psf = random_profiles(1, 32, 1.0, seed), random_psf(Moffat, 1, SAMPLED, seed)
    moved = Sersic(**(vars(profile) | {"x": profile.x + x, "y": profile.y + y}))
    before, after = render(profile, psf, (32, 32)), render(moved, psf, (32, 32))
    inner = before[:, 4:-4, 4:-4]
    limit = 1e-4 * before.max().item()
    found = after[:, 4 + y : 28 + y, 4 + x : 28 + x]
    torch.testing.assert_close(found, inner, rtol=1e-4, atol=limit)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_a_large_stamp_holds_all_of_the_light(seed):
    profile, psf = random_profiles(1, 12, 1.0, seed), random_psf(Gaussian, 1, SAMPLED, seed)
    small = torch.full_like(profile.index, 1.0)
    image = render(Sersic(**(vars(profile) | {"index": small})), psf, (96, 96))
    assert math.isclose(image.sum().item(), profile.flux.sum().item(), rel_tol=1e-4)


def gradient_problem():
    """A galaxy and its PSF as one function of their numbers, in double precision."""
    profile = double(random_profiles(1, 24, 1.5, seed=8))
    values = [value.clone() for value in vars(profile).values()]
    values += [torch.tensor([3.7], dtype=torch.float64), torch.tensor([2.9], dtype=torch.float64)]

    def image(*numbers):
        return render(Sersic(*numbers[:7]), Moffat(*numbers[7:]), (16, 16))

    return image, values


def test_gradients_are_those_of_the_image_as_computed():
    image, values = gradient_problem()
    for value in values:
        value.requires_grad_()
    assert torch.autograd.gradcheck(image, values, eps=1e-7, atol=1e-4, rtol=1e-3, fast_mode=True)


@pytest.mark.parametrize("place", range(9))
def test_gradients_are_those_of_the_light_itself(place):
    image, values = gradient_problem()
    step = 0.01 * values[place].abs().clamp(min=1.0)
    direction = torch.ones_like(values[place])

    def along(share):
        numbers = list(values)
        numbers[place] = values[place] + share * step * direction
        return image(*numbers)

    # central differences to fourth order, over steps that span many places of the tables
    expected = (8 * (along(1) - along(-1)) - (along(2) - along(-2))) / 12
    start = torch.zeros((), dtype=torch.float64)
    _, found = torch.autograd.functional.jvp(along, start, torch.ones_like(start))
    assert (found - expected).abs().max() < 3e-3 * expected.abs().max()


def test_gradients_reach_single_precision_parameters():
    image, values = gradient_problem()
    singles = [value.float().requires_grad_() for value in values]
    doubles = [value.requires_grad_() for value in values]
    weights = torch.linspace(-1, 1, 256).view(1, 16, 16)
    small = torch.autograd.grad((image(*singles) * weights).sum(), singles)
    large = torch.autograd.grad((image(*doubles) * weights.double()).sum(), doubles)
    for found, expected in zip(small, large, strict=True):
        torch.testing.assert_close(
            found.double(), expected, rtol=5e-3, atol=5e-3 * expected.abs().max().item() + 1e-4
        )


@given(st.integers(1, 3000))
def test_a_fast_length_is_even_and_of_small_factors(length):
    found = fast_length(length)
    assert length <= found < 2 * length + 2
    assert found % 2 == 0
    for factor in (2, 3, 5):
        while found % factor == 0:
            found //= factor
    assert found == 1
