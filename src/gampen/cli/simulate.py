"""`gampen simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.progress import progress_of


@command(START_OVER)
def simulate(
    runfile: Annotated[Path, typer.Argument(help="TOML: survey, prior, scene.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="New folder for the galaxies.")],
    count: Annotated[int, typer.Option(help="Number of galaxies.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same galaxies.")] = 0,
) -> None:
    """Simulate galaxies with known truths, in the layout that every command reads."""
    from gampen.verbs.simulate import SimulateRequest
    from gampen.verbs.simulate import simulate as run

    request = SimulateRequest(runfile, out_path, count, seed)
    with progress_of("simulating") as tell:
        table = run(request, lambda done, of: tell(done, of, ""))
    out.print(str(table), markup=False)
