"""`gampen guard`: an estimator learns what to flag, and its file says so to every later run."""

import numpy as np
import pytest
import torch

from gampen.cutouts import Flag
from gampen.estimator import Estimator
from gampen.simulation.troubles import TROUBLES
from gampen.storage.tables import read_catalog
from tiny import galaxies

QUICK = ("--galaxies", 32, "--steps", 20)
FEW = TROUBLES[:3]


@pytest.fixture(autouse=True, scope="module")
def brief():
    """Lessons in a few kinds of trouble, each galaxy seen once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gampen.verbs.guard.TROUBLES", FEW)
        patched.setattr("gampen.verbs.guard.OBSERVATIONS", 1)
        yield


@pytest.fixture(scope="module")
def guarded(model, tmp_path_factory):
    """The file of an estimator with a guard, not to be changed."""
    from gampen.verbs.guard import GuardRequest, guard

    out = tmp_path_factory.mktemp("guarded") / "guarded.safetensors"
    guard(GuardRequest(str(model), out, galaxies=64, steps=60))
    return out


def test_the_command_says_how_well_each_trouble_is_told(gampen, model, tmp_path):
    out = tmp_path / "new" / "guarded.safetensors"
    ran = gampen("guard", model, "--out", out, *QUICK)
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == [t.kind.name for t in FEW]
    assert lines[-1] == str(out)
    assert out.is_file()


def test_the_same_command_writes_the_same_file(gampen, model, tmp_path):
    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for file in files:
        gampen("guard", model, "--out", file, *QUICK)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("option", ["--galaxies", "--steps", "--seed"])
def test_a_number_that_makes_no_sense_is_refused_in_one_line(gampen, model, tmp_path, option):
    ran = gampen("guard", model, "--out", tmp_path / "x.safetensors", option, -1)
    assert ran.status == 2
    assert "must be at least" in ran.complaint
    assert list(tmp_path.iterdir()) == []


def test_the_guard_changes_no_posterior(guarded, model):
    first, second = (Estimator.load(path).examine(galaxies(8)) for path in (model, guarded))
    assert torch.equal(first.posterior.mixture.means, second.posterior.mixture.means)
    assert second.flags.shape == (8,)


def test_a_galaxy_is_flagged_alike_alone_and_among_others(guarded):
    estimator = Estimator.load(guarded)
    together = estimator.examine(galaxies(20)).flags
    alone = [estimator.examine(galaxies(20).take([place])).flags[0] for place in range(20)]
    assert together.tolist() == alone


def test_most_galaxies_of_the_prior_raise_nothing_that_a_guard_does(guarded):
    watched = Flag.OUT_OF_DISTRIBUTION | Flag.NETWORK_IN_DOUBT
    for trouble in FEW:
        watched |= trouble.kind.flag
    flags = Estimator.load(guarded).examine(galaxies(200, seed=77)).flags
    assert np.mean((flags & int(watched)) != 0) < 0.2


def test_predict_says_what_the_flags_mean(gampen, guarded, folder, tmp_path):
    out = tmp_path / "catalogue.parquet"
    assert gampen("predict", folder, "-o", out, "--estimator", guarded).status == 0
    assert "8192 BLENDED" in read_catalog(out).metadata["flags"]


def test_predict_explains_images_where_it_is_asked_to(gampen, guarded, folder, tmp_path):
    plain, explained = tmp_path / "plain.parquet", tmp_path / "explained.parquet"
    common = ("predict", folder, "--estimator", guarded, "--passes", 4)
    assert gampen(*common, "-o", plain).status == 0
    assert gampen(*common, "-o", explained, "--explain").status == 0
    before, after = read_catalog(plain), read_catalog(explained)
    assert [name for name in after.names if name not in before] == [
        "chi_square",
        "psf_surprise",
        "neighbour_share",
    ]
    assert np.isfinite(after["chi_square"].numbers()).any()
    misfit = int(Flag.MODEL_MISFIT)
    assert ((after["flags"].values & ~misfit) == before["flags"].values).all()
    assert (before["flags"].values & misfit == 0).all()
