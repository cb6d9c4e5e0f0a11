"""From a user's folder of the original GaMPEN to posteriors, by the command line."""

import csv
import math

import numpy as np
import pytest
import torch

from gampen import load_cutouts
from gampen.catalog import Catalog
from gampen.estimator import Estimator
from gampen.network.published import middle
from gampen.storage.tables import read_catalog, write_catalog
from gampen.verbs.import_model import custom_logit
from originals import checkpoint, worked_out

TRAIN, TEST = "balanced-dev2-train", "balanced-dev2-test"


@pytest.fixture
def labelled(folder):
    """A folder as the original lays it out: labels under its names, and splits beside them."""
    info = read_catalog(folder / "info.csv")
    numbers = np.random.default_rng(0)
    columns = {
        "bt": np.array([0.0, 1.0, *numbers.uniform(0.01, 0.99, 10)]),
        "R_e": numbers.uniform(0.3, 3, 12),
        "total_flux": 10 ** numbers.uniform(1, 3, 12),
    }
    names = {name: np.array(info[name].text()) for name in ("object_id", "file_name")}
    table = Catalog.of(**names, **columns)
    write_catalog(table, folder / "info.csv")
    (folder / "splits").mkdir()
    write_catalog(table.take(np.arange(8)), folder / "splits" / f"{TRAIN}.csv")
    write_catalog(table.take(np.arange(8, 12)), folder / "splits" / f"{TEST}.csv")
    return folder


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(checkpoint("at", prefix="module."), path)
    return path


def imported(gampen, model, labelled, *options):
    out = model.with_suffix(".safetensors")
    ran = gampen(
        "import", model, "--scaling", labelled / "info.csv", "--split", TRAIN, "-o", out,
        "--cutout-size", 40, *options,
    )  # fmt: skip
    assert (ran.status, ran.err) == (0, "")
    return out, ran.out.splitlines()


def test_a_folder_of_the_original_is_predicted_in_one_command(gampen, model, labelled, tmp_path):
    estimator, said = imported(gampen, model, labelled, "--name", "old", "--dropout", 1e-3)
    table = read_catalog(labelled / "info.csv")
    logits = custom_logit(table["bt"].numbers())[:8]
    assert said[0] == "cutouts of 40 pixels (the weights fit 37, 38, 39, 40)"
    assert said[1] == (
        f"custom_logit_bt: mean {logits.mean():.6g}, standard deviation {logits.std():.6g}"
    )
    out = tmp_path / "catalogue.parquet"
    whole = ("predict", labelled, "--estimator", estimator, "-o", out, "--passes", 2)
    assert gampen(*whole).status == 0
    assert read_catalog(out)["status"].text() == ["ok"] * 12
    some = tmp_path / "some.parquet"
    split = labelled / "splits" / f"{TEST}.csv"
    assert gampen("predict", split, *whole[2:4], "-o", some, "--passes", 2).status == 0
    rows, of_all = read_catalog(some), read_catalog(out)
    assert rows["object_id"].text() == table["object_id"].text()[8:]
    assert np.array_equal(rows["mixture"].values, of_all["mixture"].values[8:])
    ran = gampen("evaluate", out, labelled / "info.csv", "--out", tmp_path / "evaluation")
    assert ran.status == 0, ran.err
    exported = tmp_path / "original.csv"
    assert gampen("export", out, "-o", exported, "--schema", "gampen").status == 0
    with exported.open(newline="") as file:
        first = next(csv.DictReader(file))
    assert float(first["preds_R_e_median"]) == pytest.approx(
        float(of_all["effective_radius_median"].values[0])
    )
    low, high = map(float, first["preds_bt_sig_ci"].strip("[]").split(","))
    assert low == pytest.approx(float(of_all["bulge_to_total_lo68"].values[0]))
    assert high == pytest.approx(float(of_all["bulge_to_total_hi68"].values[0]))
    wanted = {
        f"preds_{quantity}_{figure}"
        for quantity in ("R_e", "bt", "total_flux", "total_mag")
        for figure in (
            "mode", "mean", "median", "std", "skew", "kurtosis", "sig_ci", "twosig_ci",
            "threesig_ci",
        )
    }  # fmt: skip
    assert wanted <= first.keys()


def test_posteriors_are_those_of_the_formulas(gampen, model, labelled):
    path, _ = imported(gampen, model, labelled)
    cutouts = load_cutouts(labelled)
    table = read_catalog(labelled / "info.csv").take(np.arange(8))
    logs = [np.log(table[name].numbers()) for name in ("R_e", "total_flux")]
    labels = np.stack(
        [custom_logit(read_catalog(labelled / "info.csv")["bt"].numbers())[:8], *logs]
    )

    cut = middle(torch.from_numpy(np.stack([c.pixels for c in cutouts])), 40).numpy()
    _, _, means, covariances = worked_out(torch.load(model, weights_only=True), cut)
    mixture = Estimator.load(path).predict(cutouts).mixture
    spread = labels.std(axis=1)
    expected = means * spread + labels.mean(axis=1)
    np.testing.assert_allclose(mixture.mean.numpy(), expected, rtol=1e-4, atol=1e-4)
    wide = covariances * np.outer(spread, spread)
    np.testing.assert_allclose(mixture.covariance.numpy(), wide, rtol=1e-4, atol=1e-4)


def test_an_imported_network_sees_one_orientation_alone(gampen, model, labelled, tmp_path):
    path, _ = imported(gampen, model, labelled)
    out = tmp_path / "catalogue.parquet"
    ran = gampen("predict", labelled, "--estimator", path, "-o", out, "--thorough")
    assert (ran.status, "in one orientation" in ran.complaint) == (2, True)


def test_the_custom_logit_puts_the_ends_halfway_to_their_neighbours():
    found = custom_logit(np.array([0.0, 0.2, 0.9, 1.0]))
    expected = [math.log(p / (1 - p)) for p in (0.1, 0.2, 0.9, 0.95)]
    np.testing.assert_allclose(found, expected)


def test_crops_of_an_imported_network_are_written(gampen, model, labelled, tmp_path):
    path, _ = imported(gampen, model, labelled)
    ran = gampen("crop", labelled, "--estimator", path, "-o", tmp_path / "crops")
    assert ran.status == 0, ran.err
    assert len(list((tmp_path / "crops" / "cutouts").iterdir())) == 12


def test_what_an_imported_network_cannot_be_used_for_is_one_line(gampen, model, labelled, tmp_path):
    path, _ = imported(gampen, model, labelled)
    ran = gampen("guard", path, "-o", tmp_path / "guarded.safetensors")
    assert (ran.status, "imported" in ran.complaint) == (2, True)


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (slice(2, 12), "2 of its 8 are not, such as object_id"),
        (slice(8, 12), "8 of its 8 are not, such as object_id"),
    ],
)
def test_a_split_must_be_wholly_in_the_table(gampen, model, labelled, kept, reason):
    table = read_catalog(labelled / "info.csv")
    write_catalog(table.take(np.arange(12)[kept]), labelled / "fewer.csv")
    out = model.with_suffix(".safetensors")
    whole = ("-o", out, "--cutout-size", 40, "--split", TRAIN)
    ran = gampen("import", model, "--scaling", labelled / "fewer.csv", *whole)
    assert (ran.status, reason in ran.complaint) == (2, True), ran.err
    assert table["object_id"].text()[0] in ran.complaint
    assert not out.exists()


def test_a_split_without_galaxies_is_refused(gampen, model, labelled):
    table = read_catalog(labelled / "info.csv")
    write_catalog(table.take(np.arange(0)), labelled / "splits" / "none.csv")
    out = model.with_suffix(".safetensors")
    whole = ("-o", out, "--cutout-size", 40, "--split", "none")
    ran = gampen("import", model, "--scaling", labelled / "info.csv", *whole)
    assert (ran.status, "the split names none" in ran.complaint) == (2, True), ran.err


class Code:
    """What would run when it is unpickled."""

    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda state: state.popitem(), "is missing"),
        (lambda state: state.update(more=torch.zeros(1)), "'more' is no part of it"),
        (lambda state: state["module.fc_loc.0.bias"].fill_(torch.nan), "finite"),
        (lambda state: state.update({"module.fc_loc.0.bias": "text"}), "tensors by name"),
        (lambda state: state.update(code=Code()), "tensors alone"),
        (lambda state: state.update({"module.vgg.features.3.weight": torch.zeros(4, 9, 3, 3)}),
         "convolutions.1 must be a layer of 4 inputs"),
        (lambda state: state.update({"module.fc_loc.0.weight": torch.zeros(32, 7)}), "fit none"),
    ],
)  # fmt: skip
def test_checkpoints_of_another_kind_are_one_line_each(gampen, labelled, tmp_path, spoil, reason):
    state = checkpoint(prefix="module.")
    spoil(state)
    torch.save(state, tmp_path / "odd.pt")
    out = tmp_path / "odd.safetensors"
    sized = () if reason == "fit none" else ("--cutout-size", 40)
    call = ("import", tmp_path / "odd.pt", "--scaling", labelled / "info.csv", "-o", out)
    ran = gampen(*call, *sized)
    assert ran.status in (1, 2)
    assert reason in ran.complaint
    assert ran.out == ""
    assert not out.exists()


def test_files_that_are_no_checkpoints_are_one_line_each(gampen, model, labelled, tmp_path):
    whole = model.read_bytes()
    for content, reason in ((b"", "tensors alone"), (whole[:5000], "tensors alone")):
        (tmp_path / "odd.pt").write_bytes(content)
        out = tmp_path / "odd.safetensors"
        ran = gampen("import", tmp_path / "odd.pt", "--scaling", labelled / "info.csv", "-o", out)
        assert reason in ran.complaint
    torch.save([1, 2], tmp_path / "odd.pt")
    ran = gampen("import", tmp_path / "odd.pt", "--scaling", labelled / "info.csv", "-o", out)
    assert "state dict; got list" in ran.complaint


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--labels", "ln_R_e_asec"), "as many as the network's 9 outputs"),
        (("--split", "other"), f"balanced-dev2-test, {TRAIN}; got 'other'"),
        (("--labels", "a,b,c"), "must have a column a"),
        (("--cutout-size", 20), "one that the weights fit, 37, 38, 39, 40"),
        ((), "cutouts of 37, 38, 39, 40 pixels: say --cutout-size"),
        (("--dropout", 1.0, "--cutout-size", 40), "dropout in [0, 1)"),
    ],
)
def test_scalings_that_do_not_fit_are_one_line_each(gampen, model, labelled, options, reason):
    out = model.with_suffix(".safetensors")
    ran = gampen("import", model, "--scaling", labelled / "info.csv", "-o", out, *options)
    assert ran.status == 2, ran.err
    assert reason in ran.complaint
    assert not out.exists()
