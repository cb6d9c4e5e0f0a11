"""A part holds each of its galaxies once, whatever its process went through."""

import multiprocessing

import numpy as np
import pytest

from deadly import Deadly
from gampen.catalog import Catalog
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.scaling.parts import Parts
from gampen.scaling.strikes import CONVICTED, STRIKES
from gampen.storage.estimators import DIGEST
from gampen.storage.layouts import open_folder, write_folder
from gampen.storage.tables import read_catalog
from gampen.verbs.parts import Task, between, predict_part, predict_parts
from gampen.verbs.predict_request import PredictRequest
from tiny import estimator, ragged

GALAXIES = 21


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder of galaxies of several sizes."""
    root, cutouts = tmp_path_factory.mktemp("galaxies"), ragged(GALAXIES)
    ids, files = cutouts.object_ids, [cutout.file_name for cutout in cutouts]
    write_folder(root, Catalog.of(object_id=ids, file_name=files), cutouts)
    return open_folder(root)


@pytest.fixture(scope="module")
def request_(source, tmp_path_factory):
    """A request, and the digest of its estimator."""
    model = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    estimator().save(model)
    digest = Estimator.load(model).provenance[DIGEST]
    asked = PredictRequest(
        source.root, model.with_suffix(".parquet"), str(model), sampling=Sampling(4), draws=3
    )
    return asked, digest


def task_in(folder, source, asked, number=0, start=0):
    request, digest = asked
    folder.mkdir(exist_ok=True)
    parts = Parts(folder, "run"), Parts(folder, "run", "draws")
    return Task(number, start, source, request, digest, *parts)


def test_the_rows_of_a_part_are_in_order_and_the_same_in_any_company(source, request_, tmp_path):
    whole = task_in(tmp_path / "whole", source, request_)
    assert predict_part(whole).galaxies == GALAXIES
    rows = read_catalog(whole.parts.path(0))
    assert rows["object_id"].text() == source.object_ids
    draws = read_catalog(whole.draws.path(0))
    assert draws["object_id"].text() == source.object_ids
    for start in range(0, GALAXIES, 5):
        galaxies = range(start, min(start + 5, GALAXIES))
        few = task_in(tmp_path / "few", source.take(galaxies), request_, start, start)
        predict_part(few)
        part = read_catalog(few.parts.path(start))
        for name in ("mixture", "crop_theta", "sky_sigma", "flags"):
            np.testing.assert_array_equal(part[name].values, rows[name].values[list(galaxies)])


def test_parts_follow_each_other_and_leave_no_trace(source, request_, tmp_path):
    tasks = [
        task_in(tmp_path, source.take(range(start, start + 7)), request_, number, start)
        for number, start in enumerate(range(0, GALAXIES, 7))
    ]
    seen = []
    done = list(predict_parts(tasks, lambda sight: seen.append(len(sight.galaxies))))
    assert [each.number for each in done] == [0, 1, 2]
    assert sum(seen) == sum(each.galaxies for each in done) == GALAXIES
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{kind}-{n:05d}.parquet" for kind in ("part", "draws") for n in range(3)}


def test_a_galaxy_that_kills_its_process_again_and_again_is_a_row_that_says_so(
    source, request_, tmp_path
):
    undisturbed = task_in(tmp_path / "undisturbed", source, request_)
    predict_part(undisturbed)
    killer = source.object_ids[13]
    task = task_in(tmp_path / "deadly", Deadly(source, frozenset([killer])), request_)
    spawn = multiprocessing.get_context("spawn")
    deaths = 0
    while not task.parts.has(0, GALAXIES):
        process = spawn.Process(target=predict_part, args=(task,))
        process.start()
        process.join()
        deaths += process.exitcode != 0
        assert deaths <= STRIKES + 2
    rows, before = (read_catalog(each.parts.path(0)) for each in (task, undisturbed))
    statuses = dict(zip(rows["object_id"].text(), rows["status"].text(), strict=True))
    assert statuses.pop(killer) == CONVICTED
    assert set(statuses.values()) == {"ok"}
    sound = [place for place in range(GALAXIES) if place != 13]
    np.testing.assert_array_equal(rows["mixture"].values[sound], before["mixture"].values[sound])


def test_runs_between_galaxies_hold_all_others_in_order():
    assert list(between(6, set())) == [range(6)]
    assert list(between(6, {0, 1, 4})) == [range(2, 4), range(5, 6)]
    assert list(between(2, {0, 1})) == []


def test_large_images_come_in_smaller_batches(source, request_, tmp_path):
    task = task_in(tmp_path, source, request_)
    sizes = [task.batch_size((side, side)) for side in (0, 96, 239, 400, 4000)]
    assert sizes == [64, 64, 64, 32, 16]
