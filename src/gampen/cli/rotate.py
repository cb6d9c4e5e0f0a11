"""`gampen rotate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.options import (
    Band,
    EstimatorName,
    PixelScale,
    PsfFile,
    PsfFwhm,
    Thorough,
    ZeroPoint,
    known,
)
from gampen.cli.progress import progress_of


@command(START_OVER)
def rotate(  # noqa: PLR0913 - a command's arguments are what a person may say
    cutout: Annotated[Path, typer.Argument(help="FITS cutout of one galaxy.")],
    out_path: Annotated[
        Path, typer.Option("--out", "-o", help="Picture: .gif moves; .png .pdf .svg plot.")
    ] = Path("rotation.gif"),
    estimator: EstimatorName = "universal",
    turns: Annotated[int, typer.Option(help="Angles from 0 to 360 degrees.")] = 36,
    thorough: Thorough = False,
    band: Band = None,
    psf_fwhm: PsfFwhm = None,
    psf_file: PsfFile = None,
    zero_point: ZeroPoint = None,
    pixel_scale: PixelScale = None,
) -> None:
    """Turn a galaxy and see whether its posterior stays where it is."""
    from gampen.inference.sampling import Sampling
    from gampen.verbs.rotate import RotateRequest
    from gampen.verbs.rotate import rotate as run

    request = RotateRequest(
        cutout=cutout,
        out=out_path,
        estimator=estimator,
        turns=turns,
        known=known(band, psf_file, psf_fwhm, zero_point, pixel_scale),
        sampling=Sampling(thorough=thorough),
    )
    with progress_of("turning") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    relative = dict(zip(done.stability.names, done.stability.relative, strict=True))
    for name, (moved, in_sigma) in done.stability.largest.items():
        size = f"{100 * moved:.1f} %" if relative[name] else f"{moved:.3f}"
        out.print(f"{name} moves by {size} at most, {in_sigma:.2f} sigma", markup=False)
    out.print(str(out_path), markup=False)
