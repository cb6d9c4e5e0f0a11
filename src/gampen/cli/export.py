"""`gampen export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.progress import progress_of
from gampen.settings import Schema


@command(START_OVER)
def export(  # noqa: PLR0913 - a command's arguments are what a person may say
    catalogue: Annotated[
        Path, typer.Argument(help="Catalogue that predict wrote: a file, a folder.")
    ],
    out_path: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help=".nc ArviZ, .hdf5 qp, .hats LSDB; or a table: .fits .vot ..."
        ),
    ],
    draws: Annotated[int, typer.Option(help="ArviZ: joint draws a galaxy.")] = 1000,
    seed: Annotated[int, typer.Option(help="ArviZ: seed of the draws.")] = 0,
    truths: Annotated[
        Path | None, typer.Option(help="ArviZ: table with object_id and true values.")
    ] = None,
    quantity: Annotated[
        str | None, typer.Option(help="qp: effective_radius, magnitude ...")
    ] = None,
    schema: Annotated[
        Schema, typer.Option(help="Columns of a table: gampen's are those of the original.")
    ] = Schema.OWN,
) -> None:
    """Write posteriors as ArviZ, qp, LSDB or another table format read them."""
    from gampen.verbs.export import ExportRequest
    from gampen.verbs.export import export as run

    request = ExportRequest(catalogue, out_path, draws, seed, quantity, truths, schema)
    with progress_of("writing") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    out.print(f"{done.galaxies} galaxies", markup=False)
    if done.left_out:
        out.print(f"{done.left_out} without {done.want} are left out", markup=False)
    out.print(str(out_path), markup=False)
