"""`gampen pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.mosaic_options import (
    DEFAULT_LEAST,
    DEFAULT_SIZE,
    CutoutSize,
    InArcsec,
    LeastSize,
    Mosaic,
    MosaicCatalog,
    PsfMapFile,
    SizeColumn,
    cutting_of,
    galaxies,
)
from gampen.cli.options import Band, PixelScale, PsfFile, PsfFwhm, ZeroPoint, known
from gampen.cli.progress import progress_of


@command(START_OVER)
def pack(  # noqa: PLR0913 - a command's arguments are what a person may say
    source: Annotated[
        Path | None, typer.Argument(help="Folder of FITS cutouts, its info table, a file.")
    ] = None,
    out_path: Annotated[Path, typer.Option("--out", "-o", help="New file, .arrow.")] = Path(
        "galaxies.arrow"
    ),
    band: Band = None,
    psf_fwhm: PsfFwhm = None,
    psf_file: PsfFile = None,
    zero_point: ZeroPoint = None,
    pixel_scale: PixelScale = None,
    mosaic: Mosaic = None,
    catalog: MosaicCatalog = None,
    size: CutoutSize = DEFAULT_SIZE,
    size_column: SizeColumn = None,
    arcsec: InArcsec = None,
    least_size: LeastSize = DEFAULT_LEAST,
    psf_map: PsfMapFile = None,
) -> None:
    """Pack galaxies into one file that is read again many times as fast."""
    from gampen.verbs.pack import PackRequest
    from gampen.verbs.pack import pack as run

    request = PackRequest(
        source=galaxies(source, mosaic, catalog),
        out=out_path,
        known=known(band, psf_file, psf_fwhm, zero_point, pixel_scale),
        mosaics=tuple(mosaic or ()),
        cutting=cutting_of(size, size_column, arcsec, least_size, band, psf_map),
    )
    with progress_of("packing") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    out.print(f"{done.galaxies} galaxies", markup=False)
    if done.rejected:
        out.print(f"{done.rejected} cannot be read and are packed as the reason", markup=False)
    out.print(str(out_path), markup=False)
