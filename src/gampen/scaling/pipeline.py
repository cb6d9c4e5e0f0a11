"""A bounded pipeline: reading runs ahead of the work by so much and no more, in flat memory."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=Hashable)
Given = ParamSpec("Given")

SWITCH = 5e-4
"""[s] after which a thread that runs Python gives way to another that waits."""

_END = object()


def fetched_ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """The items, so many of them fetched by another thread before they are asked for."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = deque(pool.submit(next, items, _END) for _ in range(depth))
        try:
            while (item := waiting.popleft().result()) is not _END:
                waiting.append(pool.submit(next, items, _END))
                yield item  # type: ignore[misc]
        finally:
            for future in waiting:
                future.cancel()


def bucketed(
    items: Iterable[Item],
    kind: Callable[[Item], Kind],
    size: Callable[[Kind], int],
    most: int,
) -> Iterator[list[Item]]:
    """The items in groups of one kind, of that kind's `size` each; the last of each kind are fewer.

    No more than `most` items wait for others of their kind: then the largest group goes as it is.
    Groups follow from the order of the items alone.
    """
    groups: dict[Kind, list[Item]] = {}
    waiting = 0
    for item in items:
        full = kind(item)
        group = groups.setdefault(full, [])
        group.append(item)
        waiting += 1
        if len(group) < size(full):
            if waiting < most:
                continue
            full = max(groups, key=lambda each: len(groups[each]))
        ready = groups.pop(full)
        waiting -= len(ready)
        yield ready
    yield from groups.values()


@dataclass(frozen=True)
class Lanes:
    """Threads that work side by side, and a limit to how much may wait for them."""

    pool: ThreadPoolExecutor
    room: threading.Semaphore

    def submit(
        self, work: Callable[Given, Result], *args: Given.args, **options: Given.kwargs
    ) -> Future[Result]:
        """Have something done; waits while too much is waiting."""
        self.room.acquire()
        try:
            future = self.pool.submit(work, *args, **options)
        except RuntimeError:
            self.room.release()
            raise
        future.add_done_callback(lambda _: self.room.release())
        return future


@contextmanager
def lanes(count: int | None = None) -> Iterator[Lanes]:
    """So many lanes, or as many as torch has threads; each has one thread of its own.

    Galaxies side by side keep all processors busier than the parts of one galaxy do, and a galaxy
    gets the same bits however many lanes there are.
    """
    threads, patience = torch.get_num_threads(), sys.getswitchinterval()
    side_by_side = count or threads
    pool = single_threaded(side_by_side)
    # Networks are hundreds of short calls: a lane that waits for another's Python wastes its turn.
    sys.setswitchinterval(SWITCH)
    try:
        yield Lanes(pool, threading.Semaphore(side_by_side + 1))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
        sys.setswitchinterval(patience)


def single_threaded(threads: int) -> ThreadPoolExecutor:
    """A pool of threads in each of which torch takes no further ones."""
    return ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
