"""Accuracy and calibration of an estimator on fresh simulations like Hyper Suprime-Cam Wide i.

`python -m benchmarks.accuracy [ESTIMATOR [SEED]]` simulates 2,000 galaxies, unseen by training,
predicts them and compares with the truth, all through the command line.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.commands import run

GALAXIES, SEED = 2000, "2026"
RUNFILE = Path(__file__).parent.parent / "examples" / "runs" / "hsc_wide_i.toml"


def main(estimator: str = "universal", seed: str = SEED) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        simulated, out, report = (str(Path(folder) / name) for name in ("sims", "cat.parquet", "r"))
        where = ("--count", str(GALAXIES), "--seed", seed, "--out", simulated)
        run("simulate", str(RUNFILE), *where)
        run("predict", simulated, "--estimator", estimator, "--out", out)
        run("evaluate", out, str(Path(simulated) / "info.csv"), "--out", report)
        figures = json.loads((Path(report) / "figures.json").read_text())
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
