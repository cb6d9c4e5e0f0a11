"""Derivatives of images against finite differences through the renderer itself."""

import pytest
import torch

from gampen.rendering.coordinates import coordinates_of, profile_of, quantity_slopes
from gampen.rendering.derivatives import Slopes
from gampen.rendering.exposures import slope_of, sloped, widened
from gampen.rendering.psf import Kolmogorov, PixelPSF
from gampen.rendering.render import render
from isolated import exposure, galaxies, mixed_psf, single

PROFILE = galaxies(3)
# Steps over several nodes of the renderer's table, which is linear between them.
STEP = 0.02


def image(quantities, seen):
    """The model image, through `render`."""
    psf = seen.psf
    if slope_of(psf) is not None:
        psf = sloped(psf, quantities[:, 14])
    if not isinstance(psf, PixelPSF):
        psf = widened(psf, quantities[:, 13])
    light = render(profile_of(quantities), psf, seen.shape, oversampling=seen.oversampling)
    return light + (quantities[:, 12] * seen.sky_sigma)[:, None, None]


def differences(quantities, seen, place):
    """Central differences of fourth order."""
    change = torch.zeros_like(quantities)
    change[:, place] = STEP
    near = image(quantities + change, seen) - image(quantities - change, seen)
    far = image(quantities + 2 * change, seen) - image(quantities - 2 * change, seen)
    return (8 * near - far) / (12 * STEP)


def assert_slopes_agree(seen, unsure_width, unsure_slope):
    points = coordinates_of(PROFILE, slope_of(seen.psf))
    quantities, _ = quantity_slopes(points)
    slopes = Slopes(quantities, seen, unsure_width, unsure_slope).images()
    for place, unsure in enumerate([*[True] * 13, unsure_width, unsure_slope]):
        if not unsure:
            assert not slopes[:, place].any()
            continue
        expected = differences(quantities, seen, place)
        error = (slopes[:, place] - expected).flatten(1).norm(dim=1)
        # the look-up of H alone is linear between nodes: a slope is good to 0.4 % at worst
        assert (error <= 4e-3 * expected.flatten(1).norm(dim=1)).all(), place


def test_slopes_are_those_of_the_renderer():
    assert_slopes_agree(exposure(3), unsure_width=True, unsure_slope=True)


def test_slopes_are_those_of_the_renderer_for_mixed_and_narrow_psfs():
    seen = exposure(3, psf=mixed_psf(3), oversampling=2, shape=(24, 30))
    assert_slopes_agree(seen, unsure_width=True, unsure_slope=True)


@pytest.mark.parametrize("kind", ["seeing", "image"])
def test_slopes_of_a_sure_psf_are_nought(kind):
    same = torch.ones(3, dtype=torch.float64)
    offset = torch.arange(-10, 11, dtype=torch.float64)
    blob = (-(offset[:, None] ** 2 + offset**2) / 4).exp().expand(3, -1, -1)
    psf = Kolmogorov(3.5 * same) if kind == "seeing" else PixelPSF(blob)
    assert_slopes_agree(exposure(3, psf=psf), unsure_width=False, unsure_slope=False)


def test_bulge_and_disk_add_up_to_the_image():
    seen = exposure(3)
    quantities, _ = quantity_slopes(coordinates_of(PROFILE, slope_of(seen.psf)))
    slopes = Slopes(quantities, seen, False, False).images()
    torch.testing.assert_close(slopes[:, 0] + slopes[:, 5], render(PROFILE, seen.psf, seen.shape))


def test_single_precision_is_enough():
    seen = exposure(3)
    quantities, _ = quantity_slopes(coordinates_of(PROFILE, slope_of(seen.psf)))
    exact = Slopes(quantities, seen, True, True).images().flatten(2)
    rough = Slopes(single(quantities), single(seen), True, True).images().flatten(2)
    assert ((rough - exact).norm(dim=2) <= 1e-4 * exact.norm(dim=2)).all()
