"""Damaged and hostile FITS files: each must become one row, in bounded time and memory.

`python -m benchmarks.mutations [N] [SEED]` writes N files that were sound once - plain, of several
HDUs, gzipped, scaled, compressed by every algorithm, tables - each changed by seeded mutations of
its headers and data, and some bombs; reads them all in a process of its own; and tells how many
became a cutout and how many a rejection and why, whether the process died or took longer than ten
seconds over any of them, and how much memory it took at most.
"""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.mutants import write_files
from gampen.storage.fits import UNFORESEEN

SECONDS, MEGABYTES = 10.0, 2000.0
STARTING = 60.0
CEILING = 8 * 2**30
"""[byte] Of addresses: where a process that has gone astray ends."""

READER = """
import json, re, resource, sys, time
from pathlib import Path
from gampen.cutouts import Rejection
from gampen.storage.layouts import open_folder, read_cutouts
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
folder = open_folder(Path(sys.argv[1])).take(range(*json.loads(sys.argv[2])))
start = time.perf_counter()
for entry in read_cutouts(folder):
    seconds = time.perf_counter() - start
    reason = entry.reason if isinstance(entry, Rejection) else None
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\\s*(\\d+)", status)[1]) / 1024
    print(json.dumps([entry.file_name, reason, seconds, peak]), flush=True)
    Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
"""


@dataclass
class Outcome:
    """What became of the files: rows with their reasons, crashes, hangs, time and memory."""

    rows: dict[str, str | None] = field(default_factory=dict)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    megabytes: float = 0.0
    largest: str = ""
    slowest: tuple[float, str] = (0.0, "")

    @property
    def unforeseen(self) -> list[str]:
        """The files whose failure no line of the reader expects."""
        return [name for name, reason in self.rows.items() if reason and UNFORESEEN in reason]

    def note(self, name: str, reason: str | None, seconds: float, megabytes: float) -> None:
        """Take one row and what it cost."""
        self.rows[name] = reason
        self.slowest = max(self.slowest, (seconds, name))
        if megabytes > self.megabytes:
            self.megabytes, self.largest = megabytes, name


def examine(folder: Path, names: list[str]) -> Outcome:
    """Read all files of a folder in processes that may die; comes back as what became of each."""
    (folder / "info.csv").write_text("\n".join(["file_name", *names, ""]))
    found, place = Outcome(), 0
    while place < len(names):
        with started(folder, place, len(names)) as process:
            for line in lines_of(process):
                found.note(*json.loads(line))
                place += 1
            hung = process.poll() is None
            process.kill()
        if place < len(names):
            (found.hangs if hung else found.crashes).append(names[place])
            place += 1
    return found


def started(folder: Path, first: int, last: int) -> subprocess.Popen[bytes]:
    """A process that reads some of the files."""
    arguments = [str(folder), json.dumps([first, last]), str(CEILING)]
    return subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", READER, *arguments], stdout=subprocess.PIPE, bufsize=0
    )


def lines_of(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What a process says, line by line, until it ends or has been silent for too long."""
    patience = STARTING
    while select.select([process.stdout], [], [], patience)[0]:
        line = process.stdout.readline()
        if not line:
            process.wait()
            return
        yield line
        patience = SECONDS


def gist(reason: str | None) -> str:
    """A reason without its particulars."""
    if reason is None:
        return "(read)"
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'", "'...'", reason))[:90]


def main() -> None:
    """Make the files, read them and print what became of them."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as place:
        told = write_files(Path(place), count, seed)
        began = time.perf_counter()
        found = examine(Path(place), list(told))
        seconds = time.perf_counter() - began
    for reason, number in Counter(map(gist, found.rows.values())).most_common():
        print(f"{number:6d}  {reason}")
    print(f"{len(told)} files ({count} mutants, seed {seed}): {len(found.rows)} rows")
    for kind in ("crashes", "hangs", "unforeseen"):
        names = getattr(found, kind)
        print(f"{kind}: {len(names)}")
        for name in names:
            print(f"    {name} {told[name]} {found.rows.get(name) or ''}")
    print(f"slowest: {found.slowest[0]:.2f} s, {told[found.slowest[1]]}")
    print(f"peak memory: {found.megabytes:.0f} MB, {told[found.largest]}; {seconds:.0f} s in all")
    bad = found.crashes or found.hangs or found.unforeseen or len(found.rows) < len(told)
    sys.exit(1 if bad or found.megabytes > MEGABYTES or found.slowest[0] > SECONDS else 0)


if __name__ == "__main__":
    main()
