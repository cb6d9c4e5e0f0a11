"""Peak memory of a prediction, which does not grow with the number of galaxies.

`python -m benchmarks.memory [SIDE] [GALAXIES ...]` (96, 1000 10000 100000).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.commands import run
from benchmarks.many import IMAGES, listing, simulated

MANY = ("1000", "10000", "100000")


def main(side: str = "96", *galaxies: str) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = simulated(Path(folder), IMAGES, int(side))
        for count in galaxies or MANY:
            table = listing(home, int(count))
            cost = run("predict", str(table), "--out", str(Path(folder) / "catalogue.parquet"))
            rate = int(count) / cost.seconds
            print(f"{count} of {side} px: {cost.megabytes:.0f} MB, {rate:.0f} / s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
