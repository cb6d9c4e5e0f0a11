"""Reading galaxies: cutouts a second from FITS files and from a packed file, page cache warm."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gampen.cutouts import Cutout
from gampen.storage.fits import write_cutout
from gampen.storage.layouts import open_folder
from gampen.storage.packed import open_packed, write_packed
from gampen.storage.sources import Source

ROUNDS = 3


def write_galaxies(folder: Path, galaxies: int, side: int) -> None:
    """Write noise, with a header such as cutouts have."""
    generator = np.random.default_rng(1)
    for number in range(galaxies):
        pixels = generator.normal(size=(side, side)).astype(np.float32)
        facts = {"psf_fwhm": 4.0, "pixel_scale": 0.168, "zero_point": 27.0, "ra": 150.0, "dec": 2.0}
        write_cutout(Cutout(pixels, **facts), folder / f"galaxy-{number:06d}.fits")


def rate(read: Callable[[], object], galaxies: int) -> float:
    """The best of a few rounds, after one to warm up."""
    took = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        read()
        took.append(time.process_time() - began)
    return galaxies / min(took[1:])


def every_pixel(source: Source) -> float:
    """The sum of all pixels, which touches each page."""
    return sum(float(entry.pixels.sum()) for entry in source.read() if isinstance(entry, Cutout))


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galaxies", type=int, default=2000)
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 239])
    given = parser.parse_args()
    print("| side | FITS /s | packed /s | ratio | pack /s | MB FITS | MB packed |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for side in given.sides:
        with tempfile.TemporaryDirectory() as name:
            folder, packed = Path(name, "galaxies"), Path(name, "galaxies.arrow")
            folder.mkdir()
            write_galaxies(folder, given.galaxies, side)
            loose = open_folder(folder)
            began = time.process_time()
            write_packed(loose.read(), packed)
            packing = given.galaxies / (time.process_time() - began)
            source = open_packed(packed)
            assert every_pixel(source) == every_pixel(loose)
            slow = rate(lambda loose=loose: every_pixel(loose), given.galaxies)
            fast = rate(lambda source=source: every_pixel(source), given.galaxies)
            sizes = (sum(f.stat().st_size for f in folder.iterdir()), packed.stat().st_size)
            print(
                f"| {side} | {slow:,.0f} | {fast:,.0f} | {fast / slow:.1f} | {packing:,.0f} "
                f"| {sizes[0] / 1e6:.0f} | {sizes[1] / 1e6:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
