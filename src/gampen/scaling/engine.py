"""Engines: who does the work of a long run, this process or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Lost:
    """A task without a result: its process died whenever it was tried."""

    reason: str


@runtime_checkable
class Engine(Protocol):
    """Whoever applies one function to many tasks.

    A task may be tried more than once, since its process may die; its result comes once.
    """

    def run(
        self, work: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[int, Result | Lost]]:
        """Each task's place in `tasks` with its result, as they come, in any order.

        `tasks` is drawn from as results are taken. An exception that `work` raises ends the run and
        is raised here. To stop early, close the iterator.
        """
        ...


@dataclass(frozen=True)
class ThisProcess:
    """The engine that does one task after the other, here, when its result is asked for."""

    def run(
        self, work: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[int, Result | Lost]]:
        """Each task's place with its result, in order."""
        for place, task in enumerate(tasks):
            yield place, work(task)


def here() -> Engine:
    """The engine that needs nothing: this process, one task after the other."""
    return ThisProcess()
