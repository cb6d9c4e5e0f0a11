"""`gampen doctor`: it says what is there, finds what is broken, and its status says so."""

import importlib.metadata
import io
import json
import shutil

import pytest
import torch
from rich.console import Console

from commands import alone, finished
from gampen import __version__, shipped
from gampen.cli import doctor as command
from gampen.verbs.findings import Finding, Verdict
from packaged import requirement_lines

HEALTHY = f"gampen {__version__} is well here"


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """An installation as new as the code."""
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: requirement_lines())


@pytest.fixture
def without(monkeypatch):
    """What makes packages look as if they were not installed, or in another version."""
    real = importlib.metadata.version

    def hide(**versions):
        def version(name):
            found = versions.get(name, real(name) if name not in versions else None)
            if found is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return found

        monkeypatch.setattr(importlib.metadata, "version", version)

    return hide


@pytest.fixture
def brief(monkeypatch):
    """No estimator is read, and nothing predicted."""
    for section in ("estimators", "self-check"):
        monkeypatch.setitem(command_examinations(), section, list)


def command_examinations():
    from gampen.verbs.doctor import EXAMINATIONS

    return EXAMINATIONS


def findings(ran):
    """The findings that were printed for programs, by name."""
    return {finding["name"]: finding for finding in json.loads(ran.out)["findings"]}


def test_a_sound_environment_is_well():
    ran = finished(alone("doctor"))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == HEALTHY
    assert f"  ok    torch: {torch.__version__}" in ran.out.splitlines()
    for name in shipped.shipped_names():
        assert f"  ok    {name}: intact, " in ran.out
    assert "effective radius 0." in ran.out
    assert "\x1b" not in ran.out


def test_what_programs_read_has_every_section_in_order(gampen):
    ran = gampen("doctor", "--json")
    said = json.loads(ran.out)
    assert ran.status == 0
    assert (said["gampen"], said["well"]) == (__version__, True)
    sections = list(dict.fromkeys(finding["section"] for finding in said["findings"]))
    assert sections == list(command_examinations())
    found = findings(ran)
    assert found["universal"]["facts"]["sha256"]
    assert found["threads"]["facts"]["torch"] == torch.get_num_threads()
    assert found["posterior"]["facts"]["next_seconds"] > 0


@pytest.mark.usefixtures("brief")
def test_a_missing_extra_is_told_with_the_line_that_installs_it_and_is_no_fault(gampen, without):
    without(distributed=None)
    ran = gampen("doctor")
    lines = ran.out.splitlines()
    place = next(k for k, line in enumerate(lines) if line.startswith("  -     cluster: "))
    assert ran.status == 0
    assert "distributed not installed (must be 2025.1 or newer)" in lines[place]
    assert lines[place + 1].strip() == "pip install 'gampen[cluster]'"


@pytest.mark.usefixtures("brief")
def test_a_needed_package_that_is_missing_or_old_is_a_fault(gampen, without):
    without(pyarrow=None, numpy="1.9.3")
    ran = gampen("doctor", "--json")
    found = findings(ran)
    assert ran.status == 1
    assert found["pyarrow"]["said"] == "not installed (must be 18 or newer)"
    assert found["numpy"]["said"] == "1.9.3 (must be 1.26 or newer)"
    assert found["numpy"]["advice"] == "pip install 'numpy>=1.26'"
    assert found["astropy"]["verdict"] == "good"


def test_a_damaged_estimator_is_a_fault_and_the_others_are_still_looked_at(
    gampen, tmp_path, monkeypatch
):
    copy = shutil.copytree(shipped.folder(), tmp_path / "shipped")
    damaged = copy / "sersic.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    monkeypatch.setattr(shipped, "folder", lambda: copy)
    ran = gampen("doctor")
    assert ran.status == 1
    (line,) = [line for line in ran.out.splitlines() if line.startswith("  FAULT")]
    assert line.startswith("  FAULT sersic: ")
    assert line.endswith("its content has been altered: get the file again")
    assert "  ok    universal: intact" in ran.out
    assert ran.out.splitlines()[-1].endswith("one thing that it needs does not hold")


def test_without_the_estimator_that_predicts_two_sections_are_faulty(gampen, tmp_path, monkeypatch):
    shutil.copytree(shipped.galaxies(), tmp_path / "hsc")
    monkeypatch.setattr(shipped, "folder", lambda: tmp_path)
    ran = gampen("doctor", "--json")
    faults = [name for name, found in findings(ran).items() if found["verdict"] == "fault"]
    assert ran.status == 1
    assert faults == ["universal", "self-check"]


@pytest.mark.usefixtures("brief")
def test_a_library_that_is_broken_is_a_fault_and_no_traceback(gampen, monkeypatch):
    def broken():
        raise OSError("libtorch_cpu.so: cannot open shared object file")

    monkeypatch.setitem(command_examinations(), "devices", broken)
    ran = gampen("doctor")
    assert ran.status == 1
    assert "  FAULT devices: must be found out; got: OSError: libtorch_cpu.so" in ran.out
    assert "space" in ran.out.splitlines()


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("threads", "told", "advice"),
    [
        (4, None, "threads wait for each other: export OMP_NUM_THREADS=2"),
        (1, "1", "cores are idle: unset OMP_NUM_THREADS, or give --workers 2"),
        (1, None, ""),
        (2, "2", ""),
    ],
)
def test_threads_are_held_against_the_cores_that_may_be_used(
    gampen, monkeypatch, threads, told, advice
):
    from gampen.verbs.machine import Cores

    monkeypatch.setattr("gampen.verbs.machine.cores", lambda: Cores(64, 8, 1.5))
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.delenv("OMP_NUM_THREADS")
    if told:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    ran = gampen("doctor", "--json")
    found = findings(ran)
    assert ran.status == 0
    assert found["cores"]["said"] == "2 usable: 64 there, 8 allowed, a quota of 1.5"
    assert found["threads"]["advice"] == advice


def test_on_a_terminal_sections_are_tables_with_signs(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(command, "out", Console(file=screen, force_terminal=True, width=60))
    given = [
        Finding("packages", "numpy", "2.0"),
        Finding("packages", "torch", "none " * 20, Verdict.FAULT, "install it"),
    ]
    assert list(command.told(given)) == given
    plain = screen.getvalue()
    assert "✓" in plain
    assert "✗" in plain
    assert "→ install it" in plain
