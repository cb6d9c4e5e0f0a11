"""Accidents: a run that is killed again and again ends in the catalogue of an undisturbed one.

`python -m benchmarks.accidents [GALAXIES] [KILLS] [SEED]` (20,000, 20, 1) predicts simulated
galaxies undisturbed; then with the main process killed at random times and started again; then with
two workers that are killed at random times while the run goes on. SIGKILL each time.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.many import IMAGES, listing, simulated
from gampen.scaling.chunks import chunks
from gampen.scaling.plan import PART
from gampen.storage.tables import read_catalog

GAMPEN = Path(sys.executable).with_name("gampen")
SIDE = 96
PARTS_APART = 1.6  # between two deaths at most, as long as so many parts take


def start(table: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    """A prediction, running."""
    command = [GAMPEN, "predict", table, "--out", out, *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command


@dataclass(frozen=True)
class Pace:
    """How long a start and a part take [s]."""

    start: float
    part: float

    @classmethod
    def of(cls, folder: Path, table: Path, whole: Path, galaxies: int) -> Pace:
        """Those of a run that is not disturbed, which writes `whole`."""
        image = next((folder / "simulated" / "cutouts").iterdir())
        seconds = []
        for source, out in ((image, folder / "single.parquet"), (table, whole)):
            began = time.perf_counter()
            assert start(source, out).wait() == 0
            seconds.append(time.perf_counter() - began)
        print(f"undisturbed: {seconds[1]:.0f} s, of which {seconds[0]:.1f} s to start", flush=True)
        return cls(seconds[0], (seconds[1] - seconds[0]) / len(chunks(galaxies, PART)))


def kill_main(table: Path, out: Path, kills: int, pace: Pace, chance: random.Random) -> int:
    """Kill the process again and again, and start it anew; how many kills hit it at work."""
    killed = 0
    while killed < kills:
        process = start(table, out)
        try:
            process.wait(pace.start + chance.uniform(0, PARTS_APART * pace.part))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
            print(f"  killed {killed}: {parts_of(out)} parts are there", flush=True)
            continue
        break
    assert start(table, out).wait() == 0
    return killed


def kill_workers(table: Path, out: Path, kills: int, pace: Pace, chance: random.Random) -> int:
    """Kill one worker after the other while the run goes on."""
    process = start(table, out, "--workers", "2")
    killed = 0
    while process.poll() is None and killed < kills:
        time.sleep(pace.start / 2 + chance.uniform(0, PARTS_APART * pace.part))
        workers = workers_of(process.pid)
        if workers and process.poll() is None:
            chance.choice(workers).kill()
            killed += 1
            print(f"  killed {killed}: {parts_of(out)} parts are there", flush=True)
    assert process.wait() == 0
    return killed


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a run."""
    try:
        children = psutil.Process(pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def parts_of(out: Path) -> int:
    """How many parts are on disk."""
    return len(list(out.with_name(out.name + ".parts").glob("part-*.parquet")))


def compare(one: Path, other: Path, galaxies: int) -> None:
    """Say whether two catalogues are the same, and each galaxy is there once."""
    ids = read_catalog(other)["object_id"].text()
    print(f"  same bytes: {one.read_bytes() == other.read_bytes()}")
    print(f"  each of {galaxies} galaxies once: {sorted(set(ids)) == ids and len(ids) == galaxies}")


def main(galaxies: str = "20000", kills: str = "20", seed: str = "1") -> None:
    """Measure and print."""
    chance, count = random.Random(int(seed)), int(galaxies)  # noqa: S311 - no secret
    threads = os.environ.get("OMP_NUM_THREADS", "as many as it takes")
    print(f"{galaxies} galaxies, {os.cpu_count()} cores, threads: {threads}")
    with tempfile.TemporaryDirectory() as folder:
        home = simulated(Path(folder), min(count, IMAGES), SIDE)
        table, whole = listing(home, count), Path(folder) / "undisturbed.parquet"
        pace = Pace.of(Path(folder), table, whole, count)
        for name, disturb in (("the main process", kill_main), ("workers", kill_workers)):
            out = Path(folder) / f"{disturb.__name__}.parquet"
            began = time.perf_counter()
            hits = disturb(table, out, int(kills), pace, chance)
            print(f"{name}: {hits} SIGKILLs, {time.perf_counter() - began:.0f} s", flush=True)
            compare(whole, out, count)


if __name__ == "__main__":
    main(*sys.argv[1:])
