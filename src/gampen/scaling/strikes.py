"""Traces: which galaxies were being worked on, for whoever comes after a process that died.

A process that is killed cannot say what killed it. So while a part is worked on, a small file names
the galaxies that are open. If it is found later, one of them may be to blame, or none: these are
tried apart from the others, after them, first in small groups, then alone. A galaxy alone at which
the process dies again and again is left out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

GROUP = 16
STRIKES = 3  # deaths at one galaxy alone, after two that led to it
CONVICTED = "the process must survive a galaxy; it died each time that it came to this one"


class Trace:
    """The trace of one part, and what an earlier one tells.

    `alone` and `together` are the galaxies to be tried by themselves and in groups: those that were
    open when the process died, few or many, and what was left to try from before.
    """

    def __init__(self, path: Path) -> None:
        """Read what was left at `path`, if anything was."""
        self.path, self._lock = path, threading.Lock()
        self._open: set[int] = set()
        self._removed = False
        left, self.alone, self.together, self.strikes = _read(path)
        if len(left) == 1:
            (only,) = left
            self.strikes[only] = self.strikes.get(only, 0) + 1
        (self.alone if len(left) <= GROUP else self.together).update(left)
        self.convicted = {galaxy for galaxy, count in self.strikes.items() if count >= STRIKES}
        self.alone -= self.convicted
        self.together -= self.alone | self.convicted

    @property
    def suspects(self) -> set[int]:
        """The galaxies to be tried apart from the others."""
        return self.alone | self.together

    def groups(self) -> list[list[int]]:
        """The suspects in the groups that they are to be tried in, one after the other."""
        many = sorted(self.together)
        groups = [many[start : start + GROUP] for start in range(0, len(many), GROUP)]
        return groups + [[galaxy] for galaxy in sorted(self.alone)]

    def open(self, galaxies: Iterable[int]) -> None:
        """Work on these begins."""
        with self._lock:
            self._open.update(galaxies)
            self._write()

    def close(self, galaxies: Iterable[int]) -> None:
        """Work on these is done."""
        with self._lock:
            for held in (self._open, self.alone, self.together):
                held.difference_update(galaxies)
            self._write()

    def remove(self) -> None:
        """Leave no trace: the part is whole, or its work ended in a way that can be told."""
        with self._lock:
            self._removed = True
            self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        """Leave the trace; it must outlast this process, not the machine."""
        if self._removed:  # what was still under way ends after the part has been given up
            return
        sets = [sorted(galaxies) for galaxies in (self._open, self.alone, self.together)]
        temporary = self.path.with_suffix(".part")
        with suppress(OSError):  # on a full disk the part itself will say so
            temporary.write_text(json.dumps([*sets, sorted(self.strikes.items())]))
            temporary.replace(self.path)


def _read(path: Path) -> tuple[set[int], set[int], set[int], dict[int, int]]:
    """The galaxies that were open, those left to try alone and in groups, and the strikes."""
    try:
        left, alone, together, strikes = json.loads(path.read_text())
        sets = [{int(galaxy) for galaxy in galaxies} for galaxies in (left, alone, together)]
        return sets[0], sets[1], sets[2], {int(n): int(count) for n, count in strikes}
    except (OSError, ValueError, TypeError):
        return set(), set(), set(), {}
