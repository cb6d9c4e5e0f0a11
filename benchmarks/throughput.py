"""Galaxies per second from FITS files to the catalogue, beside reading alone and the network alone.

`python -m benchmarks.throughput [GALAXIES] [SIDE]` (4,000, 96), in one process, from page-cached
files, each measurement the best of three. What is to be compared changes by the minute on a shared
machine, so all are taken in turns, and ratios are what counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits

from benchmarks.many import simulated
from gampen.cutouts import Cutout
from gampen.estimator import Estimator
from gampen.inference.looking import look
from gampen.inference.sampling import LANE
from gampen.network.dropout import Masks
from gampen.network.frames import Frames
from gampen.scaling.pipeline import lanes
from gampen.storage.layouts import open_folder
from gampen.verbs.predict import predict
from gampen.verbs.predict_request import PredictRequest

Images = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
ROUNDS = 3
IN_MEMORY = 512  # galaxies whose images the network alone is given, again and again


def images_in_memory(home: Path) -> list[Images]:
    """The images of some galaxies as tensors, in groups as a lane takes them."""
    galaxies = [e for e in open_folder(home).take(range(IN_MEMORY)).read() if isinstance(e, Cutout)]
    starts = range(0, len(galaxies) - LANE + 1, LANE)
    return [tensors_of(galaxies[start : start + LANE]) for start in starts]


def tensors_of(cutouts: list[Cutout]) -> Images:
    """Images, bad pixels and widths and concentrations of PSFs."""
    images, bad = (
        torch.from_numpy(np.stack([getattr(c, n) for c in cutouts])) for n in ("pixels", "bad")
    )
    psfs = (
        [getattr(c, n) or torch.nan for c in cutouts] for n in ("psf_fwhm", "psf_concentration")
    )
    return images, bad, *(torch.tensor(values, dtype=torch.float32) for values in psfs)


@torch.no_grad()
def through(estimator: Estimator, masks: Masks, guarded: bool, images: Images) -> None:
    """Run the network, with the guard or without; its first act is to measure the noise."""
    looked = look(estimator.own_network, Frames.prepare(*images))
    for side in looked.sides:
        estimator.own_network.conclude(side.summary, side.guess, masks)
    if guarded and estimator.guard is not None:
        estimator.guard(looked.evidence)


def network_alone(estimator: Estimator, groups: Sequence[Images], guarded: bool, n: int) -> None:
    """Have the network look at so many galaxies, in lanes side by side."""
    masks = Masks.of_head(estimator.own_network.settings, 64, 0)
    with lanes() as side:
        whole = [groups[place % len(groups)] for place in range(-(-n // LANE))]
        done = [side.submit(through, estimator, masks, guarded, images) for images in whole]
        for future in done:
            future.result()


def one_by_one(estimator: Estimator, groups: Sequence[Images], n: int) -> None:
    """The same on all threads for one group at a time, as torch does it by itself."""
    masks = Masks.of_head(estimator.own_network.settings, 64, 0)
    for place in range(-(-n // LANE)):
        through(estimator, masks, False, groups[place % len(groups)])


def read_by_astropy(files: Sequence[Path]) -> None:
    """Read the pixels of all files."""
    for file in files:
        fits.getdata(file, memmap=False)


def read_by_fitsio(files: Sequence[Path]) -> None:
    """The same with fitsio, where it is installed."""
    import fitsio

    for file in files:
        fitsio.read(str(file))


def read_by_gampen(home: Path) -> None:
    """Read the files with all that they and the table say."""
    for _ in open_folder(home).read():
        pass


def rates(measured: dict[str, Callable[[], object]], galaxies: int) -> dict[str, float]:
    """Galaxies per second of each, the best of some rounds in turns."""
    best = dict.fromkeys(measured, 0.0)
    for _ in range(ROUNDS):
        for name, work in measured.items():
            began = time.perf_counter()
            work()
            best[name] = max(best[name], galaxies / (time.perf_counter() - began))
    return best


def main(galaxies: str = "4000", side: str = "96") -> None:
    """Measure and print."""
    n = int(galaxies)
    estimator = Estimator.load("universal")
    with tempfile.TemporaryDirectory() as folder:
        home = simulated(Path(folder), n, int(side))
        files = sorted((home / "cutouts").iterdir())
        groups = images_in_memory(home)
        request = PredictRequest(home, Path(folder) / "catalogue.parquet")
        measured = {
            "end to end": partial(predict, request),
            "reading, astropy alone": partial(read_by_astropy, files),
            "reading, gampen alone": partial(read_by_gampen, home),
            "network alone": partial(network_alone, estimator, groups, False, n),
            "network alone, a group at a time": partial(one_by_one, estimator, groups, n),
            "network and guard alone": partial(network_alone, estimator, groups, True, n),
        }
        try:
            import fitsio  # noqa: F401
        except ModuleNotFoundError:
            print("fitsio is not installed: not measured")
        else:
            measured["reading, fitsio alone"] = partial(read_by_fitsio, files)
        predict(replace(request, out=Path(folder) / "first.parquet"))
        found = rates(measured, n)
    print(f"{n} galaxies of {side} px, {torch.get_num_threads()} threads; galaxies/s, best of 3")
    for name, rate in found.items():
        print(f"{name:34} {rate:8.0f}   end to end is {found['end to end'] / rate:.2f} of it")


if __name__ == "__main__":
    main(*sys.argv[1:])
