"""`python -m benchmarks.fits.run CODE [--arm ARM] [--count N] [--threads T]`: fit with one code.

Makes the code's environment on first use. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse

from benchmarks.fits.environments import run_in
from benchmarks.fits.real import REAL_ARM
from benchmarks.fits.samples import results_path, sample_path
from benchmarks.fits.simulated import ARMS

COUNTS = {"astrophot": 200, "pysersic": 20, "pyimfit": 200, "statmorph": 200}


def main() -> None:
    """Fit the galaxies of one arm, or of all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("code", choices=COUNTS)
    parser.add_argument("--arm", choices=(*ARMS, REAL_ARM), help="all that were prepared if none")
    parser.add_argument("--count", type=int, help=f"galaxies an arm, by default {COUNTS}")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    count = str(asked.count or COUNTS[asked.code])
    for arm in [asked.arm] if asked.arm else [*ARMS, REAL_ARM]:
        if asked.arm or sample_path(arm).exists():
            files = str(sample_path(arm)), str(results_path(arm, asked.code))
            run_in(asked.code, *files, "--count", count, threads=asked.threads)


if __name__ == "__main__":
    main()
