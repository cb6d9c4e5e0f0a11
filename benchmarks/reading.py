"""Reading cutouts: files a second of one core, as ratios to astropy and fitsio on the same files.

`python -m benchmarks.reading [N]` writes N float32 cutouts of 96 and of 239 px, then reads each lot
three times, from the page cache: by `read_cutouts`, with all that it finds out (pixels in this
machine's byte order, bad pixels, flags, WCS, pixel scale, zero point, PSF), and the bare pixels by
`astropy.io.fits.getdata(memmap=False)` and by fitsio where that is installed. fitsio is GPL:
nothing but this measurement knows of it. CPU time, the best of three rounds, taken in turn.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.io import fits

from gampen.catalog import Catalog
from gampen.cutouts import Cutout
from gampen.storage.fits import header_of, image_bytes
from gampen.storage.layouts import CUTOUTS, Folder, open_folder, read_cutouts
from gampen.storage.tables import write_catalog

SIDES, ROUNDS = (96, 239), 3
KNOWN = {"psf_fwhm": 3.5, "pixel_scale": 0.168, "zero_point": 27.0}


def write(root: Path, side: int, count: int) -> Folder:
    """Write cutouts of noise with a header of twenty cards, each with a position of its own."""
    random = np.random.default_rng(1)
    (root / CUTOUTS).mkdir(parents=True)
    names = np.array([f"galaxy_{number:06d}.fits" for number in range(count)])
    places = random.uniform((0, -80), (360, 80), size=(count, 2))
    for name, (ra, dec) in zip(names, places.tolist(), strict=True):
        pixels = random.normal(size=(side, side)).astype(np.float32)
        cutout = Cutout(pixels, ra=ra, dec=dec, **KNOWN)
        (root / CUTOUTS / name).write_bytes(image_bytes(pixels, header_of(cutout)))
    catalog = Catalog.of(file_name=names, ra=places[:, 0], dec=places[:, 1])
    write_catalog(catalog, root / "info.csv")
    return open_folder(root)


def by_gampen(folder: Folder) -> None:
    """All that reading finds out."""
    for entry in read_cutouts(folder):
        assert isinstance(entry, Cutout)


def by_astropy(folder: Folder) -> None:
    """The bare pixels, by astropy."""
    for name in folder.file_names:
        fits.getdata(folder.root / CUTOUTS / name, memmap=False)


def by_fitsio(folder: Folder) -> None:
    """The bare pixels, by fitsio."""
    import fitsio

    for name in folder.file_names:
        fitsio.read(str(folder.root / CUTOUTS / name))


def seconds(reader: Callable[[Folder], None], folder: Folder) -> float:
    """CPU time of a reader."""
    start = time.process_time()
    reader(folder)
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    readers = {"gampen": by_gampen, "astropy": by_astropy}
    if importlib.util.find_spec("fitsio"):
        readers["fitsio"] = by_fitsio
    for side in SIDES:
        with tempfile.TemporaryDirectory() as place:
            folder = write(Path(place) / "galaxies", side, count)
            rounds = [{n: seconds(r, folder) for n, r in readers.items()} for _ in range(ROUNDS)]
        best = {name: min(taken[name] for taken in rounds) for name in readers}
        rates = ", ".join(f"{name} {count / best[name]:.0f}" for name in readers)
        print(f"{count} files of {side} px, files a second of one core: {rates}")
        others = [name for name in readers if name != "gampen"]
        ratios = ", ".join(f"{best[name] / best['gampen']:.2f} times {name}" for name in others)
        print(f"    gampen is {ratios}")


if __name__ == "__main__":
    main()
