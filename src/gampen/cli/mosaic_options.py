"""Options of commands that take galaxies out of a mosaic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gampen.storage.mosaic_tiles import Beside
    from gampen.storage.mosaics import Cutting

MOSAIC_HELP = "FITS tiles, plain or tile-compressed, or folders of them."
CATALOG_HELP = "Table of galaxies: ra, dec in deg; object_id, psf_fwhm_arcsec ..."

PANEL = "Galaxies of a mosaic"

Mosaics = Annotated[list[Path], typer.Argument(help=MOSAIC_HELP)]
Mosaic = Annotated[
    list[Path] | None,
    typer.Option("--mosaic", help=f"{MOSAIC_HELP} Repeatable.", rich_help_panel=PANEL),
]
Positions = Annotated[Path, typer.Option("--catalog", help=CATALOG_HELP, rich_help_panel=PANEL)]
MosaicCatalog = Annotated[
    Path | None, typer.Option("--catalog", help=CATALOG_HELP, rich_help_panel=PANEL)
]
CutoutSize = Annotated[
    float, typer.Option("--size", help="Side, or sides a --size-column.", rich_help_panel=PANEL)
]
SizeColumn = Annotated[
    str | None, typer.Option(help="Column that --size is times of.", rich_help_panel=PANEL)
]
InArcsec = Annotated[
    bool | None,
    typer.Option(
        "--arcsec/--pixels",
        help="Of --size; else pixels, or the column's unit.",
        rich_help_panel=PANEL,
    ),
]
LeastSize = Annotated[
    int, typer.Option(help="Least side of a --size-column, in pixels.", rich_help_panel=PANEL)
]
PsfMapFile = Annotated[
    Path | None,
    typer.Option(
        "--psf-map", help="PSFs by position: ra, dec, psf_file; or a cube.", rich_help_panel=PANEL
    ),
]
BesideTiles = Annotated[
    list[str] | None,
    typer.Option(
        "--beside",
        help="Maps in files of their own: mask:OLD=NEW of a tile's name; variance, weight, noise.",
    ),
]

DEFAULT_SIZE, DEFAULT_LEAST = 128.0, 64


def cutting_of(  # noqa: PLR0913 - what a person may say
    size: float,
    column: str | None,
    arcsec: bool | None,
    least: int,
    band: str | None,
    psf_map: Path | None,
    beside: list[str] | None = None,
) -> Cutting:
    """How a person wants galaxies cut out; the plane of a cube by number where it is one."""
    from gampen.storage.mosaics import Cutting
    from gampen.storage.sizes import Size, Unit

    unit = None if arcsec is None else Unit.ARCSEC if arcsec else Unit.PIXEL
    plane = int(band) if band and band.isdigit() else band
    others = tuple(beside_of(text) for text in beside or ())
    return Cutting(Size(size, unit, column, least), plane, psf_map, others)


def beside_of(text: str) -> Beside:
    """Maps in files beside the tiles, as a person names them; `UsageError` for any other text."""
    from gampen.errors import UsageError
    from gampen.storage.layers import MAPS
    from gampen.storage.mosaic_tiles import Beside

    kind, _, names = text.partition(":")
    old, equals, new = names.partition("=")
    roles = {role.value: role for role in MAPS}
    if kind not in roles or not old or not equals or old == new:
        raise UsageError(
            f"files beside tiles are named as {'|'.join(roles)}:OLD=NEW, where OLD is a part of "
            f"the tile's name; got {text!r}"
        )
    return Beside(roles[kind], old, new)


def galaxies(source: Path | None, mosaic: list[Path] | None, catalog: Path | None) -> Path:
    """Where the galaxies are listed; `UsageError` where nothing says so, or two things do."""
    from gampen.errors import UsageError

    if mosaic and catalog is not None and source is None:
        return catalog
    if source is None or mosaic or catalog is not None:
        raise UsageError("galaxies must come from SOURCE, or from --mosaic with --catalog")
    return source
