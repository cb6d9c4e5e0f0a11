"""Prediction from FITS files to the catalogue: time a galaxy and peak memory.

`python -m benchmarks.prediction` writes 1,000 simulated cutouts of 96 px, then times the whole
command (process start, reading, network, summaries, writing) and the command on a single galaxy,
which is what starting up costs.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.commands import run

GALAXIES, SIZE = 1000, 96
RUNFILE = Path(__file__).parent.parent / "examples" / "runs" / "hsc_wide_i.toml"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "run.toml"
        settings.write_text(RUNFILE.read_text().replace("[143]", f"[{SIZE}]"))
        simulated = str(Path(folder) / "simulated")
        run("simulate", str(settings), "--count", str(GALAXIES), "--out", simulated)
        single = next((Path(simulated) / "cutouts").iterdir())
        out = str(Path(folder) / "catalogue.parquet")
        starts = [run("predict", str(single), "--out", out) for _ in range(3)]
        costs = [run("predict", simulated, "--out", out) for _ in range(5)]
    whole, start = (min(cost.seconds for cost in found) for found in (costs, starts))
    print(f"{GALAXIES} cutouts of {SIZE} px on {os.cpu_count()} cores, best of {len(costs)} runs")
    print(f"whole command: {whole:.2f} s = {1000 * whole / GALAXIES:.2f} ms a galaxy")
    further = 1000 * (whole - start) / (GALAXIES - 1)
    print(f"one galaxy: {start:.2f} s; so {further:.2f} ms for each further one")
    print(f"peak memory: {max(cost.megabytes for cost in costs):.0f} MB")


if __name__ == "__main__":
    main()
