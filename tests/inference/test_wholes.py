"""Whole galaxies whose parameters are those of their parts: as large and as bright as they are."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.inference.limits import PriorLimits
from gampen.inference.sampling import Inferred
from gampen.inference.wholes import Wholes, flux_of
from gampen.parameters import BUILT_IN, ParameterSpace
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import Brightness, GalaxyModel
from gampen.simulation.scenes import Simulator
from strategies import random_mixture
from tiny import SIMULATION

FWHM = 4.0
PRIOR = replace(
    SIMULATION.prior, brightness=Brightness.SIGNAL_TO_NOISE, radius_over_psf=0.3
)  # fmt: skip
LEAST = SIMULATION.prior.effective_radius[0] / SIMULATION.survey.pixel_scale
TWO = ("bulge_to_total", "flux", "bulge_effective_radius", "disk_effective_radius")
SHAPES = ("bulge_index", "bulge_axis_ratio", "disk_index", "disk_elongation_1", "disk_elongation_2")
FLUXES = ("bulge_flux", "disk_flux", "bulge_effective_radius", "disk_effective_radius")
ONE = ("flux", "semi_major_axis", "axis_ratio", "index")


def settings(single=False):
    model = GalaxyModel.SERSIC if single else GalaxyModel.BULGE_AND_DISK
    return replace(SIMULATION, prior=replace(PRIOR, model=model))


def space_of(*names):
    return ParameterSpace(tuple(BUILT_IN[name] for name in names))


def simulated(single, galaxies=64):
    """What is known of simulated galaxies."""
    found = Simulator(settings(single), 3).batch(0, galaxies).values
    return {name: values.double() for name, values in found.items()}


@pytest.mark.parametrize(
    ("names", "single", "close"),
    [
        ((*TWO, *SHAPES), False, 1e-3),
        ((*FLUXES, *SHAPES), False, 1e-3),
        (("flux", "disk_flux", *TWO[2:], *SHAPES), False, 1e-3),
        (ONE, True, 1e-3),
        (TWO, False, 0.5),
        ((*TWO[:2], "disk_effective_radius"), False, 1.0),
        ((*TWO[:2], "bulge_effective_radius"), False, 2.0),
        (ONE[:2], True, 0.7),
    ],
)
def test_the_circle_of_half_the_light_follows_from_the_parts(names, single, close):
    values, space = simulated(single), space_of(*names)
    wholes = Wholes(space, settings(single).prior)
    found = wholes.radius({name: values[name] for name in names})
    ratio = (found / values["effective_radius"]).log().abs()
    assert float(ratio.max()) < close
    # what is left open stands at the middle of its prior
    assert float(ratio.median()) < close / 3


def test_the_flux_of_all_follows_from_the_parts():
    values = simulated(single=False)
    for names in (("flux",), FLUXES, ("bulge_to_total", "bulge_flux"), TWO[:1] + FLUXES[1:2]):
        found = flux_of({name: values[name] for name in names})
        torch.testing.assert_close(found, values["flux"], rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    "names",
    [("flux",), TWO[:2], TWO[2:], ("bulge_flux", "disk_effective_radius"), ("bulge_index",)],
)
def test_where_parameters_do_not_tell_it_there_is_no_radius(names):
    wholes = Wholes(space_of(*names), PRIOR)
    assert wholes.radius({name: torch.ones(3) for name in names}) is None
    chance = wholes.chance_below(random_mixture(3, 2, len(names), 0), torch.full((3,), 1e9))
    assert chance.tolist() == [0, 0, 0]


def test_the_chance_of_a_small_radius_is_that_of_many_draws():
    space, galaxies = space_of(*TWO, *SHAPES), 6
    wholes, mixture = Wholes(space, PRIOR), random_mixture(galaxies, 3, len(space), 5)
    draws = 2000
    points = mixture.sample(draws, torch.Generator().manual_seed(0))
    radii = wholes.radius(wholes.named(points.flatten(0, 1))).view(draws, galaxies)
    for share in (0.05, 0.16, 0.5, 0.9):
        limit = radii.quantile(share, dim=0)
        expected = (radii < limit).double().mean(dim=0)
        # four standard errors of 2,000 draws, and as much for the 256 that are spread evenly
        room = 8 * (share * (1 - share) / draws) ** 0.5
        assert float((wholes.chance_below(mixture, limit) - expected).abs().max()) < room


def said(names, values, spread, place=0.0):
    """What a network says of one galaxy."""
    space = space_of(*names)
    mean = space.unconstrain(torch.tensor([values], dtype=torch.float64))[:, None]
    factor = torch.eye(len(names), dtype=torch.float64)[None, None] / spread
    mixture = GaussianMixture(torch.zeros(1, 1, dtype=torch.float64), mean, factor)
    theta = torch.tensor([[[0.5, 0.0, place], [0.0, 0.5, 0.0]]])
    one, square = torch.ones(1), torch.zeros(1, len(names), len(names))
    return Inferred(mixture, square, theta, one, one, torch.zeros(1, 0), one)


SPACES = pytest.mark.parametrize(
    ("names", "told", "single"),
    [
        (TWO, lambda size, flux: (0.3, flux, 0.6 * size, size), False),
        (FLUXES, lambda size, flux: (0.3 * flux, 0.7 * flux, 0.6 * size, size), False),
        (ONE, lambda size, flux: (flux, size, 0.7, 2.0), True),
    ],
    ids=["two parts", "two fluxes", "one profile"],
)


@SPACES
def test_flags_of_the_ends_are_raised_whatever_the_parameters(names, told, single):
    def flags(size, flux, spread=0.02, place=0.0):
        limits = PriorLimits(settings(single), space_of(*names))
        pixels = np.random.default_rng(0).normal(size=(64, 64))
        galaxy = Cutout(pixels, np.zeros((64, 64), bool), psf_fwhm=FWHM)
        inferred = said(names, told(size, flux), spread, place)
        return Flag(int(limits.flags(Cutouts((galaxy,)), inferred)[0]))

    assert flags(4 * LEAST, 1e4) == Flag(0)
    assert flags(0.9 * LEAST, 1e4) == Flag.UNRESOLVED
    assert flags(4 * LEAST, 1e4, spread=1.5) == Flag.UNRESOLVED
    assert flags(4 * LEAST, 50.0) == Flag.TOO_FAINT
    assert flags(25.0, 1e5, place=0.8) == Flag.AT_EDGE


@pytest.mark.parametrize(("names", "single"), [(TWO, False), (FLUXES, False), (ONE, True)])
def test_a_galaxy_is_judged_alike_in_any_company(names, single):
    wholes = Wholes(space_of(*names), settings(single).prior)
    mixture = random_mixture(7, 3, len(names), 1)
    limit = torch.linspace(0.5, 8, 7, dtype=torch.float64)
    whole = wholes.chance_below(mixture, limit)
    for galaxy in range(7):
        alone = wholes.chance_below(mixture.select([galaxy]), limit[galaxy : galaxy + 1])
        assert float(alone) == float(whole[galaxy])
