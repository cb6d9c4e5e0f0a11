"""`gampen examples`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out


@command(START_OVER)
def examples(
    folder: Annotated[Path, typer.Argument(help="A new folder for them.")] = Path(
        "gampen-examples"
    ),
) -> None:
    """Write the real galaxies that come with the package, to try the commands on."""
    from gampen.verbs.examples import examples as run

    written = run(folder)
    out.print(f"{written.galaxies} galaxies in {written.folder}", markup=False)
    out.print(f"try: gampen predict {written.folder} --report posteriors.png", markup=False)
