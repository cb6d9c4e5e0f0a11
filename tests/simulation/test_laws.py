"""The laws of parameters, beside what simulations draw."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from gampen.parameters import BUILT_IN
from gampen.prior import LogUniform, Normal, Uniform
from gampen.settings import Brightness, GalaxyModel
from gampen.simulation.laws import prior_of
from gampen.simulation.scenes import Scenes, Simulator
from tiny import SIMULATION

WIDE = replace(SIMULATION.prior, bulge_axis_ratio=(0.05, 1.0), disk_axis_ratio=(0.05, 1.0))
WIDE = replace(WIDE, axis_ratio=(0.05, 1.0))


def drawn(prior):
    """Quantities of a thousand galaxies."""
    simulator = Simulator(replace(SIMULATION, prior=prior), 3)
    return Scenes.cat([simulator.batch(step, 64) for step in range(16)]).values


@pytest.mark.parametrize("model", GalaxyModel)
def test_simulations_follow_the_laws(model):
    prior = replace(WIDE, model=model)
    values, laws = drawn(prior), prior_of(prior).laws
    assert laws.keys() <= set(model.quantities)
    for name, law in laws.items():
        if isinstance(law, LogUniform) or name == "flux":
            continue
        # the flattest galaxies cut off a fiftieth of a normal law: well within what 1,024 can tell
        kind = stats.norm(law.mean, law.deviation) if isinstance(law, Normal) else uniform(law)
        assert stats.kstest(values[name].numpy(), kind.cdf).pvalue > 1e-3, name


def uniform(law):
    return stats.uniform(law.low, law.high - law.low)


def test_elongations_reweight_as_axis_ratios_do():
    law = prior_of(WIDE).laws["disk_elongation_1"]
    length = torch.linspace(0.1, 1.5, 5, dtype=torch.float64)
    # of a uniform axis ratio q = exp(-r^2) the density in the plane is that of exp(-r^2) / pi
    plane = law.log_prob(length) + law.log_prob(torch.zeros(5, dtype=torch.float64))
    expected = -length.square() - math.log(math.pi)
    torch.testing.assert_close(plane, expected)


def test_what_does_not_vary_has_no_law():
    narrow = replace(WIDE, bulge_index=(4.0, 4.0))
    assert "bulge_index" not in prior_of(narrow).laws
    assert isinstance(prior_of(narrow).laws["disk_index"], Uniform)


def test_laws_are_of_built_in_parameters_and_components_have_none_of_flux_or_radius():
    for model in GalaxyModel:
        laws = prior_of(replace(WIDE, model=model)).laws
        assert laws.keys() <= BUILT_IN.keys()
        assert not {"bulge_flux", "disk_effective_radius", "semi_major_axis"} & laws.keys()


def test_a_flat_flux_is_said_to_be_flat():
    flat = replace(WIDE, brightness=Brightness.FLUX)
    assert prior_of(flat).laws["flux"] == Uniform(low=0.0)
    assert np.isinf(prior_of(flat).laws["flux"].high)
