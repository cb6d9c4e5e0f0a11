"""The shipped estimator: a posterior for every frame, and flags that mean what they say."""

import numpy as np
import pytest

from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from tiny import galaxies

FEW = Sampling(passes=4)


@pytest.fixture(scope="module")
def universal():
    return Estimator.load("universal")


def noise(size, seed):
    return np.random.default_rng(seed).normal(size=(size, size))


def blob(size, width, flux):
    axis = np.arange(size) - (size - 1) / 2
    shape = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * width**2))
    return flux * shape / shape.sum()


def flags_of(estimator, *images, psf_fwhm=4.0):
    cutouts = Cutouts.of(Cutout(image, psf_fwhm=psf_fwhm, pixel_scale=0.2) for image in images)
    return [Flag(int(flag)) for flag in estimator.examine(cutouts, FEW).flags]


def test_frames_without_a_galaxy_have_a_posterior_and_are_flagged(universal):
    frames = [noise(size, seed) for seed, size in enumerate((48, 64, 96, 144, 240) * 6)]
    cutouts = Cutouts.of(Cutout(frame, psf_fwhm=2.0, pixel_scale=0.2) for frame in frames)
    said = universal.examine(cutouts, FEW)
    assert bool(said.posterior.mixture.mean.isfinite().all())
    dark = Flag.TOO_FAINT | Flag.NOT_POSITIVE | Flag.OUT_OF_DISTRIBUTION | Flag.BLENDED
    dark |= Flag.OFF_CENTRE | Flag.UNUSUAL
    flagged = [bool(Flag(int(flag)) & dark) for flag in said.flags]
    assert np.mean(flagged) > 0.8


def test_it_has_a_guard(universal):
    assert universal.guard is not None
    assert bool(universal.guard.limits.isfinite().all())
    assert bool(universal.guard.misfit_limits.isfinite().all())


def test_a_bright_star_is_flagged_as_one_and_a_galaxy_is_not(universal):
    star, galaxy = blob(96, 4.0 / 2.355, 3000), blob(96, 9.0, 20_000)
    found = flags_of(universal, star + noise(96, 1), galaxy + noise(96, 2))
    assert Flag.POINT_SOURCE in found[0]
    assert Flag.POINT_SOURCE not in found[1]


def test_a_trail_is_flagged(universal):
    streak = np.zeros((96, 96))
    streak[50:53] = 25.0
    (found,) = flags_of(universal, blob(96, 6.0, 10_000) + streak + noise(96, 3))
    assert found & (Flag.TRAIL | Flag.OUT_OF_DISTRIBUTION)


def test_a_core_that_is_cut_off_is_flagged(universal):
    image = np.minimum(blob(96, 5.0, 60_000), 150) + noise(96, 4)
    (found,) = flags_of(universal, image)
    assert Flag.SATURATED in found


def test_a_galaxy_has_the_same_bits_in_any_place_and_company(universal):
    cutouts = galaxies(21)
    whole = universal.predict(cutouts).pack().numpy()
    for order in (range(1, 21), range(20, -1, -1), (5, 0, 17), (13,)):
        some = universal.predict(cutouts.take(order)).pack().numpy()
        np.testing.assert_array_equal(some, whole[list(order)])
