"""`gampen train`."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gampen.cli.application import GO_ON, command, err, out
from gampen.cli.options import Device
from gampen.cli.progress import progress_of
from gampen.errors import TrainingError
from gampen.shipped import shipped_names

if TYPE_CHECKING:
    from gampen.training.validation import Validation
    from gampen.verbs.train import Progress, TrainRequest

SEEN = "Where the run is followed, beside TensorBoard's files in its folder"
MLflow = Annotated[
    str | None,
    typer.Option(help="MLflow: URI of a server or database, or a folder.", rich_help_panel=SEEN),
]
Experiment = Annotated[
    str, typer.Option(help="MLflow's experiment for this run.", rich_help_panel=SEEN)
]


@command(GO_ON)
def train(  # noqa: PLR0913 - a command's arguments are what a person may say
    runfile: Annotated[Path, typer.Argument(help="TOML: simulation, network, training.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    name: Annotated[str, typer.Option(help="Name written into the estimator.")] = "trained",
    device: Device = "cpu",
    devices: Annotated[int, typer.Option(help="Devices on each node; they share batches.")] = 1,
    nodes: Annotated[int, typer.Option(help="Nodes, started by srun or torchrun.")] = 1,
    start: Annotated[
        str | None, typer.Option(help="Estimator to start from.", autocompletion=shipped_names)
    ] = None,
    mlflow: MLflow = None,
    experiment: Experiment = "gampen",
) -> None:
    """Train an estimator on fresh simulations; a run that was stopped is gone on with."""
    from gampen.training.devices import Devices
    from gampen.verbs.tracking import Watch, tracked
    from gampen.verbs.train import TrainRequest
    from gampen.verbs.train import train as run

    request = TrainRequest(runfile, out_path, name, Devices(device, devices, nodes), start)
    if request.devices.led_elsewhere:
        follow(request)
        return
    origin = {"device": device if devices == nodes == 1 else f"{devices * nodes} x {device}"}
    origin |= {"started_from": start or ""}
    watch = Watch(out_path, runfile, name, "gampen train", origin, mlflow, experiment)
    followed = tracked(run(request), watch, warn)
    with progress_of("training") as tell, closing(followed) as steps:
        for step in steps:
            tell(step.report.step, step.steps, f"loss {step.report.loss:.3f}")
            if step.report.validation:
                err.print(validation_line(step), markup=False, soft_wrap=True)
    out.print(str(out_path / "best.safetensors"), markup=False)


def warn(message: str) -> None:
    """Say in a line what does not end the run."""
    err.print(f"gampen: {message}", markup=False, soft_wrap=True)


def follow(request: TrainRequest) -> None:
    """Do a share of the work, silently: what stops all processes is said by the first of them."""
    from gampen.verbs.train import train as run

    try:
        for _ in run(request):
            pass
    except (TrainingError, KeyboardInterrupt):
        return


def validation_line(step: Progress) -> str:
    """What is said at the end of an epoch."""
    report, held_out = step.report, step.report.validation
    if held_out is None:
        return ""
    return (
        f"step {report.step}: loss {report.loss:.4f}, held-out {held_out.nll:.4f} +- "
        f"{held_out.nll_error:.4f}{zoom_of(held_out)}" + (" (best so far)" if step.saved else "")
    )


def zoom_of(held_out: Validation) -> str:
    """How the learned crop does, where one is learned."""
    if math.isnan(held_out.zoom_mean):
        return ""
    return f", zoom {held_out.zoom_mean:.3f} +- {held_out.zoom_sd:.3f}"
