"""Tiles of a mosaic: what their files hold, known without pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from gampen.errors import GalaxyError, UsageError, reason_of
from gampen.storage.celestial import Footprint, celestial_wcs, footprint, places
from gampen.storage.headers import bands
from gampen.storage.layers import MAPS, Layer, choose_layers, header_of, layer_beside
from gampen.storage.pieces import Piece, kept_lines
from gampen.storage.planes import Band, Role
from gampen.storage.wcs import pixel_scale

if TYPE_CHECKING:
    from astropy.wcs import WCS

GZIP_MAGIC = b"\x1f\x8b"
Positions = Float64[np.ndarray, " galaxy"]


@dataclass(frozen=True)
class Beside:
    """Layers in files of their own: of which role, and what in a tile's name is put differently."""

    role: Role
    old: str
    new: str

    def other_name(self, path: Path) -> Path | None:
        """The file beside a tile; None where the names would not differ."""
        other = path.with_name(path.name.replace(self.old, self.new)) if self.old else path
        return None if other == path else other

    def path_of(self, path: Path) -> Path:
        """The file beside a tile; `UsageError` where the names do not differ."""
        other = self.other_name(path)
        if other is None:
            raise UsageError(
                f"the {self.role.value} of {path.name} must be in a file of another name; "
                f"{self.old!r} put as {self.new!r} leaves it as it is"
            )
        return other


@dataclass(frozen=True, eq=False)
class Tile:
    """What is known of a tile before its pixels are: its layers, the image first, and its sky.

    `primary` is the header of the file's first HDU where the image lies in another, `scale` the
    side of a pixel [arcsec], None where no header tells it.
    """

    path: Path
    layers: tuple[Layer, ...]
    primary: Piece | None
    wcs: WCS
    bands: tuple[str, ...]
    scale: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [pixel]."""
        return self.layers[0].shape[0], self.layers[0].shape[1]

    @property
    def maps(self) -> tuple[Layer, ...]:
        """The layers that go along with the image, pixel by pixel, and the image itself."""
        return tuple(
            layer for layer in self.layers if layer is self.layers[0] or layer.role in MAPS
        )

    @property
    def footprint(self) -> Footprint:
        """The circle on the sky that holds the tile."""
        return footprint(self.wcs, self.shape)

    def places(self, ra: Positions, dec: Positions) -> tuple[Positions, Positions]:
        """Columns and rows [pixel, from 0] of positions [deg]; NaN where there is no such place."""
        return places(self.wcs, ra, dec)


def read_tile(path: Path, band: Band, beside: tuple[Beside, ...] = ()) -> Tile:
    """What a file holds of a band, and files beside it; pixels are not read.

    `UsageError` where it is no tile, or a file beside it is missing or of another shape.
    """
    others = tuple((one.role, one.path_of(path)) for one in beside)
    paths = (path, *(other for _, other in others))
    return _tile_of_version(path, band, others, tuple(map(version, paths)))


def version(path: Path) -> tuple[int, int]:
    """The size and the time of change of a file; `UsageError` where there is none."""
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(f"a mosaic must exist; {path}: {error.strerror}") from None
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=256)
def _tile_of_version(
    path: Path,
    band: Band,
    beside: tuple[tuple[Role, Path], ...],
    _versions: tuple[tuple[int, int], ...],
) -> Tile:
    with opened(path) as raw:
        layers = choose_layers(raw, path, band)
        primary = None if layers[0].number == 0 else Piece.of(kept_lines(header_of(raw[0])), None)
        # The header as it stands, with the sizes that a distortion may need.
        wcs = celestial_wcs(header_of(raw[layers[0].number]), str(path))
    for role, other in beside:
        with opened(other) as raw:
            layers = (*layers, layer_beside(raw, other, role, band))
    check_layers(layers)
    headers = (layers[0].cards, *(() if primary is None else (primary.cards,)))
    return Tile(path, layers, primary, wcs, bands(headers)[:1], pixel_scale(headers))


def check_layers(layers: tuple[Layer, ...]) -> None:
    """Refuse, with a `UsageError`, files that end too early, and maps of another shape."""
    image = layers[0]
    if len(image.shape) != 2:
        raise UsageError(f"{image.path}: an image must have two or three axes; it has one")
    for layer in layers:
        # What fills up the last block may be missing.
        if layer.end >= layer.path.stat().st_size:
            raise UsageError(f"{layer.path} must be whole; it ends within its pixels")
        if layer.role in MAPS and layer.shape != image.shape:
            raise UsageError(
                f"{layer.path}: {layer.role.value} and image must have one shape; "
                f"got {layer.shape} and {image.shape}"
            )


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A FITS file, open in astropy and read where it is looked at; `UsageError` for any other.

    So is a `GalaxyError` of whoever looks.
    """
    from astropy.io import fits

    with warnings.catch_warnings():
        # Whatever is odd about a file is either harmless here or ends in an error below.
        warnings.simplefilter("ignore")
        try:
            refuse_zipped(path)
            # Not mapped into memory: a map ends the process where a file is cut short meanwhile.
            raw = fits.open(path, memmap=False)
            len(raw)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - astropy raises a dozen kinds on damaged files
            raise UsageError(f"{path} must be a sound FITS file; got: {reason_of(error)}") from None
        try:
            with raw:
                yield raw
        except GalaxyError as error:
            raise UsageError(f"{path}: {error}") from None


def refuse_zipped(path: Path) -> None:
    """Refuse, with a `UsageError`, a file of which no part can be read without all before it."""
    with path.open("rb") as file:
        if file.read(2) == GZIP_MAGIC:
            raise UsageError(
                f"{path} must be a plain or a tile-compressed FITS file, of which a part can be "
                "read; it is zipped: unzip it first"
            )
