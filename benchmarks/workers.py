"""Prediction by workers: what a second one brings, and what the engine costs.

`python -m benchmarks.workers [GALAXIES] [SIDE]` (8,192, 96). Parts are predicted by one thread of
this process, by one worker and by two, each of one thread, best of some rounds. Starting workers
is not counted: it is paid once a run. Two processes beside each other, without any engine, show
what the machine itself has to give.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.many import IMAGES, listing, simulated
from gampen.scaling.cluster import local
from gampen.scaling.engine import Engine, here
from gampen.verbs.parts import predict_part
from gampen.verbs.predict import Run
from gampen.verbs.predict_request import PredictRequest

ROUNDS = 2
ALONE = "from benchmarks.workers import alone; alone(*__import__('sys').argv[1:])"


def parts_by(engine: Engine, table: Path, out: Path) -> float:
    """[s] for all parts, by an engine; the first of them warms it up."""
    run = Run.of(PredictRequest(table, out).absolute())
    tasks = list(run.tasks())
    warm = [run.tasks().__next__() for _ in range(2)]
    list(engine.run(predict_part, warm))
    began = time.perf_counter()
    done = list(engine.run(predict_part, tasks))
    seconds = time.perf_counter() - began
    assert len(done) == len(tasks)
    shutil.rmtree(run.parts.folder)
    return seconds


def alone(table: str, out: str) -> None:
    """All parts in this process, by one thread; says how long it took."""
    torch.set_num_threads(1)
    print(parts_by(here(), Path(table), Path(out)))


def side_by_side(table: Path, folder: Path, processes: int) -> float:
    """[s] that processes need which know nothing of each other, each for all of the galaxies."""
    command = [sys.executable, "-c", ALONE, str(table)]
    outs = [str(folder / f"{number}.parquet") for number in range(processes)]
    started = [
        subprocess.Popen([*command, out], stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        for out in outs
    ]
    return max(float(process.communicate()[0]) for process in started)


def by_workers(count: int, table: Path, out: Path) -> float:
    """[s] for all parts by so many workers."""
    with local(count) as engine:
        return parts_by(engine, table, out)


def main(galaxies: str = "8192", side: str = "96") -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = listing(simulated(folder, IMAGES, int(side)), int(galaxies))
        out = folder / "catalogue.parquet"
        measured: dict[str, Callable[[], float]] = {
            "one process": lambda: side_by_side(table, folder, 1),
            "one worker": lambda: by_workers(1, table, out),
            "two workers": lambda: by_workers(2, table, out),
            "two processes, all galaxies each": lambda: side_by_side(table, folder, 2),
        }
        best = {what: min(work() for _ in range(ROUNDS)) for what, work in measured.items()}
    for what, seconds in best.items():
        print(f"{what:34} {seconds:6.1f} s")
    print(f"engine: {best['one worker'] / best['one process'] - 1:+.1%}")
    print(f"two workers are {best['one worker'] / best['two workers']:.2f} x one")
    whole = 2 * best["one process"] / best["two processes, all galaxies each"]
    print(f"two processes without an engine are {whole:.2f} x one")


if __name__ == "__main__":
    main(*sys.argv[1:])
