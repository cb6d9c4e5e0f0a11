"""`gampen finetune`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from gampen.cli.application import GO_ON, command, err, out
from gampen.cli.options import Device, EstimatorArgument
from gampen.cli.progress import progress_of
from gampen.cli.train import Experiment, MLflow, validation_line, warn

MOST_REASONS = 5


@command(GO_ON)
def finetune(  # noqa: PLR0913 - a command's arguments are what a person may say
    estimator: EstimatorArgument,
    labels: Annotated[
        Path, typer.Argument(help="Folder of cutouts, labels (and errors) in its info table.")
    ],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    name: Annotated[str, typer.Option(help="Name written into the estimator.")] = "finetuned",
    settings: Annotated[
        Path | None, typer.Option(help="TOML: steps, rates, frozen parts, split ...")
    ] = None,
    splits: Annotated[
        Path | None, typer.Option(help="Table of object_id and split, in place of a random one.")
    ] = None,
    device: Device = "cpu",
    mlflow: MLflow = None,
    experiment: Experiment = "gampen",
) -> None:
    """Fit an estimator to labelled galaxies; a run that was stopped is gone on with."""
    from gampen.settings import FinetuneSettings
    from gampen.storage.runfiles import read_settings
    from gampen.verbs.finetune import FinetuneRequest
    from gampen.verbs.finetune import finetune as run
    from gampen.verbs.tracking import Watch, tracked
    from gampen.verbs.tuned import report_of

    told = FinetuneSettings() if settings is None else read_settings(settings, FinetuneSettings)
    request = FinetuneRequest(estimator, labels, out_path, name, told, splits, device)
    origin = {"device": device, "finetuned_from": estimator, "labels": str(labels)}
    watch = Watch(out_path, labels, name, "gampen finetune", origin, mlflow, experiment)
    with (
        progress_of("fine-tuning") as tell,
        closing(tracked(run(request, tell), watch, warn)) as steps,
    ):
        for step in steps:
            tell(step.report.step, step.steps, f"loss {step.report.loss:.3f}")
            if step.report.validation:
                err.print(validation_line(step), markup=False, soft_wrap=True)
    for line in lines_of(report_of(out_path)):
        out.print(line, markup=False)
    out.print(str(out_path / "best.safetensors"), markup=False)


def lines_of(report: Mapping[str, Any]) -> Iterator[str]:
    """What is said at the end: the galaxies, what was mended, and the scores before and after."""
    yield ", ".join(f"{count} galaxies for {part}" for part, count in report["galaxies"].items())
    left_out = sorted(report["left_out"].items(), key=lambda pair: -pair[1])
    for reason, count in left_out[:MOST_REASONS]:
        yield f"{count} left out: {reason}"
    for reason, count in report["labels_dropped"].items():
        yield f"{count} labels not used: {reason}"
    yield f"dropout: {report['dropout']['rate']:.3g}"
    yield f"recalibration: {report['recalibration']['outcome']}"
    simulated = report["simulations"]
    yield "simulations, NLL: " + " -> ".join(
        f"{simulated[side]['nll']:.4f} +- {simulated[side]['nll_error']:.4f}"
        for side in ("before", "after")
    )
    yield from test_lines(report.get("test"))
    yield from report["notes"]


def test_lines(test: Mapping[str, Any] | None) -> Iterator[str]:
    """The scores of galaxies that had no influence, before and after."""
    if test is None:
        return
    before, after = test["before"], test["after"]
    yield (
        f"{after['galaxies']} test galaxies, NLL: {told(before['nll'], before['nll_error'])} -> "
        f"{told(after['nll'], after['nll_error'])}, "
        f"better by {told(test['gain'], test['gain_error'])}"
    )
    for name, share in after["coverage_68.27"].items():
        if share is not None:
            error = after["coverage_error"][name]
            was = before["coverage_68.27"][name]
            yield (
                f"{name}: inside 68.27 %: {100 * was:.1f} -> {100 * share:.1f} "
                f"+- {100 * (error or 0):.1f} %"
            )


def told(value: float | None, error: float | None) -> str:
    """A figure with its standard error."""
    return "unknown" if value is None else f"{value:.4f} +- {error or 0:.4f}"
