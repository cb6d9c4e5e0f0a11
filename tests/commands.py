"""The command line as a person meets it: in this process, or in one of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gampen import cli


@dataclass(frozen=True)
class Ran:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str

    @property
    def complaint(self):
        """The one line of a call that was wrong."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("gampen: ")
        return lines[0].removeprefix("gampen: ")


class Command:
    """`gampen` in this process."""

    def __init__(self, capsys, monkeypatch):
        """Take what the tests' fixtures give."""
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments):
        """Run a command; comes back as what it said."""
        self.monkeypatch.setattr(sys, "argv", ["gampen", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = self.capsys.readouterr()
        return Ran(int(left.value.code or 0), said.out, said.err)


EXECUTABLE = Path(sys.executable).with_name("gampen")
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}


HEEDING = (
    sys.executable,
    "-c",
    (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    ),
)
"""Before a command: undoes what a shell does to jobs in its background, which hear no Ctrl-C."""


def alone(*arguments, **options):
    """`gampen` in a process of its own, running."""
    return subprocess.Popen(
        [*HEEDING, EXECUTABLE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ALONE,
        **options,
    )


def finished(process, seconds=120):
    """What a process said, once it has ended."""
    said, complained = process.communicate(timeout=seconds)
    return Ran(process.returncode, said, complained)
