"""Turns of images against the renderer's, and how far posteriors move by them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from arms import posterior_of
from gampen.calibration.rotation import Stability, Turn, all_turns, turned, turned_back, turns
from gampen.cutouts import Cutout, Flag
from gampen.errors import UsageError
from gampen.probability.mixtures import GaussianMixture
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic
from tiny import paired_posterior

SIDE = 48
GALAXY = Sersic(
    *[torch.tensor([[v]]) for v in (500.0, 5.0, 1.0, 0.4, 20.0)],
    x=torch.tensor([[5.0]]),
    y=torch.tensor([[-3.0]]),
)
PSF = Moffat(torch.tensor([4.0]), torch.tensor([3.0]))


def drawn(profile):
    return render(profile, PSF, (SIDE, SIDE))[0].numpy()


def seen(pixels, **facts):
    return Cutout(pixels, psf_fwhm=4.0, pixel_scale=0.2, **facts)


@pytest.mark.parametrize("degrees", [0.0, 37.0, 90.0, 143.0, 180.0, 270.0, 311.0])
def test_a_turned_image_is_the_image_of_the_turned_galaxy(degrees):
    found = turned(seen(drawn(GALAXY)), degrees)
    expected = drawn(GALAXY.rotated(degrees))
    error = np.abs(found.pixels - expected)[~found.bad].max()
    # quarters are exact but for rounding, other angles as good as cubic convolution
    assert error <= (1e-4 if degrees % 90 == 0 else 0.02) * expected.max()


def test_a_mirrored_image_is_the_image_of_the_mirrored_galaxy():
    mirrored = Sersic(**{**vars(GALAXY), "x": -GALAXY.x, "angle": 180 - GALAXY.angle})
    found = turned(seen(drawn(GALAXY)), 90.0, mirrored=True)
    expected = drawn(mirrored.rotated(90.0))
    assert np.abs(found.pixels - expected)[~found.bad].max() <= 1e-4 * expected.max()


def test_every_angle_sees_the_same_circle():
    areas = {int((~cutout.bad).sum()) for cutout in turns(seen(drawn(GALAXY)), [0.0, 33.0, 90.0])}
    assert len(areas) == 1
    assert areas.pop() == pytest.approx(np.pi * SIDE**2 / 4, rel=0.01)


def test_bad_pixels_turn_too():
    bad = np.zeros((SIDE, SIDE), dtype=bool)
    bad[24, 40] = True
    spiked = np.where(bad, np.float32(1e6), drawn(GALAXY))
    for degrees in (90.0, 45.0):
        found = turned(seen(spiked, bad=bad), degrees)
        assert found.pixels[~found.bad].max() < 2 * drawn(GALAXY).max()
        assert found.bad[34:41, 22:26].any() or found.bad[34:38, 34:38].any()


def test_what_is_known_of_an_image_stays_but_for_its_place_on_the_sky():
    found = turned(seen(drawn(GALAXY), object_id="one", wcs={"CRPIX1": 3.0}), 30.0)
    assert (found.psf_fwhm, found.pixel_scale, found.object_id) == (4.0, 0.2, "one")
    assert found.wcs == {}
    assert Flag.MASKED_PIXELS in found.flags


def test_an_oblong_image_is_cut_to_its_shorter_side():
    assert turned(seen(drawn(GALAXY)[:, 4:-4]), 20.0).shape == (SIDE - 8, SIDE - 8)


def test_there_must_be_an_angle():
    with pytest.raises(UsageError, match="at least one angle"):
        turns(seen(drawn(GALAXY)), [])


def posterior_at(means, deviation=0.1):
    """One galaxy's posteriors with these means in unconstrained space."""
    means = torch.tensor(means, dtype=torch.float64)
    covariance = deviation**2 * torch.eye(3, dtype=torch.float64).expand(len(means), 1, 3, 3)
    weights = torch.ones(len(means), 1, dtype=torch.float64)
    return posterior_of(GaussianMixture.from_covariances(weights, means[:, None], covariance))


def test_a_posterior_that_stays_does_not_move():
    found = Stability.of(posterior_at([[0.0, 1.0, 5.0]] * 4))
    assert np.abs(found.moves).max() < 1e-9
    assert found.largest["flux"] == pytest.approx((0, 0), abs=1e-9)


def test_moves_are_relative_for_radii_and_in_units_of_the_width():
    found = Stability.of(posterior_at([[0.0, 1.0 - 0.05, 5.0], [0.0, 1.0 + 0.05, 5.0]]))
    # the medians are exp(1 +- 0.05), their half-widths 0.1 of them
    assert found.largest["effective_radius"][0] == pytest.approx(np.tanh(0.05), rel=1e-3)
    assert found.largest["effective_radius"][1] == pytest.approx(0.5, rel=0.01)
    assert found.largest["bulge_to_total"] == pytest.approx((0, 0), abs=1e-9)


ANGLES = (0.0, 30.0, 90.0, 137.0)


def turned_posterior(turns_of):
    """Posteriors of one galaxy of these turns whose pair turns with it and is else the same."""
    one = paired_posterior(1).select([0] * len(turns_of))
    signs = torch.ones(len(turns_of), 4, dtype=torch.float64)
    signs[:, 3] = torch.tensor([-1.0 if turn.mirrored else 1.0 for turn in turns_of])
    twice = torch.tensor([2 * np.radians(turn.degrees) for turn in turns_of]).double()
    mixture = one.mixture.affine(signs, torch.zeros_like(signs))
    mixture = mixture.turned(2, torch.stack([twice.cos(), twice.sin()], dim=-1))
    return replace(one, mixture=mixture)


def test_a_pair_that_turns_with_its_galaxy_does_not_move():
    each = all_turns(ANGLES, mirrored=True)
    posterior = turned_posterior(each)
    found = Stability.of(posterior, each)
    assert np.abs(found.moves).max() < 1e-9
    # and the same posteriors move where their turns are taken for others
    wrong = Stability.of(posterior, [Turn(0.0)] * len(each))
    assert wrong.largest["disk_elongation_1"][1] > 0.3


def test_pairs_need_their_turns():
    with pytest.raises(UsageError, match="got 0 turns of 8 posteriors"):
        Stability.of(turned_posterior(all_turns(ANGLES, mirrored=True)))


def test_without_pairs_nothing_is_turned_back():
    posterior = posterior_at([[0.0, 1.0, 5.0]] * 4)
    assert turned_back(posterior, ()) is posterior
