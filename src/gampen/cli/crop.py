"""`gampen crop`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.options import (
    Band,
    Device,
    EstimatorName,
    PixelScale,
    PsfFile,
    PsfFwhm,
    ZeroPoint,
    known,
)
from gampen.cli.progress import progress_of
from gampen.settings import CropPixels


@command(START_OVER)
def crop(  # noqa: PLR0913 - a command's arguments are what a person may say
    source: Annotated[Path, typer.Argument(help="Folder of FITS cutouts, its info table, a file.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="New folder for the crops.")],
    estimator: EstimatorName = "universal",
    pixels: Annotated[
        CropPixels, typer.Option(help="As the network sees them, or a section of the image's own.")
    ] = CropPixels.RESAMPLED,
    device: Device = "cpu",
    band: Band = None,
    psf_fwhm: PsfFwhm = None,
    psf_file: PsfFile = None,
    zero_point: ZeroPoint = None,
    pixel_scale: PixelScale = None,
) -> None:
    """Write the learned crop of every galaxy as FITS, in its place on the sky."""
    from gampen.verbs.crop import CropRequest
    from gampen.verbs.crop import crop as run

    facts = known(band, psf_file, psf_fwhm, zero_point, pixel_scale)
    request = CropRequest(source, out_path, estimator, pixels, facts, device)
    with progress_of("cropping") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    out.print(
        f"{done.galaxies - done.failed} of {done.galaxies} galaxies have a crop", markup=False
    )
    if done.failed:
        out.print("the others are rows whose status says why", markup=False)
    out.print(str(done.table), markup=False)
