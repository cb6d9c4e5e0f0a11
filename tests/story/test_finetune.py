"""Fine-tuning through the command line: stopped and gone on with, frozen and not, and judged."""

import json
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from commands import alone, finished
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.prior import Prior, Uniform
from gampen.settings import LabelSettings, ParameterSettings, SplitSettings
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog, write_catalog
from gampen.verbs.courses import VALIDATION_SEED
from gampen.verbs.finetune import SIMULATED_SEED
from gampen.verbs.tuned import FORGETTING_SEED
from labelled import changed, tuned, write_labels
from tiny import RUN, TRAINING, galaxies


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Few simulated galaxies to see by what was forgotten, and few rates of dropout."""
    monkeypatch.setattr("gampen.verbs.tuned.FORGETTING", 64)
    monkeypatch.setattr("gampen.verbs.tuned.SHARES", (0.0, 1.0))


@pytest.fixture
def labels(tmp_path):
    """Forty labelled galaxies."""
    write_labels(tmp_path / "labels")
    return tmp_path / "labels"


@pytest.fixture
def settings(tmp_path):
    """A file of settings that are short, with some changed."""

    def write(**changes):
        write_settings(tuned(**changes), tmp_path / "tune.toml")
        return tmp_path / "tune.toml"

    return write


def report_in(folder):
    return json.loads((folder / "report.json").read_text())


def test_an_estimator_is_finetuned_judged_and_predicts(gampen, trained, labels, settings, tmp_path):
    start, out = trained / "best.safetensors", tmp_path / "run"
    arguments = ("finetune", start, labels, "--out", out, "--name", "mine", "--settings")
    ran = gampen(*arguments, settings())
    assert ran.status == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "20 galaxies for training, 10 galaxies for validation, 10 galaxies for test"
    assert lines[1].startswith("dropout: 0")
    assert lines[2] == "recalibration: none: it needs 200 held-out galaxies; got 10"
    assert lines[3].startswith("simulations, NLL: ")
    assert lines[4].startswith("10 test galaxies, NLL: ")
    assert [line.split(":")[0] for line in lines[5:8]] == [
        "bulge_to_total",
        "effective_radius",
        "flux",
    ]
    assert "cannot be reweighted" in lines[8]
    assert lines[-1] == str(out / "best.safetensors")
    assert [line.split(":")[0] for line in ran.err.splitlines()] == ["step 4", "step 8", "step 12"]
    assert "nan" not in ran.out + ran.err
    names = {path.name for path in out.iterdir()}
    assert {name for name in names if not name.startswith("events.")} == {
        *("best.safetensors", "history.csv", "last.pt"),
        *("report.json", "run.toml", "splits.csv"),
    }
    splits = read_catalog(out / "splits.csv")
    assert sorted(set(splits["split"].text())) == ["test", "training", "validation"]
    assert len(splits) == 40

    best = Estimator.load(out / "best.safetensors")
    assert best.name == "mine"
    assert best.provenance["finetuned_from_sha256"] == Estimator.load(start).provenance["sha256"]
    assert best.provenance["labels_training"] == "20"
    assert len(best.provenance["labels_sha256"]) == 64
    catalogue = tmp_path / "catalogue.parquet"
    assert gampen("predict", labels, "-o", catalogue, "--estimator", best_of(out)).status == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = gampen(*arguments, settings())
    assert (again.status, again.out) == (0, ran.out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def best_of(folder):
    return folder / "best.safetensors"


def test_a_finetuned_estimator_has_a_prior_that_nobody_knows(
    gampen, model, labels, settings, tmp_path
):
    ran = gampen("finetune", model, labels, "--out", tmp_path / "run", "--settings", settings())
    assert ran.status == 0, ran.err
    flat = Prior({"bulge_to_total": Uniform(0.2, 0.8)})
    before, after = (Estimator.load(path) for path in (model, best_of(tmp_path / "run")))
    assert len(before.predict(galaxies(3)).reweight(flat)) == 3
    with pytest.raises(UsageError, match="a posterior must know the prior that it comes from"):
        after.predict(galaxies(3)).reweight(flat)


def test_a_stopped_run_goes_on_bit_for_bit(gampen, model, labels, tmp_path):
    write_settings(tuned(steps=60, patience=20), tmp_path / "tune.toml")
    arguments = ("finetune", model, labels, "--settings", tmp_path / "tune.toml", "--out")
    running = alone(*arguments, tmp_path / "broken")
    first = running.stderr.readline()
    running.send_signal(signal.SIGINT)
    stopped = finished(running)
    assert first.startswith("step 4: loss")
    assert stopped.status == 130
    assert "run the same command again to go on" in stopped.err
    reached = read_catalog(tmp_path / "broken" / "history.csv")["step"].numbers()[-1]
    assert reached < 60
    for name in ("broken", "whole"):
        assert gampen(*arguments, tmp_path / name).status == 0
    for name in ("history.csv", "best.safetensors", "report.json", "splits.csv"):
        one, other = ((tmp_path / run / name).read_bytes() for run in ("broken", "whole"))
        assert one == other, name


@pytest.mark.parametrize("frozen", [(), ("transformer", "context", "features")])
@pytest.mark.parametrize("simulations", [0, 32])
def test_parts_stay_as_they_are_where_they_are_frozen(
    gampen, model, labels, settings, tmp_path, frozen, simulations
):
    told = settings(frozen=frozen, simulations=simulations, layer_decay=1.0)
    ran = gampen("finetune", model, labels, "--out", tmp_path / "run", "--settings", told)
    assert ran.status == 0, ran.err
    before, after = (
        Estimator.load(path).network.state_dict() for path in (model, best_of(tmp_path / "run"))
    )
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert "head" in moved
    assert moved.isdisjoint(frozen)
    if not frozen:
        assert {"features", "context", "transformer"} <= moved


def test_what_was_kept_gives_what_looking_again_would(gampen, model, labels, settings, tmp_path):
    # The parts that look are frozen in both; in the second nothing is kept, for one is not named.
    losses = []
    for name, frozen in (("kept", ("transformer", "context", "features")), ("anew", ("features",))):
        told = settings(frozen=frozen, steps=4, simulated_share=0.0, learning_rate=1e-12)
        out = tmp_path / name
        assert gampen("finetune", model, labels, "--out", out, "--settings", told).status == 0
        losses.append(read_catalog(out / "history.csv")["nll"].numbers()[-1])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_errors_of_labels_are_used(gampen, model, settings, tmp_path):
    found = []
    for name, error in (("exact", 0.0), ("noisy", 0.5)):
        write_labels(tmp_path / name, error=error)
        out = tmp_path / f"run-{name}"
        ran = gampen("finetune", model, tmp_path / name, "--out", out, "--settings", settings())
        assert ran.status == 0, ran.err
        found.append(read_catalog(out / "history.csv")["nll"].numbers()[0])
    assert found[0] != found[1]


def test_a_bad_cutout_is_one_line_and_stops_nothing(gampen, model, labels, settings, tmp_path):
    (labels / "cutouts" / "labelled-3.fits").write_bytes(b"no FITS")
    known = read_catalog(labels / "info.csv")
    ratio = known["bulge_to_total"].values.copy()
    ratio[5] = 1.5
    write_catalog(changed(known, bulge_to_total=ratio), labels / "info.csv")
    ran = gampen("finetune", model, labels, "--out", tmp_path / "run", "--settings", settings())
    assert ran.status == 0, ran.err
    said = [line for line in ran.out.splitlines() if "left out" in line or "not used" in line]
    assert len(said) == 2
    assert said[0].startswith("1 left out: ")
    assert said[1] == "1 labels not used: bulge_to_total outside of its bounds"


def test_many_held_out_labels_recalibrate(gampen, model, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("gampen.verbs.tuned.LEAST", 20)
    monkeypatch.setattr("gampen.calibration.stages.LEAST", 20)
    for error in (0.0, 0.05):
        labels, out = tmp_path / f"labels-{error}", tmp_path / f"run-{error}"
        write_labels(labels, 120, error)
        ran = gampen("finetune", model, labels, "--out", out, "--settings", settings())
        assert ran.status == 0, ran.err
        found = report_in(out)["recalibration"]
        assert found["outcome"].startswith("stage ")
        assert [trial["stage"] for trial in found["trials"]] == [0, 1, 2]
        recalibration = Estimator.load(best_of(out)).recalibration
        # The level of a label that is off is not that of a truth.
        assert (recalibration.levels is None) == (error > 0)


def test_galaxies_go_where_a_table_of_splits_says(gampen, model, labels, settings, tmp_path):
    names = read_catalog(labels / "info.csv")["object_id"].text()
    words = ["train"] * 20 + ["devel"] * 10 + ["test"] * 5
    rows = "".join(f"{n},{w}\n" for n, w in zip(names, words, strict=False))
    (tmp_path / "splits.csv").write_text("object_id,split\n" + rows)
    arguments = ("--out", tmp_path / "run", "--settings", settings())
    ran = gampen("finetune", model, labels, *arguments, "--splits", tmp_path / "splits.csv")
    assert ran.status == 0, ran.err
    assert report_in(tmp_path / "run")["galaxies"] == {"training": 20, "validation": 10, "test": 5}


def test_wrong_calls_are_one_line_each(gampen, model, labels, settings, tmp_path):
    told, run = settings(), tmp_path / "run"
    assert gampen("finetune", model, labels, "--out", run, "--settings", told).status == 0
    other = tmp_path / "other.toml"
    write_settings(tuned(seed=5), other)
    (tmp_path / "typo.toml").write_text("stepz = 3\n")
    (tmp_path / "share.toml").write_text("simulated_share = 1.0\n")
    (tmp_path / "part.toml").write_text('frozen = ["trunk"]\n')
    few = shutil.copytree(labels, tmp_path / "few")
    known = read_catalog(few / "info.csv")
    write_catalog(known.take(np.arange(3)), few / "info.csv")
    bare = shutil.copytree(labels, tmp_path / "bare")
    write_catalog(known.select(["object_id", "file_name"]), bare / "info.csv")
    new = tmp_path / "new"
    for arguments, reason in {
        ("nonsense", labels, "--out", new): "must be a file or one of",
        (model, tmp_path / "no", "--out", new): "the input must exist",
        (model, bare, "--out", new): "labels must have a column of at least one of",
        (model, few, "--out", new): "for validation; got 1 of 3",
        (model, labels, "--out", new, "--device", "cuda:99"): "device must be usable here",
        (model, labels, "--out", new, "--settings", tmp_path / "typo.toml"): "did you mean 'steps'",
        (
            model,
            labels,
            "--out",
            new,
            "--settings",
            tmp_path / "share.toml",
        ): "share must be at",
        (model, labels, "--out", new, "--settings", tmp_path / "part.toml"): "frozen must name",
        (model, labels, "--out", run, "--settings", other): "it holds another",
    }.items():
        ran = gampen("finetune", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
        assert not new.exists()
    flux = known["flux"].values * 2
    write_catalog(changed(known, flux=flux), labels / "info.csv")
    ran = gampen("finetune", model, labels, "--out", run, "--settings", told)
    assert (ran.status, "it holds another" in ran.complaint) == (2, True)


def labelled_run(folder, **changes):
    """A run of training on labels."""
    training = replace(TRAINING, patience=2)
    labels = LabelSettings(folder, SplitSettings(validation=0.25, test=0.0))
    return replace(RUN, training=training, labels=labels, **changes)


def test_a_parameter_of_ones_own_is_learned_from_labels(gampen, labels, tmp_path):
    known = read_catalog(labels / "info.csv")
    concentration = 5 * np.log10(2 + known["bulge_to_total"].values)
    write_catalog(changed(known, concentration=concentration), labels / "info.csv")
    own = {"concentration": ParameterSettings(low=1.0, high=6.0, description="of the light")}
    names = ("concentration", "effective_radius")
    write_settings(labelled_run(labels, parameters=names, parameter=own), tmp_path / "run.toml")
    run = tmp_path / "run"
    ran = gampen("train", tmp_path / "run.toml", "--out", run, "--name", "own")
    assert ran.status == 0, ran.err
    best = Estimator.load(best_of(run))
    assert best.space.names == names
    assert best.provenance["labels_training"] == "30"
    assert "simulations_seen" not in best.provenance
    catalogue = tmp_path / "catalogue.parquet"
    assert gampen("predict", labels, "-o", catalogue, "--estimator", best_of(run)).status == 0
    found = read_catalog(catalogue)["concentration_median"].numbers()
    assert ((found > 1) & (found < 6)).all()


def test_training_on_labels_goes_on_bit_for_bit_and_only_with_the_same(gampen, labels, tmp_path):
    from gampen.verbs.train import TrainRequest, train

    write_settings(labelled_run(labels), tmp_path / "run.toml")
    run = train(TrainRequest(tmp_path / "run.toml", tmp_path / "broken"))
    next(run)
    run.close()
    for name in ("broken", "whole"):
        assert gampen("train", tmp_path / "run.toml", "--out", tmp_path / name).status == 0
    for name in ("history.csv", "best.safetensors"):
        one, other = ((tmp_path / r / name).read_bytes() for r in ("broken", "whole"))
        assert one == other
    known = read_catalog(labels / "info.csv")
    write_catalog(changed(known, flux=known["flux"].values * 2), labels / "info.csv")
    ran = gampen("train", tmp_path / "run.toml", "--out", tmp_path / "whole")
    assert (ran.status, "begun with others" in ran.complaint) == (2, True)


def test_what_was_forgotten_is_judged_by_galaxies_that_chose_nothing():
    finetuning = {SIMULATED_SEED * (1 + seed) for seed in range(100)}
    assert FORGETTING_SEED not in finetuning | {VALIDATION_SEED}


def test_finetuning_on_several_devices_is_refused_in_one_line(gampen, trained, labels, tmp_path):
    start, out = trained / "best.safetensors", tmp_path / "run"
    ran = gampen("finetune", start, labels, "--out", out, "--devices", 2)
    assert (ran.status, ran.out, out.exists()) == (2, "", False)
    assert "labels must be learned on one device; got 2" in ran.complaint


def test_training_on_labels_that_cannot_be_is_one_line(gampen, labels, tmp_path):
    known = read_catalog(labels / "info.csv")
    kept = [name for name in known.names if name != "flux"]
    write_catalog(known.select(kept), labels / "info.csv")
    write_settings(labelled_run(labels), tmp_path / "run.toml")
    ran = gampen("train", tmp_path / "run.toml", "--out", tmp_path / "run")
    assert (ran.status, "got none of flux" in ran.complaint) == (2, True)
    devices = ("--devices", 2, "--out", tmp_path / "two")
    ran = gampen("train", tmp_path / "run.toml", *devices)
    assert (ran.status, "labels must be learned on one device" in ran.complaint) == (2, True)
