"""Galaxies out of mosaics: stamps a second of processor time, and memory, from tiles of 4200 px.

`python -m benchmarks.mosaics` writes a tile of noise (image, mask and variance) in four forms, and
reads stamps at random places from it: one, ten, and two thousand at a time. Tiles are in the page
cache; opening the catalogue and the tile's header is not counted, planning and WCS are.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from gampen.catalog import Catalog
from gampen.cutouts import Cutout
from gampen.storage.mosaics import Cutting, open_mosaics
from gampen.storage.sizes import Size
from gampen.storage.tables import write_catalog

TILE, MARGIN = 4200, 130
STEP = 0.168 / 3600
SKY = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.2}
PLACE = {"CRPIX1": TILE / 2, "CRPIX2": TILE / 2, "CD1_1": -STEP, "CD2_2": STEP, "MAGZERO": 27.0}
LOTS = ((1, 239), (10, 239), (2000, 96), (2000, 239))


def main() -> None:
    """Measure and print."""
    header = fits.Header({**SKY, **PLACE})
    with tempfile.TemporaryDirectory() as folder:
        for name, hdus in tiles(header).items():
            path = Path(folder) / f"{name}.fits"
            fits.HDUList(hdus).writeto(path)
            path.read_bytes()
            rates = [f"{rate(path, *lot):7.0f}" for lot in LOTS]
            print(f"{name:28}", *rates, flush=True)
            path.unlink()
    print("columns:", ", ".join(f"{number} of {side} px" for number, side in LOTS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory, making the tiles included: {peak:.0f} MB")


def tiles(header: fits.Header) -> dict[str, list[fits.hdu.base.ExtensionHDU]]:
    """The same tile in several forms."""
    random = np.random.default_rng(1)
    image = random.normal(size=(TILE, TILE)).astype(np.float32)
    mask = (random.uniform(size=image.shape) < 0.01).astype(np.int32)
    variance = random.uniform(0.5, 1.5, size=image.shape).astype(np.float32)

    def packed(array: np.ndarray, shape: tuple[int, int], **options: object) -> fits.CompImageHDU:
        how = {"quantize_level": 16.0, "tile_shape": shape}
        return fits.CompImageHDU(array, **{**how, **options})

    maps = {"MASK": mask, "VARIANCE": variance}
    plain = [fits.ImageHDU(array, name=name) for name, array in maps.items()]
    rows = [packed(array, (1, TILE), name=name) for name, array in maps.items()]
    return {
        "plain": [fits.PrimaryHDU(image, header)],
        "plain, with maps": [fits.PrimaryHDU(image, header), *plain],
        "packed in squares of 100 px": [
            fits.PrimaryHDU(),
            packed(image, (100, 100), header=header),
        ],
        "packed by rows": [fits.PrimaryHDU(), packed(image, (1, TILE), header=header)],
        "packed by rows, with maps": [
            fits.PrimaryHDU(),
            packed(image, (1, TILE), header=header),
            *rows,
        ],
    }


def rate(path: Path, number: int, side: int) -> float:
    """Stamps read in a second of processor time, the best of three times."""
    places = np.random.default_rng(number).uniform(MARGIN, TILE - MARGIN, size=(number, 2))
    sky = WCS(fits.Header({**SKY, **PLACE})).pixel_to_world(*places.T)
    catalog = path.with_suffix(".parquet")
    write_catalog(Catalog.of(ra=sky.ra.deg, dec=sky.dec.deg), catalog)
    source = open_mosaics([path], catalog, Cutting(Size(side)))
    times = []
    for _ in range(3):
        began = time.process_time()
        read = sum(isinstance(entry, Cutout) for entry in source.read())
        times.append(time.process_time() - began)
        assert read == number
    return number / min(times)


if __name__ == "__main__":
    main()
