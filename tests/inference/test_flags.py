"""Flags: what an estimator has not been trained for is said, and nothing else."""

import numpy as np
import pytest

from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.inference.flags import TrainedRange
from tiny import SIMULATION, changed, galaxies

TRAINED = TrainedRange.of(SIMULATION)
SIGMA = 0.03


def flags_of(*cutouts, sigma=SIGMA):
    found = TRAINED.flags(Cutouts(tuple(cutouts)), np.full(len(cutouts), sigma))
    return [Flag(int(flag)) for flag in found]


def galaxy(**fields):
    return changed(galaxies(4)[1], **fields)


def noise(height=48, width=48):
    return np.random.default_rng(0).normal(0, SIGMA, (height, width)).astype(np.float32)


def test_the_range_is_that_of_the_simulation():
    assert TRAINED.size == (48, 48)
    assert TRAINED.psf_fwhm == pytest.approx((3.0, 4.0))


def test_galaxies_like_those_of_the_training_raise_nothing_more():
    cutouts = galaxies(64)
    added = [
        flag & ~own for flag, own in zip(flags_of(*cutouts), map(Flag, cutouts.flags), strict=True)
    ]
    assert set(added) == {Flag(0)}


@pytest.mark.parametrize(("fwhm", "flagged"), [(2.0, True), (2.9, False), (4.2, False), (6, True)])
def test_a_psf_out_of_range_is_flagged(fwhm, flagged):
    (found,) = flags_of(galaxy(psf_fwhm=fwhm))
    assert (Flag.PSF_OUT_OF_RANGE in found) == flagged


def test_an_unknown_psf_is_flagged_as_unknown_and_not_as_out_of_range():
    (found,) = flags_of(galaxy(psf_fwhm=None))
    assert Flag.PSF_UNKNOWN in found
    assert Flag.PSF_OUT_OF_RANGE not in found


@pytest.mark.parametrize(
    ("height", "width", "flagged"),
    [(48, 48, False), (50, 45, False), (40, 48, True), (48, 96, True)],
)
def test_a_size_out_of_range_is_flagged(height, width, flagged):
    (found,) = flags_of(Cutout(pixels=noise(height, width)))
    assert (Flag.SIZE_OUT_OF_RANGE in found) == flagged


def test_a_centre_without_light_is_flagged():
    (found,) = flags_of(galaxy(pixels=-galaxy().pixels))
    assert Flag.NOT_POSITIVE in found


def test_an_image_without_noise_is_flagged():
    axis = np.arange(48) - 23.5
    smooth = np.exp(-(np.hypot(axis[:, None], axis[None, :]) ** 2) / 8).astype(np.float32)
    step = (smooth > 0.5).astype(np.float32)
    for pixels in (smooth, step):
        (found,) = flags_of(galaxy(pixels=pixels), sigma=0.1)
        assert Flag.UNUSUAL in found


def test_an_image_half_filled_with_one_value_is_flagged():
    pixels = galaxy().pixels.copy()
    pixels[:, :28] = 0
    (found,) = flags_of(galaxy(pixels=pixels))
    assert Flag.UNUSUAL in found


def test_an_image_half_masked_is_not_unusual():
    bad = np.zeros((48, 48), dtype=bool)
    bad[:, :28] = True
    (found,) = flags_of(galaxy(bad=bad))
    assert Flag.UNUSUAL not in found
    assert Flag.MASKED_PIXELS in found


@pytest.mark.parametrize("level", [-1.0, 100.0, 1e4])
def test_a_sky_that_was_not_subtracted_is_flagged(level):
    (found,) = flags_of(galaxy(pixels=galaxy().pixels + np.float32(level)))
    assert Flag.UNUSUAL in found


def test_a_border_that_is_masked_says_nothing():
    bad = np.ones((48, 48), dtype=bool)
    bad[4:-4, 4:-4] = False
    (found,) = flags_of(galaxy(bad=bad))
    assert Flag.UNUSUAL not in found


def test_a_value_out_of_this_world_is_flagged():
    pixels = galaxy().pixels.copy()
    pixels[3, 4] = 1e30
    (found,) = flags_of(galaxy(pixels=pixels))
    assert Flag.UNUSUAL in found
