"""Traces: which galaxies were being worked on, for whoever comes after a process that died.

A process that is killed cannot say what killed it. So while a part is worked on, a small file names
the galaxies that are open. If it is found later, one of them may be to blame, or none: these are
tried apart from the others, after them, first in small groups, then alone. A galaxy alone at which
the process dies again and again is left out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

GROUP = 16
STRIKES = 3  # deaths at one galaxy alone, after two that led to it
CONVICTED = "the process must survive a galaxy; it died each time that it came to this one"


class Trace:
    """The trace of one part, and what an earlier one tells."""

    def __init__(self, path: Path) -> None:
        """Read what was left at `path`, if anything was; each of its galaxies is a suspect."""
        self.path, self._lock = path, threading.Lock()
        self._open: set[int] = set()
        self.suspects, self.strikes = _read(path)
        if len(self.suspects) == 1:
            only = self.suspects[0]
            self.strikes[only] = self.strikes.get(only, 0) + 1

    @property
    def convicted(self) -> set[int]:
        """The galaxies to be left out."""
        return {galaxy for galaxy, count in self.strikes.items() if count >= STRIKES}

    def groups(self) -> Iterator[list[int]]:
        """The suspects in the groups that they are to be tried in, one after the other."""
        left = [galaxy for galaxy in self.suspects if galaxy not in self.convicted]
        size = GROUP if len(self.suspects) > GROUP else 1
        for start in range(0, len(left), size):
            yield left[start : start + size]

    def open(self, galaxies: Iterable[int]) -> None:
        """Work on these begins."""
        with self._lock:
            self._open.update(galaxies)
            self._write()

    def close(self, galaxies: Iterable[int]) -> None:
        """Work on these is done."""
        with self._lock:
            self._open.difference_update(galaxies)
            self._write()

    def remove(self) -> None:
        """Leave no trace: the part is whole, or its work ended in a way that can be told."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        """Leave the trace; it must outlast this process, not the machine."""
        content = {"open": sorted(self._open), "strikes": sorted(self.strikes.items())}
        temporary = self.path.with_suffix(".part")
        with suppress(OSError):  # on a full disk the part itself will say so
            temporary.write_text(json.dumps(content))
            temporary.replace(self.path)


def _read(path: Path) -> tuple[list[int], dict[int, int]]:
    """The suspects and strikes of an earlier trace."""
    try:
        found = json.loads(path.read_text())
        return [int(n) for n in found["open"]], {int(n): int(k) for n, k in found["strikes"]}
    except (OSError, ValueError, KeyError, TypeError):
        return [], {}
