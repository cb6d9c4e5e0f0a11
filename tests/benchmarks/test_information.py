"""How much of a frame's information its sums hold."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from benchmarks.information import Seen, covariance, parts, shared, widths

from gampen.calibration.priors import Priors
from gampen.estimator import Estimator
from gampen.network.network import GampenNetwork
from gampen.network.profiles import RINGS
from gampen.parameters import MORPHOLOGY
from gampen.simulation.scenes import Simulator
from tiny import NETWORK, SIMULATION

GALAXIES = 12


@pytest.fixture(scope="module")
def seen():
    """Isolated galaxies in the crops of an untrained network."""
    alone = replace(SIMULATION, scene=replace(SIMULATION.scene, neighbour_share=0.0))
    torch.manual_seed(0)
    network = GampenNetwork(MORPHOLOGY, replace(NETWORK, crop_size=32, views=(1.0, 0.25))).eval()
    priors = Priors.of(alone.prior, alone.survey, alone.scene)
    priors = replace(priors, psf_slope=alone.survey.psf_beta)
    with torch.no_grad():
        return Seen.of(Estimator(network, alone), Simulator(alone, 3).batch(0, GALAXIES), priors)


def test_who_knows_more_knows_better(seen):
    found = dict(parts(seen))
    names = ["ellipses", "+ 2nd", "+ 2nd and 4th"]
    known = [found[f"{name}, and what lies around"] for name in names]
    known.append(found["the crop's pixels and what lies around"])
    for less, more in pairwise(known):
        assert bool((more <= less * (1 + 1e-6)).all())
    assert bool((known[-1] <= found["the crop's pixels"] * (1 + 1e-6)).all())


def test_all_pixels_of_the_frame_know_no_less_than_those_of_the_crop(seen):
    white = seen.frame.double() / seen.frame_variance.double().sqrt()[:, None]
    frame = widths(white @ white.mT, seen.scale)
    crop = dict(parts(seen))["the crop's pixels"]
    # the crop's pixels are taken for independent, which they are not quite where they are small
    assert float((frame / crop).median()) < 1.02


def test_without_any_light_the_prior_is_left(seen):
    size = len(seen.scale[0])
    nothing = torch.zeros(GALAXIES, size, size, dtype=torch.float64)
    torch.testing.assert_close(widths(nothing, seen.scale), seen.scale[:, :3])


def test_noise_of_sums_is_that_of_draws():
    generator = torch.Generator().manual_seed(1)
    rank = (RINGS - 1.01) * torch.rand(1, 300, generator=generator)
    variance = 0.5 + torch.rand(1, 300, generator=generator)
    noise = variance.sqrt() * torch.randn(20_000, 300, generator=generator)
    drawn = shared(noise[None], rank)[0].T.cov()
    expected = covariance(variance, rank)[0]
    torch.testing.assert_close(drawn, expected, rtol=0.05, atol=0.05 * float(expected.max()))


def test_light_in_tiles_is_the_light_of_the_image(seen):
    share = seen.crop.sum(dim=2) / seen.frame.sum(dim=2)
    flux = 2  # the coordinate
    assert bool((share[:, flux] > 0.5).all())
    assert bool((share[:, flux] <= 1.001).all())
