"""Real galaxies that other telescopes, surveys or codes have measured as well.

`python -m benchmarks.real_sky DATA [ESTIMATOR] [--out FOLDER]` measures the galaxies of a folder of
real images, prints ours beside what others found, and draws every frame into FOLDER. Nothing is
ever trained on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.real_sky import hubble, others, surveys
from benchmarks.real_sky.pictures import save_sheet
from gampen.estimator import Estimator

PARTS = {
    "hsc_hst": ("HSC i against published fits to Hubble's F814W", hubble.compare),
    "kids_sdss": ("KiDS r against SDSS r", surveys.compare_profit),
    "hsc_hst_pair": ("HSC i against HST F814W, pixels of both", surveys.compare_telescopes),
    "others": ("All others: plausible?", others.show),
}


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of real images")
    parser.add_argument("estimator", nargs="?", default="universal", help="a name or a file")
    parser.add_argument("--out", type=Path, help="where to write pictures of all frames")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    estimator = Estimator.load(arguments.estimator)
    print(f"estimator {estimator.name}")
    for name, (title, part) in PARTS.items():
        print(f"\n## {title}\n")
        galaxies, texts = part(arguments.data, estimator)
        if arguments.out is not None:
            save_sheet(arguments.out, name, galaxies, texts)


if __name__ == "__main__":
    main()
