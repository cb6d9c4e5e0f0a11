"""`gampen import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out


@command(START_OVER)
def import_model(  # noqa: PLR0913 - a command's arguments are what a person may say
    checkpoint: Annotated[Path, typer.Argument(help="A .pt file of the original GaMPEN.")],
    scaling: Annotated[
        Path, typer.Option(help="The info.csv of its training, by which labels are scaled.")
    ],
    out_path: Annotated[
        Path, typer.Option("--out", "-o", help="The estimator's file (.safetensors).")
    ],
    name: Annotated[str, typer.Option(help="Name written into the estimator.")] = "imported",
    split: Annotated[
        str | None, typer.Option(help="Training split beside it, such as balanced-dev2-train.")
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Columns of the outputs, in their order, with commas.")
    ] = "custom_logit_bt,ln_R_e_asec,ln_total_flux_adus",
    cutout_size: Annotated[
        int | None, typer.Option(help="[pixel] Side, where it is none of 239, 143 and 96.")
    ] = None,
    dropout: Annotated[float, typer.Option(help="Its dropout rate, such as 0.0007.")] = 0.0,
) -> None:
    """Make an estimator of a checkpoint of the original GaMPEN."""
    from gampen.verbs.import_model import ImportRequest
    from gampen.verbs.import_model import import_model as run

    columns = tuple(part.strip() for part in labels.split(","))
    request = ImportRequest(
        checkpoint, scaling, out_path, name, split, columns, cutout_size, dropout
    )
    done = run(request)
    fitting = ", ".join(map(str, done.fitting))
    out.print(f"cutouts of {done.cutout_size} pixels (the weights fit {fitting})", markup=False)
    for label, (mean, deviation) in done.scale.items():
        out.print(f"{label}: mean {mean:.6g}, standard deviation {deviation:.6g}", markup=False)
    out.print(str(done.out), markup=False)
