"""Where the data end: unresolved, too faint, at the edge, and nothing of it otherwise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.inference.limits import PriorLimits, seen_share
from gampen.inference.sampling import Inferred
from gampen.parameters import MORPHOLOGY
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import Brightness
from tiny import SIMULATION

SETTINGS = replace(
    SIMULATION,
    prior=replace(SIMULATION.prior, brightness=Brightness.SIGNAL_TO_NOISE, radius_over_psf=0.3),
)
FWHM = 4.0
LEAST = SIMULATION.prior.effective_radius[0] / SIMULATION.survey.pixel_scale


def said(radius, flux, spread=0.05, place=(0.0, 0.0)):
    """What a network says of one galaxy: its radius [pixel] and flux [sky sigma]."""
    mean = torch.tensor([[[0.0, np.log(radius), np.log(flux)]]], dtype=torch.float64)
    factor = torch.eye(3, dtype=torch.float64)[None, None] / spread
    mixture = GaussianMixture(torch.zeros(1, 1, dtype=torch.float64), mean, factor)
    theta = torch.tensor([[[0.5, 0.0, place[0]], [0.0, 0.5, place[1]]]])
    one = torch.ones(1)
    return Inferred(mixture, torch.zeros(1, 3, 3), theta, one, one, torch.zeros(1, 0), one)


def cutout(size=64, bad=None):
    pixels = np.random.default_rng(0).normal(size=(size, size))
    return Cutout(pixels, np.zeros((size, size), bool) if bad is None else bad, psf_fwhm=FWHM)


def flags_of(inferred, galaxy=None, settings=SETTINGS):
    limits = PriorLimits(settings, MORPHOLOGY)
    return Flag(int(limits.flags(Cutouts((galaxy or cutout(),)), inferred)[0]))


def test_a_galaxy_in_the_middle_of_the_prior_raises_nothing():
    assert flags_of(said(radius=2 * LEAST, flux=1e4)) == Flag(0)


@pytest.mark.parametrize(("spread", "flagged"), [(0.05, False), (2.0, True)])
def test_a_posterior_that_leans_on_the_least_radius_is_unresolved(spread, flagged):
    found = flags_of(said(radius=1.5 * LEAST, flux=1e4, spread=spread))
    assert (Flag.UNRESOLVED in found) == flagged


@pytest.mark.parametrize(("flux", "flagged"), [(100.0, True), (1e4, False)])
def test_a_galaxy_fainter_than_any_of_the_prior_is_too_faint(flux, flagged):
    assert (Flag.TOO_FAINT in flags_of(said(radius=2 * LEAST, flux=flux))) == flagged


def test_faintness_is_not_judged_where_the_prior_is_of_magnitudes():
    assert flags_of(said(radius=2 * LEAST, flux=1.0), settings=SIMULATION) == Flag(0)


def test_a_galaxy_that_reaches_beyond_the_frame_is_at_the_edge():
    assert Flag.AT_EDGE in flags_of(said(radius=20.0, flux=1e5, place=(0.8, 0.0)))
    assert Flag.AT_EDGE not in flags_of(said(radius=20.0, flux=1e5))


def test_a_galaxy_half_of_which_is_masked_is_at_the_edge():
    bad = np.zeros((64, 64), dtype=bool)
    bad[:, :28] = True
    assert Flag.AT_EDGE in flags_of(said(radius=10.0, flux=1e5), cutout(bad=bad))


def test_a_distant_mask_is_no_edge():
    bad = np.zeros((64, 64), dtype=bool)
    bad[:5] = True
    assert Flag.AT_EDGE not in flags_of(said(radius=10.0, flux=1e5), cutout(bad=bad))


@pytest.mark.parametrize("radius", [0.5, 1.0, 3.3, 12.0, 25.0])
def test_a_circle_inside_is_wholly_seen_whether_or_not_there_is_a_mask(radius):
    bad = np.zeros((64, 64), dtype=bool)
    bad[0, 0] = True
    assert seen_share(cutout(), radius, (0.0, 0.0)) == 1
    assert seen_share(cutout(bad=bad), radius, (0.0, 0.0)) > 0.85


def test_no_galaxies_raise_no_flags():
    limits = PriorLimits(SETTINGS, MORPHOLOGY)
    nothing = said(1.0, 1.0).select(torch.zeros(0, dtype=torch.long))
    assert limits.flags(Cutouts(()), nothing).tolist() == []
