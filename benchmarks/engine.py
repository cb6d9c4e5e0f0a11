"""`python -m benchmarks.engine`: what workers bring, and what they cost.

The same work of 1 s a task in this process, in one worker and in two, best of three; the time until
workers are there and until they are gone; the time of a task in which there is nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gampen.scaling.cluster import local
from gampen.scaling.engine import Engine, here

TASKS, SECONDS, EMPTY, ROUNDS = 8, 1.0, 1000, 3


def turns(number: int) -> int:
    """Work that takes as long as `number` says and uses nothing but the processor."""
    total = 0
    for turn in range(number):
        total += turn * turn % 7
    return total


def nothing(number: int) -> int:
    """The number."""
    return number


def took(call: Callable[[], object]) -> float:
    """[s]"""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def best(engine: Engine, work: list[int]) -> float:
    """[s] for all tasks."""
    return min(took(lambda: list(engine.run(turns, work))) for _ in range(ROUNDS))


def main() -> None:
    """Measure and print."""
    number = int(SECONDS * 1e6 / min(took(lambda: turns(1_000_000)) for _ in range(ROUNDS)))
    work = [number] * TASKS
    inside = best(here(), work)
    print(f"{TASKS} tasks in this process: {inside:.2f} s")
    for workers in (1, 2):
        start = time.perf_counter()
        with local(workers) as engine:
            ready = time.perf_counter() - start
            seconds = best(engine, work)
            empty = min(took(lambda: list(engine.run(nothing, range(EMPTY)))) for _ in range(2))
            start = time.perf_counter()
        gone = time.perf_counter() - start
        print(f"{workers} workers: {seconds:.2f} s, {inside / seconds:.2f} times this process")
        print(f"  there after {ready:.2f} s, gone after {gone:.2f} s", end="; ")
        print(f"{1000 * empty / EMPTY:.1f} ms for a task of nothing")


if __name__ == "__main__":
    main()
