"""Long predictions: they stop and go on, share their work, and never mix two runs."""

import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from commands import ALONE, EXECUTABLE
from gampen.posterior import Posterior
from gampen.storage.tables import read_catalog
from tiny import estimator

FEW = ("--passes", 4)
SMALL = 3  # galaxies in a part: there are four parts


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Parts of a few galaxies."""
    for module in ("gampen.scaling.plan", "gampen.verbs.predict"):
        monkeypatch.setattr(f"{module}.PART", SMALL)


@pytest.fixture
def call(gampen, folder, model):
    """A prediction of the folder."""
    return lambda out, *options: gampen(
        "predict", folder, "--estimator", model, "-o", out, *FEW, *options
    )


def interrupt_at(monkeypatch, calls):
    """Ctrl-C when so many parts have been written."""
    from gampen.verbs import parts

    write, done = parts.write_part, []

    def written(task, summed):
        if len(done) == calls:
            raise KeyboardInterrupt
        done.append(task.number)
        return write(task, summed)

    monkeypatch.setattr(parts, "write_part", written)
    return done


@pytest.mark.parametrize("name", ["catalogue.parquet", "catalogue.fits", "catalogue"])
def test_a_run_that_was_stopped_does_only_what_is_left_and_ends_the_same(
    call, tmp_path, monkeypatch, name
):
    out, undisturbed = tmp_path / "one" / name, tmp_path / "other" / name
    options = ("--samples", 3)
    with monkeypatch.context() as patched:
        first = interrupt_at(patched, 2)
        assert call(out, *options).status == 130
    with monkeypatch.context() as patched:
        rest = interrupt_at(patched, 100)
        assert call(out, *options).status == 0
    assert (first, rest) == ([0, 1], [2, 3])
    assert call(undisturbed, *options).status == 0
    one, other = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (out.parent, undisturbed.parent)
    )
    assert one == other
    assert all("trace" not in str(path) and ".part" not in path.suffix for path in one)


def test_a_run_is_not_gone_on_with_another_estimator_or_other_files(
    call, folder, tmp_path, monkeypatch
):
    out = tmp_path / "catalogue.parquet"
    with monkeypatch.context() as patched:
        interrupt_at(patched, 1)
        assert call(out).status == 130
    estimator(seed=2).save(tmp_path / "other.safetensors")
    ran = call(out, "--estimator", tmp_path / "other.safetensors")
    assert ran.status == 2
    assert "estimator_sha256" in ran.complaint
    assert "remove it to begin anew" in ran.complaint
    assert "seed (0)" in call(out, "--seed", 7).complaint
    changed = max((folder / "cutouts").iterdir())
    changed.write_bytes(changed.read_bytes() + b"\0" * 2880)
    assert "the galaxies or their files" in call(out).complaint
    shutil.rmtree(tmp_path / "catalogue.parquet.parts")
    assert call(out).status == 0


def test_a_finished_folder_is_left_as_it_is(call, tmp_path, monkeypatch):
    out = tmp_path / "catalogue"
    assert call(out).status == 0
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    again = interrupt_at(monkeypatch, 0)
    ran = call(out)
    assert ran.status == 0
    assert "12 of 12 galaxies" in ran.out
    assert again == []
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")} == before


def test_a_folder_and_a_file_hold_the_same_catalogue(call, tmp_path):
    assert call(tmp_path / "catalogue").status == 0
    assert call(tmp_path / "catalogue.parquet").status == 0
    one, other = read_catalog(tmp_path / "catalogue"), read_catalog(tmp_path / "catalogue.parquet")
    assert one.metadata == other.metadata
    assert one.names == other.names
    for column in one:
        np.testing.assert_array_equal(column.values, other[column.name].values)
    assert len(Posterior.load(tmp_path / "catalogue")) == 12


def test_workers_make_the_bytes_that_this_process_makes(call, folder, tmp_path):
    (folder / "cutouts" / min(path.name for path in (folder / "cutouts").iterdir())).write_bytes(
        b""
    )
    outs = [tmp_path / "here.parquet", tmp_path / "workers.parquet"]
    for out, options in zip(outs, ((), ("--workers", 2)), strict=True):
        ran = call(out, *options)
        assert (ran.status, ran.err) == (0, "")
        assert "11 of 12 galaxies have a posterior" in ran.out
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_run_begun_here_is_ended_by_workers(call, tmp_path, monkeypatch):
    from gampen.storage.fits import image_bytes

    axis = np.arange(25) - 12
    psf = np.exp(-(axis[:, None] ** 2 + axis**2) / 8).astype(np.float32)
    (tmp_path / "psf.fits").write_bytes(image_bytes(psf, {}))
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        interrupt_at(patched, 2)
        assert call("one.parquet", "--psf-file", "psf.fits").status == 130
    assert call("one.parquet", "--psf-file", "psf.fits", "--workers", 2).status == 0
    assert call("other.parquet", "--psf-file", tmp_path / "psf.fits").status == 0
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--workers", 0), "workers must be at least 1; got 0"),
        (("--workers", 2, "--cluster", "tcp://127.0.0.1:1"), "choose one"),
        (("--cluster", "tcp://127.0.0.1:1"), "scheduler must answer"),
        (("--cluster", "nonsense://here"), "scheduler must answer"),
    ],
)
def test_wrong_workers_are_one_line(call, tmp_path, options, reason):
    ran = call(tmp_path / "catalogue.parquet", *options)
    assert ran.status == 2
    assert reason in ran.complaint


LITTLE_ROOM = (
    sys.executable,
    "-c",
    (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    ),
)
"""Before a command: no file of it may grow beyond a few kilobytes."""


def alone(folder, model, out, before=()):
    """The prediction in a process of its own."""
    command = [
        *before,
        EXECUTABLE,
        "predict",
        folder,
        "--estimator",
        model,
        "-o",
        out,
        "--passes",
        "4",
    ]
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env=ALONE,
    )


def test_a_disk_that_is_full_is_one_line_and_the_run_can_be_gone_on_with(folder, model, tmp_path):
    out = tmp_path / "catalogue.parquet"
    ran = alone(folder, model, out, before=LITTLE_ROOM)
    assert ran.returncode == 2
    assert ran.stderr.startswith("gampen: ")
    assert ran.stderr.count("\n") == 1
    assert "File too large" in ran.stderr
    assert alone(folder, model, out).returncode == 0
    assert [path.name for path in tmp_path.iterdir() if "catalogue" in path.name] == [out.name]


def test_a_batch_system_that_ends_a_run_is_taken_for_ctrl_c(folder, model, tmp_path):
    out = tmp_path / "catalogue.parquet"
    command = [EXECUTABLE, "predict", folder, "--estimator", model, "-o", out, "--passes", "20000"]
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=ALONE)
    trace = tmp_path / "catalogue.parquet.parts" / ".trace-00000.json"
    while not trace.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("run the same command again to go on")
    assert not trace.exists()
