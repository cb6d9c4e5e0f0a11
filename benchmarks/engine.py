"""`python -m benchmarks.engine`: what workers bring, and what they cost.

The same work of 1 s a task in this process, in one worker and in two, in turn, best of several: by
the clock, which others on the machine disturb, and in seconds of processors, which they disturb
less. Then the time until workers are there and are gone, and of a task in which nothing is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import psutil

from gampen.scaling.cluster import local
from gampen.scaling.engine import Engine, here

TASKS, SECONDS, EMPTY, ROUNDS = 6, 1.0, 1000, 5


def turns(number: int) -> int:
    """Work that takes as long as `number` says and uses nothing but the processor."""
    total = 0
    for turn in range(number):
        total += turn * turn % 7
    return total


def nothing(number: int) -> int:
    """The number."""
    return number


@dataclass(frozen=True)
class Cost:
    """What a call took, by the clock and of all processors [s]."""

    clock: float
    processors: float

    def least(self, other: Cost) -> Cost:
        """The better of two measurements, by either."""
        return Cost(min(self.clock, other.clock), min(self.processors, other.processors))


def spent() -> float:
    """What this process and its children have used of processors [s]."""
    everyone = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in everyone)


def cost(call: Callable[[], object]) -> Cost:
    """What a call takes."""
    start, before = time.perf_counter(), spent()
    call()
    return Cost(time.perf_counter() - start, spent() - before)


def compared(engines: dict[str, Engine], work: list[int]) -> dict[str, Cost]:
    """The least that each engine took for the same tasks, all in turn."""
    found: dict[str, Cost] = {}
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            new = cost(lambda engine=engine: list(engine.run(turns, work)))
            found[name] = new.least(found.get(name, new))
    return found


def main() -> None:
    """Measure and print."""
    number = int(1e6 * SECONDS / min(cost(lambda: turns(1_000_000)).processors for _ in range(5)))
    with ExitStack() as stack:
        start = time.perf_counter()
        one = stack.enter_context(local(1))
        middle = time.perf_counter()
        two = stack.enter_context(local(2))
        there = middle - start, time.perf_counter() - middle
        engines = {"this process": here(), "one worker": one, "two workers": two}
        found = compared(engines, [number] * TASKS)
        empty = min(cost(lambda: list(two.run(nothing, range(EMPTY)))).processors for _ in range(2))
        start = time.perf_counter()
    gone = time.perf_counter() - start
    for name, each in found.items():
        print(f"{TASKS} tasks, {name}: {each.clock:.2f} s, {each.processors:.2f} s of processors")
    inside, single, double = found.values()
    print(f"overhead of a worker: {100 * (single.processors / inside.processors - 1):.1f} %")
    print(f"two workers are {single.clock / double.clock:.2f} times as fast as one")
    print(f"a task of nothing: {1000 * empty / EMPTY:.1f} ms of processors")
    print(f"one worker is there after {there[0]:.2f} s, two after {there[1]:.2f} s")
    print(f"three are gone after {gone:.2f} s")


if __name__ == "__main__":
    main()
