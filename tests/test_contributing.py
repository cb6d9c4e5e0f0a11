"""The recipes of the guide, followed to the letter in a copy of the package."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gampen import load_cutouts
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog
from recipes import ROOT, blocks, copied, fenced, followed, run
from tiny import RUN, SIMULATION, TRAINING, estimator, galaxies

RECIPES = ("A parameter", "A survey", "A command")
PASSED = re.compile(r'(from|import|"""|\)|\Z)')
"""What is not counted of a recipe: imports, docstrings, and what only closes a bracket."""


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_at_most_ten_lines(title):
    lines = [line.strip() for block in blocks(title) for line in block.lines]
    counted = [line for line in lines if not PASSED.match(line)]
    assert 2 <= len(counted) <= 10, counted


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_in_the_style_of_the_house(title, tmp_path):
    root = followed(title, tmp_path)
    files = sorted({str(root / block.path) for block in blocks(title)})
    for check in (["check"], ["format", "--check"]):
        settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
        ruff = [sys.executable, "-m", "ruff", *check, *settings, *files]
        ran = subprocess.run(ruff, check=False, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stdout


def test_a_new_parameter_is_trained_simulated_and_predicted(tmp_path):
    root = followed("A parameter", tmp_path)
    training = replace(TRAINING, steps=4)
    write_settings(replace(RUN, training=training), root / "plain.toml")
    write_settings(SIMULATION, root / "survey.toml")
    plain = (root / "plain.toml").read_text().splitlines()
    others = [line for line in plain if not line.startswith("parameters")]
    (asked,) = fenced("A parameter", "toml")
    (root / "run.toml").write_text(asked + "\n".join(others))
    run(
        root,
        "train run.toml --out trained",
        "simulate survey.toml --count 8 --out sky",
        "predict sky --estimator trained/best.safetensors --passes 2 --out c.parquet",
    )
    truths = read_catalog(root / "sky" / "info.csv")["radius_ratio"].numbers()
    low, high = SIMULATION.prior.radius_ratio
    assert ((truths >= low) & (truths <= high)).all()
    assert len(set(truths.tolist())) == 8
    found = read_catalog(root / "c.parquet")
    assert (found["radius_ratio_median"].numbers() > 0).all()
    assert np.isfinite(found["corr_radius_ratio_flux"].numbers()).all()


def test_a_new_survey_is_simulated_by_its_name(tmp_path):
    root = followed("A survey", tmp_path)
    (named,) = fenced("A survey", "toml")
    (root / "sky.toml").write_text(named + "[scene]\nsizes = [48]\n")
    run(root, "simulate sky.toml --count 4 --out sky")
    cutouts = load_cutouts(root / "sky")
    assert len(cutouts) == 4
    for cutout in cutouts:
        assert cutout.zero_point == 30.0
        assert cutout.pixel_scale == pytest.approx(0.186)
    widths = read_catalog(root / "sky" / "info.csv")["psf_fwhm"].numbers() * 0.186
    assert ((widths >= 0.5) & (widths <= 0.95)).all()


def test_a_new_command_is_run_and_listed(tmp_path):
    root = followed("A command", tmp_path)
    posterior = estimator().predict(galaxies(5))
    posterior.save(root / "catalogue.parquet")
    (line,) = fenced("A command", "console")
    said = run(root, line.strip().removeprefix("gampen ")).split()
    flux = posterior["flux"].median
    assert said == posterior.object_ids[(-flux).argsort().numpy()].tolist()
    assert "brightest" in run(root, "--help")


def test_without_the_recipe_none_of_it_is_there(tmp_path):
    root = copied(tmp_path)
    (root / "sky.toml").write_text(fenced("A survey", "toml")[0])
    with pytest.raises(AssertionError, match="survey must be one of"):
        run(root, "simulate sky.toml --count 1 --out sky")
