"""`gampen guard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.options import EstimatorArgument
from gampen.cli.progress import progress_of


@command(START_OVER)
def guard(
    estimator: EstimatorArgument,
    out_path: Annotated[
        Path, typer.Option("--out", "-o", help="The estimator with its guard (.safetensors).")
    ],
    galaxies: Annotated[
        int, typer.Option(help="Simulated galaxies of each kind of trouble.")
    ] = 5000,
    steps: Annotated[int, typer.Option(help="Steps of training.")] = 4000,
    seed: Annotated[int, typer.Option(help="Seed of simulations and training.")] = 0,
) -> None:
    """Teach an estimator to flag galaxies that it was not trained on."""
    from gampen.verbs.guard import GuardRequest
    from gampen.verbs.guard import guard as run

    request = GuardRequest(estimator, out_path, galaxies, steps, seed)
    with progress_of("guard") as tell:
        done = run(request, tell)
    for name, area in done.areas.items():
        out.print(f"{name}: area under the curve {area:.3f}", markup=False)
    out.print(str(done.out), markup=False)
