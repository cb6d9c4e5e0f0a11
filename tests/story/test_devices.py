"""Training on several devices: the same run as on one, however it is stopped and gone on with."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commands import alone, finished
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog
from gampen.training.devices import Devices
from gampen.verbs.train import TrainRequest, train
from tiny import NETWORK, RUN, TRAINING

STEPS, EPOCH = 24, 4
# Dropout everywhere, and batches whose halves lie in one block of simulations.
THINNED = replace(NETWORK, dropout=0.3, map_dropout=0.1)
SHORT = replace(TRAINING, steps=STEPS, steps_per_epoch=EPOCH, learning_rate=2e-3)
AGREES = 1e-5
"""Of a loss of order one: what 24 steps make of the rounding of sums taken in another order."""


@pytest.fixture(autouse=True)
def as_in_a_process_of_its_own(monkeypatch):
    """What a command of its own sets its scale by."""
    monkeypatch.setattr("gampen.verbs.train.START_GALAXIES", 512)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A run of a few steps with dropout everywhere."""
    path = tmp_path_factory.mktemp("run") / "run.toml"
    write_settings(replace(RUN, network=THINNED, training=SHORT), path)
    return path


@pytest.fixture(scope="module")
def single(few, tmp_path_factory):
    """The history of the run on one device."""
    folder = tmp_path_factory.mktemp("single") / "run"
    assert list(train(TrainRequest(few, folder)))
    return read_catalog(folder / "history.csv")


def assert_same_curve(folder, expected):
    history = read_catalog(folder / "history.csv")
    assert history.names == expected.names
    for name in ("step", "loss", "nll", "zoom_mean"):
        found, wanted = history[name].numbers(), expected[name].numbers()
        np.testing.assert_allclose(found, wanted, atol=AGREES, err_msg=name)


def children_of(pid):
    """The processes that one has started, where the system tells."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def test_two_devices_have_the_losses_of_one_and_one_goes_on_where_two_stopped(
    few, single, tmp_path
):
    run = tmp_path / "run"
    training = alone("train", few, "--out", run, "--devices", 2, start_new_session=True)
    for _ in range(3):
        assert training.stderr.readline().startswith("step ")
    os.killpg(training.pid, signal.SIGINT)
    stopped = finished(training)
    if stopped.status != 0:  # else the run was quicker than the interruption
        assert stopped.status == 130
        assert stopped.err.splitlines()[-1] == (
            "gampen: interrupted; nothing is left half-written; run the same command again to go on"
        )
    assert "Traceback" not in stopped.err
    reached = read_catalog(run / "history.csv")
    assert len(reached) >= 3
    assert_same_curve(run, single.take(np.arange(len(reached))))
    list(train(TrainRequest(few, run)))
    assert_same_curve(run, single)


def test_a_run_of_two_devices_says_what_a_run_of_one_says_and_goes_on_from_it(
    few, single, tmp_path
):
    run = tmp_path / "run"
    begun = train(TrainRequest(few, run))
    for progress in begun:
        if progress.report.step == 2 * EPOCH:
            break
    begun.close()
    ran = finished(alone("train", few, "--out", run, "--devices", 2))
    assert (ran.status, ran.out.splitlines()) == (0, [str(run / "best.safetensors")])
    said = [line.split(":")[0] for line in ran.err.splitlines()]
    assert said == [f"step {step}" for step in range(3 * EPOCH, STEPS + 1, EPOCH)]
    assert_same_curve(run, single)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="the system does not list processes")
def test_a_process_that_is_lost_ends_the_run_in_one_line_and_leaves_no_other(tmp_path):
    write_settings(replace(RUN, training=replace(TRAINING, steps=100_000)), tmp_path / "long.toml")
    run = tmp_path / "run"
    training = alone("train", tmp_path / "long.toml", "--out", run, "--devices", 2)
    assert training.stderr.readline().startswith("step ")
    (other,) = children_of(training.pid)
    os.kill(other, signal.SIGKILL)
    ran = finished(training)
    # Fabric's own watch, which looks every five seconds, may be the first to see it.
    assert ran.status in (1, -signal.SIGKILL)
    if ran.status == 1:
        assert ran.err.splitlines()[-1].startswith("gampen: all processes of a run must go on")
    assert "Traceback" not in ran.err
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_wrong_numbers_of_devices_are_one_line_each(gampen, few, tmp_path):
    new = tmp_path / "new"
    for arguments, reason in {
        ("--devices", 0): "devices must be at least 1; got 0",
        ("--nodes", 0): "nodes must be at least 1; got 0",
        ("--devices", 3): "batch_size must be a multiple of the 3 processes",
        ("--devices", 2, "--device", "cpu:0"): "without a number",
        ("--nodes", 2): "nothing says where the 2 meet",
    }.items():
        ran = gampen("train", few, "--out", new, *arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
        assert not new.exists()


def test_a_cluster_that_started_another_number_is_one_line(gampen, few, tmp_path, monkeypatch):
    started = {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4", "SLURM_JOB_NAME": "train"}
    started |= {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    for name, value in started.items():
        monkeypatch.setenv(name, value)
    ran = gampen("train", few, "--out", tmp_path / "run", "--devices", 2)
    assert ran.status == 2
    assert "devices and nodes must be those that there are; got 2 and 1 of cpu" in ran.complaint


@pytest.mark.parametrize(
    ("places", "elsewhere"),
    [
        ({}, False),
        ({"LOCAL_RANK": "0"}, False),
        ({"LOCAL_RANK": "1"}, True),
        ({"RANK": "2", "LOCAL_RANK": "0"}, True),
        ({"SLURM_PROCID": "3"}, True),
        ({"NODE_RANK": "1"}, True),
    ],
)
def test_one_process_of_all_writes_and_speaks(monkeypatch, places, elsewhere):
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    assert Devices("cpu", 2).led_elsewhere is elsewhere
    assert not Devices("cpu").led_elsewhere
