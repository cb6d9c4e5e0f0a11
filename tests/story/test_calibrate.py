"""An estimator is recalibrated on galaxies of known truth, and what it predicts is truer."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.calibration.conformal import CredibleLevels
from gampen.calibration.corrections import Correction
from gampen.calibration.recalibration import Recalibration
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.storage.tables import read_catalog
from gampen.verbs.calibrate import CalibrateRequest, calibrate
from gampen.verbs.simulate import SimulateRequest, simulate
from tiny import estimator

GALAXIES = 240


@pytest.fixture(scope="session")
def known(survey, tmp_path_factory):
    """A folder of galaxies with known truths, not to be changed."""
    folder = tmp_path_factory.mktemp("known") / "galaxies"
    simulate(SimulateRequest(survey, folder, GALAXIES, seed=31))
    return folder


@pytest.fixture(scope="session")
def wrong(tmp_path_factory):
    """The file of an estimator whose posteriors are far too narrow."""
    path = tmp_path_factory.mktemp("wrong") / "wrong.safetensors"
    narrow = Correction(torch.full((3,), -1.5).double(), torch.zeros(3).double())
    replace(estimator(), recalibration=Recalibration((narrow,))).save(path)
    return path


@pytest.fixture(scope="session")
def calibrated(known, wrong, tmp_path_factory):
    """What came of one recalibration: file and report, not to be changed."""
    home = tmp_path_factory.mktemp("calibrated")
    out, report = home / "calibrated.safetensors", home / "report"
    calibrate(CalibrateRequest(str(wrong), known, out, report, Sampling(passes=2)))
    return out, report


def test_calibrate_predict_evaluate(gampen, survey, known, wrong, calibrated, tmp_path):
    out, report = tmp_path / "calibrated.safetensors", tmp_path / "report"
    arguments = ("-o", out, "--report", report, "--passes", 2)
    ran = gampen("calibrate", wrong, known, *arguments)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "120 galaxies to fit, 60 to judge, 60 for the levels of joint regions"
    assert [line.split(":")[0] for line in lines[1:4]] == ["stage 0", "stage 1", "stage 2"]
    assert lines[2].endswith(": accepted")
    assert lines[-2:] == [str(report / "recalibration.json"), str(report / "recalibration.png")]
    assert out.read_bytes() == calibrated[0].read_bytes()

    told = json.loads((report / "recalibration.json").read_text())
    assert told["stage"] >= 1
    assert Estimator.load(out).recalibration.stages == (1, told["stage"])
    assert told["galaxies"] == {"fitted": 120, "judged": 60, "levelled": 60, "left_out": {}}
    for sides in told["coverage"].values():
        assert abs(sides["after"]["68.27"] - 0.6827) < abs(sides["before"]["68.27"] - 0.6827)

    simulated = tmp_path / "fresh"
    assert gampen("simulate", survey, "--count", 60, "--seed", 77, "-o", simulated).status == 0
    scores = []
    for file in (wrong, out):
        catalogue = tmp_path / "catalogue.parquet"
        arguments = ("-o", catalogue, "--estimator", file, "--passes", 2)
        assert gampen("predict", simulated, *arguments).status == 0
        figures = tmp_path / "figures"
        assert gampen("evaluate", catalogue, simulated / "info.csv", "-o", figures).status == 0
        scores.append(json.loads((figures / "figures.json").read_text())["nll"])
    assert scores[1] < scores[0] - 1

    levels = CredibleLevels.of_metadata(read_catalog(catalogue).metadata)
    assert levels.galaxies == 60
    assert np.array_equal(levels.level, Estimator.load(out).recalibration.levels.level)


def test_what_is_recalibrated_again_is_taken_as_it_is_unless_anew(
    gampen, known, model, wrong, calibrated, tmp_path
):
    first, _ = calibrated
    again, anew = tmp_path / "again.safetensors", tmp_path / "anew.safetensors"
    assert gampen("calibrate", wrong, known, "-o", anew, "--passes", 2, "--anew").status == 0
    assert Estimator.load(anew).recalibration.stages in ((), (1,), (2,))
    fresh = tmp_path / "fresh.safetensors"
    assert gampen("calibrate", model, known, "-o", fresh, "--passes", 2).status == 0
    mine, other = (Estimator.load(path).recalibration.tensors for path in (anew, fresh))
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)

    ran = gampen("calibrate", first, known, "-o", again, "--passes", 2)
    assert ran.status == 0
    stages = Estimator.load(first).recalibration.stages
    more = Estimator.load(again)
    # On the same galaxies, with the same split, there is nothing left to mend.
    assert "kept: stage 0" in ran.out
    assert more.recalibration.stages == stages
    assert more.provenance["recalibrated_from"] == Estimator.load(first).provenance["sha256"]


def test_another_seed_is_another_split(gampen, known, wrong, calibrated, tmp_path):
    out = tmp_path / "other.safetensors"
    assert gampen("calibrate", wrong, known, "-o", out, "--passes", 2, "--seed", 1).status == 0
    assert out.read_bytes() != calibrated[0].read_bytes()


def test_wrong_calls_are_one_line_each(gampen, known, model, folder, survey, tmp_path):
    out, few = tmp_path / "new.safetensors", tmp_path / "few"
    assert gampen("simulate", survey, "--count", 20, "-o", few).status == 0
    (tmp_path / "file").write_text("")
    for arguments, reason in {
        ("nonsense", known, "-o", out): "must be a file or one of",
        (model, tmp_path / "nowhere", "-o", out): "the input must exist",
        (model, folder, "-o", out): "must have a column 'bulge_to_total'",
        (
            model,
            few,
            "-o",
            out,
        ): "at least 200 galaxies with a posterior and true values; got 20",
        (model, known, "-o", tmp_path / "new.txt"): "must end in .safetensors",
        (model, known, "-o", out, "--report", tmp_path / "file"): "must be a folder",
        (model, known, "-o", out, "--passes", 0): "passes must be at least 1",
        (model, known, "-o", out, "--device", "meta"): "device must be usable here",
    }.items():
        ran = gampen("calibrate", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
        assert not out.exists()
