"""Non-parametric indices of simulated galaxies, by statmorph on images without noise."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from gampen.errors import UsageError
from gampen.interchange.indices import indices, indices_of, light_of, segment
from gampen.settings import GalaxyModel, Measure
from gampen.simulation.scenes import Simulator
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog
from gampen.verbs.simulate import SimulateRequest, simulate
from tiny import SIMULATION

NAMES = [measure.value for measure in Measure]


def sersic(index, radius=6.0, side=81):
    """A round profile in the middle of a frame."""
    axis = np.arange(side) - (side - 1) / 2
    distance = np.hypot(axis[:, None], axis[None, :])
    b = 2 * index - 1 / 3
    return np.exp(-b * (distance / radius) ** (1 / index)) * 1e3


def test_a_steeper_profile_is_more_concentrated_and_less_even():
    flat, steep = (dict(zip(NAMES, indices(sersic(n), NAMES), strict=True)) for n in (1, 3))
    # an exponential disk has C = 2.7 and G = 0.47 in the literature
    assert flat["concentration"] == pytest.approx(2.7, abs=0.15)
    assert flat["gini"] == pytest.approx(0.47, abs=0.05)
    assert steep["concentration"] > flat["concentration"] + 0.5
    assert steep["gini"] > flat["gini"]
    assert steep["m20"] < flat["m20"]


def test_symmetric_galaxies_have_no_asymmetry_and_lopsided_ones_do():
    even = sersic(1)
    lopsided = even + 0.5 * np.roll(even, (6, 4), axis=(0, 1))
    (found,), (other,) = indices(even, ["asymmetry"]), indices(lopsided, ["asymmetry"])
    assert abs(found) < 0.02
    assert other > 0.1


def test_the_light_is_that_of_the_target_alone():
    scenes = Simulator(SIMULATION, 3).batch(0, 16)
    light = light_of(scenes)
    assert light.shape == scenes.images.shape
    share = light.sum(axis=(1, 2)) / scenes.values["flux"].numpy()
    assert ((share > 0.5) & (share < 1.001)).all()


def test_the_segment_holds_the_share_of_light():
    image = sersic(1)
    chosen = segment(image).astype(bool)
    assert image[chosen].sum() / image.sum() == pytest.approx(0.9, abs=0.02)


def test_simulated_galaxies_are_measured_where_the_run_file_asks(tmp_path):
    measure = (Measure.GINI, Measure.M20)
    prior = replace(SIMULATION.prior, model=GalaxyModel.SERSIC)
    write_settings(replace(SIMULATION, prior=prior, measure=measure), tmp_path / "survey.toml")
    table = read_catalog(simulate(SimulateRequest(tmp_path / "survey.toml", tmp_path / "sky", 6)))
    assert np.isfinite(table["gini"].numbers()).all()
    assert (table["m20"].numbers() < 0).all()
    assert "concentration" not in table


def test_nothing_is_measured_that_was_not_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "statmorph", None)
    scenes = Simulator(SIMULATION, 3).batch(0, 16)
    assert indices_of(scenes, ()) == {}
    with pytest.raises(UsageError, match=r"pip install 'gampen\[statmorph\]'"):
        indices_of(scenes.first(1), (Measure.GINI,))
