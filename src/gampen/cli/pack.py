"""`gampen pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.options import Band, PixelScale, PsfFile, PsfFwhm, ZeroPoint, known
from gampen.cli.progress import progress_of


@command(START_OVER)
def pack(  # noqa: PLR0913 - a command's arguments are what a person may say
    source: Annotated[Path, typer.Argument(help="Folder of FITS cutouts, its info table, a file.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="New file, .arrow.")] = Path(
        "galaxies.arrow"
    ),
    band: Band = None,
    psf_fwhm: PsfFwhm = None,
    psf_file: PsfFile = None,
    zero_point: ZeroPoint = None,
    pixel_scale: PixelScale = None,
) -> None:
    """Pack galaxies into one file that is read again many times as fast."""
    from gampen.verbs.pack import PackRequest
    from gampen.verbs.pack import pack as run

    told = known(band, psf_file, psf_fwhm, zero_point, pixel_scale)
    with progress_of("packing") as tell:
        done = run(PackRequest(source, out_path, told), lambda count, of: tell(count, of, ""))
    out.print(f"{done.galaxies} galaxies", markup=False)
    if done.rejected:
        out.print(f"{done.rejected} cannot be read and are packed as the reason", markup=False)
    out.print(str(out_path), markup=False)
