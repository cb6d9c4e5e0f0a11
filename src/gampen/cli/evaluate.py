"""`gampen evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out

LONG = ("bins", "worst_bins", "worst_galaxies")  # and so in the file only


@command(START_OVER)
def evaluate(
    catalogue: Annotated[Path, typer.Argument(help="Catalogue that predict wrote.")],
    truths: Annotated[Path, typer.Argument(help="Table with object_id and true values.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder for figures.")] = Path(
        "evaluation"
    ),
    bins: Annotated[
        list[str] | None,
        typer.Option(
            "--bins", "-b", help="Column of either table to bin the coverage by; may be repeated."
        ),
    ] = None,
) -> None:
    """Judge posteriors against known truths: are they true, where not, by how much."""
    from gampen.verbs.evaluate import evaluate as run

    done = run(catalogue, truths, out_path, bins or ())
    battery = {"passed": done.battery.passed, "failed": done.battery.failed}
    short = {name: part for name, part in done.figures.items() if name not in LONG}
    out.print_json(data={**short, "battery": battery}, highlight=False)
    for file in done.files:
        out.print(str(file), markup=False)
