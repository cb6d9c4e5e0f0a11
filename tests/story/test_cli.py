"""The command line itself: quick, quiet, and never half-done."""

import io
import subprocess
import sys

import pytest
from rich.console import Console

from commands import EXECUTABLE, alone, finished
from gampen import __version__
from gampen.cli import application, progress
from gampen.estimator import Estimator
from gampen.shipped import shipped_names

HEAVY = "{'torch', 'numpy', 'astropy', 'pyarrow', 'matplotlib', 'lightning_fabric', 'safetensors'}"
COMMANDS = (
    *("predict", "report", "export", "rotate", "evaluate"),
    *("calibrate", "guard", "simulate", "train", "models"),
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["predict", "--help"], ["-h"]])
def test_help_and_version_load_no_heavy_library(arguments):
    code = (
        f"import sys; sys.argv = ['gampen', *{arguments!r}]\n"
        "from gampen.cli import main\n"
        "try:\n    main()\n"
        f"except SystemExit as left:\n    print(left.code, sorted({HEAVY} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "0 []"


def test_help_names_every_command(gampen):
    ran = gampen("--help")
    assert ran.status == 0
    assert all(f" {name} " in ran.out for name in COMMANDS)


def test_the_version_is_said(gampen):
    assert gampen("--version").out == f"{__version__}\n"


def test_the_module_is_the_command():
    run = subprocess.run(
        [sys.executable, "-m", "gampen", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["predict"], ["predict", "a", "--nonsense"]])
def test_a_call_that_typer_refuses_ends_with_2(gampen, arguments):
    ran = gampen(*arguments)
    assert ran.status == 2
    assert "Traceback" not in ran.err


def test_the_executable_predicts_quietly_where_there_is_no_terminal(folder, model, tmp_path):
    assert EXECUTABLE.is_file()
    out = tmp_path / "catalogue.parquet"
    ran = finished(alone("predict", folder, "-o", out, "--estimator", model, "--passes", 4))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == ["12 of 12 galaxies have a posterior", str(out)]


def test_the_executable_says_what_is_wrong_in_one_line(model, tmp_path):
    ran = finished(alone("predict", tmp_path / "nowhere", "--estimator", model, cwd=tmp_path))
    assert ran.status == 2
    assert ran.complaint == f"the input must exist; there is no {tmp_path / 'nowhere'}"
    assert list(tmp_path.iterdir()) == []


def interrupted(*_arguments, **_options):
    """Ctrl-C, at this place."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "place",
    [
        "gampen.verbs.galaxies.open_source",
        "gampen.storage.layouts.read_cutouts",
        "gampen.estimator.infer",
        "gampen.verbs.rows.summarise",
        "gampen.scaling.parts.write_catalog",
        "gampen.verbs.predict.gather",
        "gampen.storage.atomic.flush",
    ],
)
def test_an_interrupted_prediction_leaves_the_old_catalogue_and_can_be_gone_on_with(
    gampen, folder, model, tmp_path, monkeypatch, place
):
    out = tmp_path / "results" / "catalogue.parquet"
    out.parent.mkdir()
    out.write_bytes(b"as it was")
    call = ("predict", folder, "--estimator", model, "--passes", 4, "-o")
    with monkeypatch.context() as patched:
        patched.setattr(place, interrupted)
        ran = gampen(*call, out)
    assert ran.status == 130
    assert ran.complaint == (
        "interrupted; nothing is left half-written; run the same command again to go on"
    )
    assert {path.name for path in out.parent.iterdir()} <= {out.name, f"{out.name}.parts"}
    assert out.read_bytes() == b"as it was"
    assert not [path for path in out.parent.rglob(".*") if path.name.startswith(".trace")]
    assert gampen(*call, out).status == 0
    assert gampen(*call, tmp_path / "undisturbed.parquet").status == 0
    assert out.read_bytes() == (tmp_path / "undisturbed.parquet").read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["catalogue.parquet"]


def test_an_interruption_while_a_checkpoint_is_written_loses_no_more_than_an_epoch(
    gampen, runfile, trained, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr("gampen.storage.checkpoints.torch.save", interrupted)
        ran = gampen("train", runfile, "--out", run)
    assert ran.status == 130
    assert ran.err.splitlines()[-1].endswith("run the same command again to go on")
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []
    assert gampen("train", runfile, "--out", run).status == 0
    for name in ("history.csv", "best.safetensors"):
        assert (run / name).read_bytes() == (trained / name).read_bytes()


def test_a_full_disk_is_one_line(gampen, folder, model, tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gampen.storage.atomic.flush", full)
    out = tmp_path / "catalogue.parquet"
    ran = gampen("predict", folder, "-o", out, "--estimator", model, "--passes", 4)
    assert ran.status == 2
    assert "No space left on device" in ran.complaint
    assert not out.exists()


def test_a_full_disk_in_a_checkpoint_is_one_line(gampen, runfile, tmp_path, monkeypatch):
    def full(*_arguments):
        raise RuntimeError("PytorchStreamWriter failed writing file\nC++ stack")

    monkeypatch.setattr("gampen.storage.checkpoints.torch.save", full)
    ran = gampen("train", runfile, "--out", tmp_path / "run")
    assert ran.status == 1
    assert ran.err.splitlines()[-1].endswith(
        "must be written whole; got: " + "PytorchStreamWriter failed writing file"
    )


def test_a_message_of_several_lines_is_said_in_one(capsys):
    with pytest.raises(SystemExit):
        application.fail("one\ntwo [bold]three[/bold]", 2)
    assert capsys.readouterr().err == "gampen: one two [bold]three[/bold]\n"


def test_without_a_terminal_there_is_a_line_a_minute_at_most(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.progress_of("predicting") as tell:
        for done in range(0, 3001, 10):
            now = done / 10
            tell(done, 3000, "")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "predicting: 600 of 3000, 10 / s, 4 minutes left"
    assert len(lines) == 5


def test_a_short_run_says_nothing_without_a_terminal(capsys):
    with progress.progress_of("predicting") as tell:
        tell(1, 2, "")
        tell(2, 2, "")
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar_with_count_and_note(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "err", Console(file=screen, force_terminal=True, width=120))
    with progress.progress_of("training") as tell:
        tell(3, 12, "loss 1.234")
    assert "training" in screen.getvalue()
    assert "3/12" in screen.getvalue()
    assert "loss 1.234" in screen.getvalue()


def test_every_shipped_estimator_can_be_loaded():
    assert all(Estimator.load(name).space.names for name in shipped_names())
