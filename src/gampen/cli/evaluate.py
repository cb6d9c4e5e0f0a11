"""`gampen evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out


@command(START_OVER)
def evaluate(
    catalogue: Annotated[Path, typer.Argument(help="Catalogue that predict wrote.")],
    truths: Annotated[Path, typer.Argument(help="Table with object_id and true values.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder for figures.")] = Path(
        "evaluation"
    ),
) -> None:
    """Judge posteriors against known truths: scatter, coverage, ranks."""
    from gampen.verbs.evaluate import evaluate as run

    done = run(catalogue, truths, out_path)
    battery = {"passed": done.battery.passed, "failed": done.battery.failed}
    out.print_json(data={**done.figures, "battery": battery})
    for file in done.files:
        out.print(str(file), markup=False)
