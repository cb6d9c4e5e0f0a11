"""What a survey is like, and whether an estimator covers it, by the command line."""

from dataclasses import replace

import numpy as np
import pytest

from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.settings import GalaxyModel
from gampen.simulation.fitness import (
    CONCENTRATION,
    FRAME,
    FWHM,
    OVER_FRAME,
    RADIUS,
    RATIO,
    SIGNAL,
    laws_of,
    seen_in,
    share_outside,
    trained_ranges,
)
from gampen.simulation.scenes import Simulator
from gampen.storage.runfiles import write_settings
from gampen.verbs.survey import SurveyRequest, survey
from tiny import SIMULATION


def written(tmp_path, **changes):
    path = tmp_path / "survey.toml"
    write_settings(replace(SIMULATION, **changes), path)
    return path


def test_the_prior_is_said_and_drawn(gampen, tmp_path):
    picture = tmp_path / "new" / "survey.png"
    ran = gampen("survey", written(tmp_path), "--picture", picture, "--count", 32)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "tiny: what is drawn"
    low, high = SIMULATION.prior.bulge_to_total
    assert any(line.split()[:3] == ["bulge", "to", "total"] for line in lines)
    assert f"{low:g} to {high:g}" in ran.out
    assert lines[-1] == str(picture)
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_the_same_seed_says_and_draws_the_same(gampen, tmp_path):
    call = ("survey", written(tmp_path), "--count", 32, "--picture")
    said = [gampen(*call, tmp_path / name).out.splitlines()[:-1] for name in ("a.png", "b.png")]
    assert said[0] == said[1]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_lies_beyond_training_is_counted_and_told(gampen, model, tmp_path):
    small = replace(SIMULATION.scene, sizes=(20,))
    ran = gampen("survey", written(tmp_path, scene=small), "-e", model, "--count", 32)
    assert ran.status == 0, ran.err
    found = survey(SurveyRequest(written(tmp_path, scene=small), None, str(model), 32))
    assert found.fitness.outside[FRAME] == 1.0
    assert found.fitness.beyond[0] == FRAME
    assert not found.fitness.fits
    last = ran.out.splitlines()[-1]
    assert "does not cover tiny: 100 % beyond in side of the frame" in last
    assert "gampen train --start" in last


def test_galaxies_of_the_training_prior_are_not_beyond_it():
    scenes = Simulator(SIMULATION, 3).batch(0, 64)
    seen = seen_in(scenes, SIMULATION)
    ranges = trained_ranges(SIMULATION, seen)
    assert set(share_outside(seen, ranges, 1e-6).values()) == {0.0}


def test_shares_count_galaxies_beyond_either_end_and_leave_out_what_is_not_known():
    seen = {FWHM: np.array([1.0, 2.0, 3.0, np.nan, 9.0]), CONCENTRATION: np.array([np.nan])}
    found = share_outside(seen, {FWHM: (1.9, 3.1), CONCENTRATION: (0.0, 1.0)}, 0.0)
    assert found[FWHM] == 0.5
    assert np.isnan(found[CONCENTRATION])
    assert share_outside(seen, {FWHM: (1.0, 8.0)}, 0.2)[FWHM] == 0.0
    assert share_outside({RATIO: np.array([0.5])}, {}, 0.0) == {RATIO: 1.0}


def test_quantities_are_those_of_the_scenes():
    scenes = Simulator(SIMULATION, 1).batch(0, 16)
    seen = seen_in(scenes, SIMULATION)
    side = scenes.images.shape[-1]
    np.testing.assert_allclose(seen[OVER_FRAME] * side, seen[RADIUS], rtol=1e-6)
    doubled = replace(scenes, values={**scenes.values, "flux": 2 * scenes.values["flux"]})
    np.testing.assert_allclose(seen_in(doubled, SIMULATION)[SIGNAL], 2 * seen[SIGNAL], rtol=1e-5)


def test_a_single_profile_has_its_own_laws():
    single = replace(SIMULATION, prior=replace(SIMULATION.prior, model=GalaxyModel.SERSIC))
    names = [law.quantity for law in laws_of(single)]
    assert "index" in names
    assert "bulge to total" not in names
    assert RATIO not in seen_in(Simulator(single, 0).batch(0, 16), single)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--count", 3), "galaxies must be at least 16"),
        (("--seed", -1), "seed at least 0"),
        (("-e", "nowhere"), "the estimator must be a file or one of"),
        (("-p", "survey.txt"), "must end in .png"),
    ],
)
def test_wrong_calls_are_one_line_each(gampen, tmp_path, monkeypatch, options, reason):
    monkeypatch.chdir(tmp_path)
    ran = gampen("survey", written(tmp_path), "--count", 16, *options)
    assert ran.status != 0
    assert reason in ran.complaint


def test_an_imported_estimator_knows_of_no_training(model):
    loaded = Estimator.load(model)
    with pytest.raises(UsageError, match="must know what it was trained on"):
        _ = replace(loaded, prior=None).simulations
