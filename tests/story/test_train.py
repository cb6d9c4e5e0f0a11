"""From simulations to a judged estimator, with an interruption on the way."""

import json
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest

from commands import alone, finished
from gampen.catalog import Catalog
from gampen.cutouts import Flag
from gampen.estimator import Estimator
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog, write_catalog
from tiny import RUN, SIMULATION, TRAINING

LONG = replace(RUN, training=replace(TRAINING, steps=100, steps_per_epoch=5))


def test_simulate_train_stop_go_on_predict_evaluate(gampen, survey, tmp_path):
    run, simulated = tmp_path / "run", tmp_path / "simulated"
    runfile = tmp_path / "run.toml"
    write_settings(LONG, runfile)

    training = alone("train", runfile, "--out", run, "--name", "story")
    first = training.stderr.readline()
    training.send_signal(signal.SIGINT)
    stopped = finished(training)
    assert first.startswith("step 5: loss")
    assert stopped.status == 130
    assert stopped.err.splitlines()[-1] == (
        "gampen: interrupted; nothing is left half-written; run the same command again to go on"
    )
    assert "Traceback" not in stopped.err
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []
    reached = read_catalog(run / "history.csv")["step"].numbers()
    assert reached[-1] < 100

    went_on = finished(alone("train", runfile, "--out", run, "--name", "story"))
    assert went_on.status == 0
    assert went_on.out.splitlines() == [str(run / "best.safetensors")]
    assert went_on.err.splitlines()[0].startswith(f"step {reached[-1] + 5:.0f}: ")
    history = read_catalog(run / "history.csv")
    assert history["step"].numbers().tolist() == list(range(5, 101, 5))
    scores = history["nll"].numbers()
    assert scores.min() < scores[0]
    assert Estimator.load(run / "best.safetensors").provenance["validation_nll"] == (
        f"{scores.min():.4f}"
    )

    assert gampen("simulate", survey, "--out", simulated, "--count", 40, "--seed", 9).status == 0
    catalogue, figures = tmp_path / "catalogue.parquet", tmp_path / "figures"
    best = run / "best.safetensors"
    assert gampen("predict", simulated, "-o", catalogue, "--estimator", best).status == 0
    ran = gampen("evaluate", catalogue, simulated / "info.csv", "--out", figures)
    assert ran.status == 0
    written = json.loads((figures / "figures.json").read_text())
    printed = json.loads(ran.out[: ran.out.rindex("}") + 1])
    failed = [name for name, check in written["battery"]["checks"].items() if not check["passed"]]
    assert printed["battery"].pop("failed") == failed
    assert written["verdict"]
    longer = {"bins", "worst_bins", "worst_galaxies"}
    short = {name: part for name, part in written.items() if name not in longer}
    assert printed == {**short, "battery": {"passed": not failed}}
    assert written["galaxies"] == 40
    assert written["without_posterior_or_truth"] == 0
    # Fluxes are uniform over two magnitudes: without an image the scatter would be 0.6.
    assert written["parameters"]["flux"]["scatter"] < 0.4
    assert sorted(path.name for path in figures.iterdir()) == [
        "battery.png",
        "coverage.png",
        "figures.json",
        "index.html",
        "ranks.png",
    ]


def test_a_finished_run_is_left_as_it_is(gampen, runfile, started):
    run = started
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    again = gampen("train", runfile, "--out", run)
    assert (again.status, again.out.splitlines()) == (0, [str(run / "best.safetensors")])
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert sorted(before) == ["best.safetensors", "history.csv", "last.pt", "run.toml"]


def test_a_run_may_start_from_an_estimator(gampen, trained, runfile, tmp_path):
    best = trained / "best.safetensors"
    ran = gampen("train", runfile, "--out", tmp_path / "run", "--start", best)
    assert ran.status == 0
    went_on = read_catalog(tmp_path / "run" / "history.csv")["nll"].numbers()
    assert went_on[0] < read_catalog(trained / "history.csv")["nll"].numbers()[0]
    loaded = Estimator.load(tmp_path / "run" / "best.safetensors")
    assert loaded.provenance["started_from"] == str(best)


def test_a_run_that_diverges_is_one_line(gampen, tmp_path):
    runfile = tmp_path / "run.toml"
    write_settings(replace(RUN, training=replace(TRAINING, steps=60, learning_rate=1e6)), runfile)
    ran = gampen("train", runfile, "--out", tmp_path / "run")
    assert ran.status == 1
    assert "must stay finite" in ran.err.splitlines()[-1]
    assert not (tmp_path / "run" / "last.pt").exists() or "step" in ran.err


@pytest.fixture
def started(trained, tmp_path):
    """A run folder with a finished run in it."""
    return shutil.copytree(trained, tmp_path / "run")


def test_wrong_calls_are_one_line_each(gampen, started, runfile, survey, tmp_path):
    other = tmp_path / "other.toml"
    write_settings(replace(RUN, training=replace(TRAINING, seed=5)), other)
    (tmp_path / "typo.toml").write_text(runfile.read_text().replace("hidden =", "hiden ="))
    (tmp_path / "broken.toml").write_text("[training\n")
    file = tmp_path / "file"
    file.write_text("")
    new = tmp_path / "new"
    for arguments, reason in {
        (runfile, "--out", new, "--device", "cuda:99"): "device must be usable here",
        (runfile, "--out", new, "--device", "meta"): "device must be usable here",
        (runfile, "--out", new, "--start", "nonsense"): "must be a file or one of",
        (runfile, "--out", file): "must be a folder",
        (tmp_path / "no.toml", "--out", new): "must be readable",
        (tmp_path / "typo.toml", "--out", new): "did you mean 'hidden'?",
        (tmp_path / "broken.toml", "--out", new): "must be TOML",
        (survey, "--out", new): "every key must be a known setting",
        (other, "--out", started): "it holds another",
    }.items():
        ran = gampen("train", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
        assert not new.exists()


def test_a_damaged_checkpoint_is_one_line(gampen, started, runfile):
    checkpoint = started / "last.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    ran = gampen("train", runfile, "--out", started)
    assert ran.status == 1
    assert "must be a whole checkpoint" in ran.complaint


def test_a_simulation_is_the_same_for_the_same_seed_and_grows_at_its_end(gampen, survey, tmp_path):
    for name, count, seed in (("a", 20, 3), ("b", 20, 3), ("c", 35, 3), ("d", 20, 4)):
        arguments = ("--out", tmp_path / name, "--count", count, "--seed", seed)
        ran = gampen("simulate", survey, *arguments)
        assert (ran.status, ran.out.splitlines()) == (0, [str(tmp_path / name / "info.csv")])
    files = {
        name: {path.name: path.read_bytes() for path in (tmp_path / name / "cutouts").iterdir()}
        for name in "abcd"
    }
    assert files["a"] == files["b"]
    assert len(files["c"]) == 35
    assert files["a"].items() <= files["c"].items()
    assert files["a"] != files["d"]
    assert (tmp_path / "a" / "info.csv").read_bytes() == (tmp_path / "b" / "info.csv").read_bytes()


def test_every_simulated_galaxy_can_be_predicted_however_it_is_masked(gampen, model, tmp_path):
    scene = replace(SIMULATION.scene, masked_share=1.0, mask_radius=(2.0, 14.0))
    write_settings(replace(SIMULATION, scene=scene), tmp_path / "masked.toml")
    simulated, out = tmp_path / "simulated", tmp_path / "catalogue.parquet"
    arguments = ("--out", simulated, "--count", 60)
    assert gampen("simulate", tmp_path / "masked.toml", *arguments).status == 0
    assert gampen("predict", simulated, "-o", out, "--estimator", model, "--passes", 2).status == 0
    catalog = read_catalog(out)
    assert catalog["status"].text() == ["ok"] * 60
    assert (catalog["flags"].values & Flag.MASKED_PIXELS).astype(bool).sum() > 30


def test_wrong_simulations_are_one_line_each(gampen, survey, tmp_path):
    full = tmp_path / "full"
    assert gampen("simulate", survey, "--out", full, "--count", 1).status == 0
    (tmp_path / "file").write_text("")
    for arguments, reason in {
        (survey, "--out", full): "must not hold galaxies yet",
        (survey, "--out", tmp_path / "new", "--count", 0): "count must be at least 1",
        (survey, "--out", tmp_path / "new", "--seed", -1): "seed must be at least 0",
        (survey, "--out", tmp_path / "file"): "must be a folder",
        (tmp_path / "no.toml", "--out", tmp_path / "new"): "must be readable",
    }.items():
        ran = gampen("simulate", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
    assert not (tmp_path / "new").exists()


def test_galaxies_without_a_sound_truth_are_left_out_and_counted(gampen, predicted, tmp_path):
    simulated, catalogue = predicted
    truths = read_catalog(simulated / "info.csv")
    ratio, radius = (truths[n].values.copy() for n in ("bulge_to_total", "effective_radius"))
    ratio[0], ratio[1], radius[2], radius[3] = 0.0, 1.0, np.nan, -1.0
    columns = [
        replace(truths["bulge_to_total"], values=ratio),
        replace(truths["effective_radius"], values=radius),
    ]
    changed = truths.with_columns(columns).take(np.arange(18))
    write_catalog(changed, tmp_path / "truths.csv")
    out = tmp_path / "figures"
    assert gampen("evaluate", catalogue, tmp_path / "truths.csv", "--out", out).status == 0
    figures = json.loads((out / "figures.json").read_text())
    # Of four galaxies one value is unsound, and the others are judged.
    assert figures["galaxies"] == 18
    assert figures["battery"]["complete"] == 14
    assert figures["without_posterior_or_truth"] == figures["left_out"]["not_in_truths"] == 2
    known = {name: row["galaxies"] for name, row in figures["parameters"].items()}
    assert known == {"bulge_to_total": 16, "effective_radius": 16, "flux": 18}
    assert figures["left_out"]["bulge_to_total"]["outside_bounds"] == 2
    radius = figures["left_out"]["effective_radius"]
    assert (radius["missing"], radius["outside_bounds"]) == (1, 1)
    assert np.isfinite(figures["nll"])


def test_the_order_of_the_truths_does_not_matter(gampen, predicted, tmp_path):
    simulated, catalogue = predicted
    truths = read_catalog(simulated / "info.csv")
    write_catalog(truths.take(np.arange(20)[::-1]), tmp_path / "truths.csv")
    written = []
    for number, table in enumerate((simulated / "info.csv", tmp_path / "truths.csv")):
        out = tmp_path / str(number)
        assert gampen("evaluate", catalogue, table, "--out", out).status == 0
        written.append((out / "figures.json").read_bytes())
    assert written[0] == written[1]


def test_wrong_evaluations_are_one_line_each(gampen, predicted, tmp_path):
    simulated, catalogue = predicted
    info = simulated / "info.csv"
    strangers = Catalog.of(
        object_id=["a"], bulge_to_total=[0.5], effective_radius=[1.0], flux=[1.0]
    )
    write_catalog(strangers, tmp_path / "strangers.csv")
    write_catalog(Catalog.of(object_id=["a"]), tmp_path / "bare.csv")
    write_catalog(Catalog.of(object_id=["a", "a"], flux=[1.0, 2.0]), tmp_path / "twice.csv")
    (tmp_path / "file").write_text("")
    out = ("--out", tmp_path / "figures")
    for arguments, reason in {
        (tmp_path / "no.parquet", info, *out): "must exist",
        (catalogue, tmp_path / "no.csv", *out): "must exist",
        (catalogue, simulated, *out): "must hold Parquet parts",
        (info, info, *out): "status",
        (catalogue, tmp_path / "strangers.csv", *out): "must share galaxies",
        (catalogue, tmp_path / "bare.csv", *out): "must have a column",
        (catalogue, tmp_path / "twice.csv", *out): "must name each object_id once",
        (catalogue, info, *out, "--bins", "nonsense"): "must be in the catalogue or in the truths",
        (catalogue, info, *out, "--bins", "mixture"): "holds vectors",
        (catalogue, info, "--out", tmp_path / "file"): "must be a folder",
    }.items():
        ran = gampen("evaluate", *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
