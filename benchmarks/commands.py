"""Running gampen's own commands and reading what they cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Wall-clock [s] and peak memory [MB] of a command."""

    seconds: float
    megabytes: float


def run(*arguments: str) -> Cost:
    """Run `gampen ARGUMENTS` in a process of its own; its cost, process start included."""
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "gampen", *arguments], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"gampen {' '.join(arguments)} failed with status {process.returncode}")
    return Cost(time.perf_counter() - began, usage.ru_maxrss / 1024)
