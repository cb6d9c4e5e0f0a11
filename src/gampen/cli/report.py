"""`gampen report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.options import (
    Band,
    PsfFile,
    known,
)
from gampen.cli.progress import progress_of


@command(START_OVER)
def report(  # noqa: PLR0913 - a command's arguments are what a person may say
    catalogue: Annotated[Path, typer.Argument(help="Catalogue that predict wrote.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="The page (.html).")] = Path(
        "report.html"
    ),
    cutouts: Annotated[
        Path | None, typer.Option(help="What was predicted: a folder, its info table, a file.")
    ] = None,
    truths: Annotated[Path | None, typer.Option(help="Table with object_id and truths.")] = None,
    galaxies: Annotated[int, typer.Option(help="Most galaxies that get pictures.")] = 200,
    band: Band = None,
    psf_file: PsfFile = None,
) -> None:
    """Make one page of a catalogue: the sample, its calibration, and every galaxy."""
    from gampen.verbs.report import ReportRequest
    from gampen.verbs.report import report as run

    facts = known(band, psf_file)
    request = ReportRequest(catalogue, out_path, cutouts, truths, galaxies, facts)
    with progress_of("drawing") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    out.print(str(done.page), markup=False)
    if done.folder is not None:
        out.print(str(done.folder), markup=False)
