"""Built-in parameters: simulations know them, and run files ask for those of their galaxies."""

import math
from dataclasses import replace

import pytest
import torch

from gampen.errors import UsageError
from gampen.parameters import BUILT_IN, space_of
from gampen.settings import GalaxyModel, Scaling, SimulationSettings, Wave
from gampen.simulation.scenes import Simulator
from gampen.storage.runfiles import read_settings
from gampen.verbs.simulate import LENGTHS
from tiny import RUN, SIMULATION

BOTH = pytest.mark.parametrize("model", GalaxyModel)


def simulation(model: GalaxyModel) -> SimulationSettings:
    """Tiny simulations of such galaxies."""
    return replace(SIMULATION, prior=replace(SIMULATION.prior, model=model))


def test_every_built_in_parameter_is_known_of_some_galaxies():
    assert {name for model in GalaxyModel for name in model.quantities} == BUILT_IN.keys()


@BOTH
def test_simulations_say_a_value_for_each_that_lies_strictly_within_its_bounds(model):
    run = replace(RUN, simulation=simulation(model), parameters=model.quantities)
    space = space_of(run)
    truth = Simulator(run.simulation, 3).batch(0, 64).truth(space)
    points = space.unconstrain(truth)
    assert points.shape == (64, len(model.quantities))
    assert bool(points.isfinite().all())


def test_all_that_scales_with_the_pixel_is_written_in_arcsec():
    lengths = {p.name for p in BUILT_IN.values() if p.scaling is Scaling.LENGTH}
    assert lengths == set(LENGTHS)


@BOTH
def test_a_parameter_that_such_galaxies_do_not_have_is_refused_with_the_run_file(model, tmp_path):
    other = next(iter({*BUILT_IN} - {*model.quantities}))
    text = f'parameters = ["{other}"]\n[simulation]\nsurvey = "x"\n[simulation.prior]\n'
    path = tmp_path / "run.toml"
    path.write_text(text + f'model = "{model.value}"\n')
    with pytest.raises(UsageError, match=f"got {other}: choose another simulation.prior.model"):
        read_settings(path, type(RUN), {"survey": lambda _: SIMULATION.survey})


def test_an_elongation_is_the_root_of_the_logarithmic_axis_ratio_along_twice_the_angle():
    values = Simulator(simulation(GalaxyModel.SERSIC), 3).batch(0, 64).values
    one, two = values["elongation_1"], values["elongation_2"]
    torch.testing.assert_close((-(one**2 + two**2)).exp(), values["axis_ratio"])
    angle = torch.rad2deg(torch.atan2(two, one)) / 2
    apart = (angle - values["angle"]).remainder(180)
    assert torch.minimum(apart, 180 - apart).max() < 0.1


def test_a_round_galaxy_has_no_elongation_and_finite_odds():
    prior = replace(SIMULATION.prior, model=GalaxyModel.SERSIC, axis_ratio=(1.0, 1.0))
    values = Simulator(replace(SIMULATION, prior=prior), 3).batch(0, 16).values
    assert float(values["elongation_1"].abs().max()) == 0
    assert bool(values["axis_ratio"].logit().isfinite().all())


def test_where_axis_ratios_are_uniform_elongations_are_normal():
    prior = replace(SIMULATION.prior, model=GalaxyModel.SERSIC, axis_ratio=(0.05, 1.0))
    settings = replace(SIMULATION, prior=prior)
    drawn = torch.cat(
        [Simulator(settings, n).batch(0, 64).values["elongation_1"] for n in range(8)]
    )
    # a normal of variance 1/2 cut off at 0.05 has 0.42; the standard error of 512 is 0.026
    tail = 0.05 * -math.log(0.05)
    expected = 0.5 * (1 - tail / 0.95)
    assert abs(float(drawn.square().mean()) - expected) < 4 * expected * math.sqrt(2 / 512)


def test_halves_of_one_elongation_are_told_apart():
    waves = {name: p.wave for name, p in BUILT_IN.items() if p.wave is not Wave.NONE}
    assert {wave for name, wave in waves.items() if name.endswith("_1")} == {Wave.COSINE}
    assert {wave for name, wave in waves.items() if name.endswith("_2")} == {Wave.SINE}
