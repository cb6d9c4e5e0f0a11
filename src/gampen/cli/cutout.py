"""`gampen cutout`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import GO_ON, command, out
from gampen.cli.mosaic_options import (
    DEFAULT_LEAST,
    DEFAULT_SIZE,
    BesideTiles,
    CutoutSize,
    InArcsec,
    LeastSize,
    Mosaics,
    Positions,
    PsfMapFile,
    SizeColumn,
    cutting_of,
)
from gampen.cli.options import Band
from gampen.cli.progress import progress_of


@command(GO_ON)
def cutout(  # noqa: PLR0913 - a command's arguments are what a person may say
    mosaics: Mosaics,
    catalog: Positions,
    out_path: Annotated[Path, typer.Option("--out", "-o", help="New folder for the cutouts.")],
    size: CutoutSize = DEFAULT_SIZE,
    size_column: SizeColumn = None,
    arcsec: InArcsec = None,
    least_size: LeastSize = DEFAULT_LEAST,
    band: Band = None,
    psf_map: PsfMapFile = None,
    beside: BesideTiles = None,
) -> None:
    """Cut the galaxies of a catalogue out of a mosaic, with mask, variance and PSF."""
    from gampen.verbs.cutout import CutoutRequest
    from gampen.verbs.cutout import cutout as run

    cutting = cutting_of(size, size_column, arcsec, least_size, band, psf_map, beside)
    with progress_of("cutting") as tell:
        done = run(
            CutoutRequest(mosaics, catalog, out_path, cutting), lambda n, of: tell(n, of, "")
        )
    out.print(
        f"{done.galaxies - done.failed} of {done.galaxies} galaxies are cut out", markup=False
    )
    if done.failed:
        out.print("the others are rows whose cutout_status says why", markup=False)
    out.print(str(done.table), markup=False)
