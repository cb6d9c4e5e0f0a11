"""Facts about the measured width of a PSF, against images drawn by GalSim."""

import contextlib

import galsim
import numpy as np
import pytest

from gampen.errors import GalaxyError
from gampen.storage.psfs import centred, fit_core, measure_concentration, measure_fwhm

PROFILES = {
    "gaussian": lambda fwhm: galsim.Gaussian(fwhm=fwhm),
    "broad wings": lambda fwhm: galsim.Moffat(beta=2.5, fwhm=fwhm),
    "moffat": lambda fwhm: galsim.Moffat(beta=4.765, fwhm=fwhm),
    "kolmogorov": lambda fwhm: galsim.Kolmogorov(fwhm=fwhm),
}


def drawn(profile, side=43, offset=(0.0, 0.0)):
    return profile.drawImage(nx=side, ny=side, scale=1, offset=offset).array


@pytest.mark.parametrize("make", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("fwhm", [2.2, 2.8, 3.5, 5.0, 9.0])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.3, -0.4), (0.5, 0.5)])
def test_the_width_is_found_within_two_percent(make, fwhm, offset):
    assert measure_fwhm(drawn(make(fwhm), offset=offset)) == pytest.approx(fwhm, rel=0.02)


@pytest.mark.parametrize("side", [16, 31, 44])
def test_the_size_of_the_image_does_not_matter(side):
    assert measure_fwhm(drawn(galsim.Moffat(beta=3, fwhm=3), side)) == pytest.approx(3, rel=0.02)


def test_an_elongated_psf_has_the_width_between_its_axes():
    profile = galsim.Moffat(beta=3.5, fwhm=4).shear(q=0.8, beta=30 * galsim.degrees)
    assert measure_fwhm(drawn(profile)) == pytest.approx(4, rel=0.02)


def test_amplitude_type_and_holes_do_not_matter():
    image = drawn(galsim.Gaussian(fwhm=4)).astype(">f8") * 1e-7
    image[0, 0] = np.nan
    assert measure_fwhm(image) == pytest.approx(4, rel=0.02)


def test_noise_of_a_star_costs_a_few_percent():
    image = drawn(galsim.Moffat(beta=3.5, fwhm=3.5))
    noisy = image + np.random.default_rng(4).normal(scale=image.max() / 100, size=image.shape)
    assert measure_fwhm(noisy) == pytest.approx(3.5, rel=0.05)


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9)), np.ones((3, 9)), np.ones(9), np.full((9, 9), np.nan)]
)
def test_an_image_without_a_peak_is_refused(image):
    with pytest.raises(GalaxyError, match="positive peak"):
        measure_fwhm(image)


@pytest.mark.parametrize(
    "image", [np.ones((9, 9)), np.eye(9), np.random.default_rng(5).normal(size=(20, 20))]
)
def test_an_image_that_is_no_psf_gives_a_number_or_an_error(image):
    with contextlib.suppress(GalaxyError):
        assert measure_fwhm(image) > 0


def concentration(image, fwhm):
    """That of a PSF of known width, about the peak that is found."""
    return measure_concentration(image, (*fit_core(image)[:2], fwhm))


@pytest.mark.parametrize("make", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("fwhm", [2.2, 3.5, 6.0])
def test_the_concentration_is_the_light_within_one_width(make, fwhm):
    image = drawn(make(fwhm), side=201, offset=(0.3, -0.2))
    fine = make(1.0).drawImage(nx=1500, ny=1500, scale=0.02, method="sb").array * 0.02**2
    place = (np.arange(1500) - 749.5) * 0.02
    expected = fine[np.hypot(*np.meshgrid(place, place)) <= 1].sum()
    assert concentration(image, fwhm) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("side", "clipped"), [(13, 0.0), (101, 0.1)])
def test_an_image_without_its_wings_has_no_concentration(side, clipped):
    image = drawn(galsim.Moffat(beta=2.5, fwhm=3), side)
    image[image < clipped * image.max()] = 0
    image[image > 0] -= clipped * image.max()
    assert concentration(image, 3.0) is None


def test_wings_lower_the_concentration():
    core = galsim.Moffat(beta=3.5, fwhm=3)
    winged = 0.8 * core + 0.2 * galsim.Moffat(beta=3, fwhm=12)
    one, other = (concentration(drawn(psf, side=101), 3.0) for psf in (core, winged))
    assert other < one - 0.1


@pytest.mark.parametrize(
    ("row", "column", "shape"), [(14.3, 13.8, (29, 27)), (11.0, 15.5, (25, 32))]
)
def test_a_centred_psf_has_its_peak_in_the_middle_and_keeps_its_form(row, column, shape):
    def blob(row, column, shape):
        place = np.indices(shape)
        squared = (place[0] - row) ** 2 / 4 + (place[1] - column) ** 2 / 3
        return np.exp(-0.5 * squared)

    moved = centred(5 * blob(row, column, shape), (row, column, 4.0))
    side = len(moved)
    assert moved.shape == (side, side)
    assert side % 2 == 1
    middle = side // 2
    expected = blob(middle, middle, moved.shape)
    np.testing.assert_allclose(moved, expected / expected.sum(), atol=2e-6)
