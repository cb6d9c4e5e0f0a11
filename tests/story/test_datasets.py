"""A catalogue as a folder of parts goes wherever a catalogue goes, by the command line."""

import json

import numpy as np
import pytest

from gampen.storage.datasets import write_dataset_metadata
from gampen.storage.tables import read_catalog, write_catalog


@pytest.fixture
def parts(predicted, tmp_path):
    """The catalogue in three parts."""
    catalog = read_catalog(predicted[1])
    folder = tmp_path / "catalogue"
    folder.mkdir()
    paths = [folder / f"part-{number:05d}.parquet" for number in range(3)]
    for path, galaxies in zip(paths, np.array_split(np.arange(len(catalog)), 3), strict=True):
        write_catalog(catalog.take(galaxies), path)
    write_dataset_metadata(folder, paths, catalog.metadata)
    return folder


def test_a_folder_is_evaluated_as_its_file_is(gampen, predicted, parts, tmp_path):
    truths, figures = predicted[0] / "info.csv", []
    for number, catalogue in enumerate((predicted[1], parts)):
        out = tmp_path / f"out{number}"
        ran = gampen("evaluate", catalogue, truths, "--out", out)
        assert ran.status == 0, ran.err
        (found,) = out.glob("*.json")
        figures.append(json.loads(found.read_text()))
    assert figures[0] == figures[1]


def test_a_folder_is_reported(gampen, parts, predicted, tmp_path):
    out = tmp_path / "report.html"
    assert gampen("report", parts, "--out", out, "--cutouts", predicted[0]).status == 0
    assert "20" in out.read_text()


def test_a_folder_may_hold_the_truths(gampen, predicted, parts, tmp_path):
    truths = tmp_path / "truths"
    truths.mkdir()
    write_catalog(read_catalog(predicted[0] / "info.csv"), truths / "part-00000.parquet")
    ran = gampen("evaluate", parts, truths, "--out", tmp_path / "out")
    assert ran.status == 0, ran.err
