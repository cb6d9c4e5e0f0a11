"""Errands: what a worker of a cluster is sent, and what it does with it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Generic, TypeVar

from gampen.errors import UsageError
from gampen.scaling.memory import keep_memory

Task = TypeVar("Task")

UNKNOWN = "Can't get attribute"
"""What Python says where a module is older than the one that is asked for."""


@dataclass(frozen=True)
class Errand(Generic[Task]):
    """One task with the work, such that to unpickle it is to do it.

    So it travels as bytes, which a scheduler or a worker without our modules can read and refuse.
    """

    work: bytes
    task: Task
    versions: dict[str, str]

    def __reduce__(self) -> tuple[object, ...]:
        """What unpickling calls, and with what."""
        return _do, (self.work, self.task, self.versions)


def _do(work: bytes, task: object, wanted: dict[str, str]) -> object:
    """The result, from one thread of a worker; `UsageError` where it has other versions."""
    if versions() != wanted:
        raise UsageError(
            f"workers must run what this process runs, {_listed(wanted)}; "
            f"one runs {_listed(versions())}"
        )
    keep_memory()
    doing = _unpacked(work)
    single_threaded()
    return doing(task)


@lru_cache(maxsize=1)
def _unpacked(work: bytes) -> Callable[[object], object]:
    """The work of a run, one and the same for all its tasks."""
    found: Callable[[object], object] = pickle.loads(work)  # noqa: S301, from who may send work
    return found


@cache
def versions() -> dict[str, str]:
    """What the answers of a process depend on."""
    packages = {name: version(name) for name in ("gampen", "torch", "numpy")}
    return {"Python": ".".join(map(str, sys.version_info[:2])), **packages}


def _listed(found: dict[str, str]) -> str:
    """Names and versions, as one reads them."""
    return ", ".join(f"{name} {number}" for name, number in found.items())


def single_threaded() -> None:
    """Nothing, once torch, if it is there, computes with one thread: the other cores are taken."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """A block in which an error of the cluster is a `UsageError`, and one of the work is itself."""
    from distributed import CancelledError
    from distributed.client import ClosedClientError
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (CancelledError, ClosedClientError, CommClosedError) as error:
        raise UsageError(
            f"the scheduler {where} must stay reachable; the connection was lost"
        ) from error
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, AttributeError) and not str(error).startswith(UNKNOWN):
            raise
        raise UsageError(
            f"the workers {where} must have installed what this process has; one has not: {error}"
        ) from error
