"""`gampen train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gampen.cli.application import GO_ON, command, err, out
from gampen.cli.options import (
    Device,
)
from gampen.cli.progress import progress_of

if TYPE_CHECKING:
    from gampen.verbs.train import Progress


@command(GO_ON)
def train(
    runfile: Annotated[Path, typer.Argument(help="TOML: simulation, network, training.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    name: Annotated[str, typer.Option(help="Name written into the estimator.")] = "trained",
    device: Device = "cpu",
    start: Annotated[str | None, typer.Option(help="Estimator to start from.")] = None,
) -> None:
    """Train an estimator on fresh simulations; a run that was stopped is gone on with."""
    from gampen.verbs.train import TrainRequest
    from gampen.verbs.train import train as run

    with progress_of("training") as tell:
        for step in run(TrainRequest(runfile, out_path, name, device, start)):
            tell(step.report.step, step.steps, f"loss {step.report.loss:.3f}")
            if step.report.validation:
                err.print(validation_line(step), markup=False, soft_wrap=True)
    out.print(str(out_path / "best.safetensors"), markup=False)


def validation_line(step: Progress) -> str:
    """What is said at the end of an epoch."""
    report, held_out = step.report, step.report.validation
    if held_out is None:
        return ""
    return (
        f"step {report.step}: loss {report.loss:.4f}, held-out {held_out.nll:.4f} +- "
        f"{held_out.nll_error:.4f}, zoom {held_out.zoom_mean:.3f} +- {held_out.zoom_sd:.3f}"
        + (" (best so far)" if step.saved else "")
    )
