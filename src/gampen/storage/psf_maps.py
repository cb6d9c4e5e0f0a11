"""PSFs that differ across a mosaic: images at positions on the sky, the nearest of which counts.

Two forms, which hold what surveys deliver, or what is made of it in a few lines. A table with
columns `ra`, `dec` and `psf_file`: one FITS image a position, as HSC's PSF service and the bricks
of the Legacy Surveys have them. Or one FITS file with the images as a cube, beside a table of `ra`
and `dec` with a row a plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from gampen.catalog import Catalog
from gampen.errors import GalaxyError, UsageError
from gampen.storage.celestial import unit_vectors
from gampen.storage.fits import psf_image
from gampen.storage.hdus import read_hdus
from gampen.storage.homes import Homes, version_of
from gampen.storage.planes import Band, squeezed
from gampen.storage.positions import positioned
from gampen.storage.tables import read_catalog

Image = Shaped[np.ndarray, "height width"]

AT_ONCE = 1 << 22
"""Distances that are looked at together."""


@dataclass(frozen=True, eq=False)
class PsfMap:
    """Images of the PSF at positions, in pixels of the mosaic.

    `files` are those of the positions, relative to the table's folder; without any, `path` holds
    the images as a cube.
    """

    path: Path
    vectors: Float64[np.ndarray, "position 3"]
    files: tuple[str, ...]
    band: Band

    def nearest(
        self, ra: Float64[np.ndarray, " galaxy"], dec: Float64[np.ndarray, " galaxy"]
    ) -> Int64[np.ndarray, " galaxy"]:
        """The number of the position that is nearest to each galaxy on the sky."""
        vectors = np.nan_to_num(unit_vectors(ra, dec))
        step = max(AT_ONCE // len(self.vectors), 1)
        runs = (vectors[start : start + step] for start in range(0, len(vectors), step))
        found = [_squared(run, self.vectors).argmin(axis=-1) for run in runs]
        return np.concatenate([*found, np.zeros(0, dtype=np.int64)])

    def image(self, number: int) -> Image:
        """The image at a position; `GalaxyError` where its file has none."""
        if not self.files:
            planes = _planes(self.path, self.path.stat().st_mtime_ns)
            return np.asarray(planes[number])
        try:
            found = Homes.of(self.path.parent).find(self.files[number])
            return psf_at(Path(found), self.band)
        except GalaxyError as error:
            raise GalaxyError(f"the PSF file {self.files[number]}: {error}") from None

    def version(self) -> str:
        """What changes where the map or one of its files does."""
        home = (str(self.path.parent),)
        return version_of(home, self.path.name) + "".join(version_of(home, f) for f in self.files)


def open_psf_map(path: Path, band: Band = None) -> PsfMap:
    """The PSFs of a table of positions and files, or of a FITS file of a cube and their positions.

    `band` is the plane to read where a file of the table holds several. `UsageError` where the
    positions or the images are missing, or differ in number.
    """
    path = Path(path).absolute()  # as it holds in any process
    catalog = positioned(read_catalog(path), path)
    ra, dec = catalog["ra"].numbers(), catalog["dec"].numbers()
    if not len(catalog) or not (np.isfinite(ra) & np.isfinite(dec)).all():
        raise UsageError(f"{path} must hold positions, all of them numbers; it does not")
    files = file_names(catalog)
    if not files and path.suffix.lower() != ".fits":
        raise UsageError(f"{path} must have a column 'psf_file'; it has {', '.join(catalog.names)}")
    if not files:
        check_cube(path, len(catalog))
    found = PsfMap(path, unit_vectors(ra, dec), files, band)
    try:
        found.image(0)
    except GalaxyError as error:
        raise UsageError(f"{path}: {error}") from None
    return found


def file_names(catalog: Catalog) -> tuple[str, ...]:
    """The files that a table of PSFs names; none where it has no such column."""
    return tuple(catalog["psf_file"].text()) if "psf_file" in catalog else ()


def check_cube(path: Path, positions: int) -> None:
    """Refuse, with a `UsageError`, a file without a cube of as many images as positions."""
    try:
        planes = len(_planes(path, path.stat().st_mtime_ns))
    except GalaxyError as error:
        raise UsageError(f"{path}: {error}") from None
    if planes != positions:
        raise UsageError(f"{path} must hold an image a position; it has {planes} and {positions}")


def psf_at(path: Path, band: Band) -> Image:
    """The image of the PSF in a file, read once while the file stays as it is."""
    return _psf_of_version(path, band, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _psf_of_version(path: Path, band: Band, _modified: int) -> Image:
    return np.array(psf_image(path, band))


@lru_cache(maxsize=2)
def _planes(path: Path, _modified: int) -> Shaped[np.ndarray, "position height width"]:
    """The images of a cube; a single one may do without its axis of positions."""
    for hdu in read_hdus(path):
        array = squeezed(hdu)
        if array.ndim in (2, 3) and array.size:
            return np.array(array if array.ndim == 3 else array[None])
    raise GalaxyError("the file must hold a cube of images, position first; it has none")


def _squared(
    vectors: Float64[np.ndarray, "galaxy 3"], others: Float64[np.ndarray, "position 3"]
) -> Float64[np.ndarray, "galaxy position"]:
    """Squared chords, by differences: products cannot tell near directions apart."""
    found: Float64[np.ndarray, "galaxy position"] = sum(
        (vectors[:, None, axis] - others[None, :, axis]) ** 2 for axis in range(3)
    )
    return found
