"""`gampen calibrate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.options import (
    BatchSize,
    Device,
    EstimatorArgument,
    Passes,
    Thorough,
)
from gampen.cli.progress import progress_of

if TYPE_CHECKING:
    from gampen.verbs.calibrate import Calibrated

MOST_REASONS = 5


@command(START_OVER)
def calibrate(  # noqa: PLR0913 - a command's arguments are what a person may say
    estimator: EstimatorArgument,
    data: Annotated[Path, typer.Argument(help="Folder of cutouts, true values in its info table.")],
    out_path: Annotated[
        Path, typer.Option("--out", "-o", help="File of the recalibrated estimator.")
    ] = Path("calibrated.safetensors"),
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for figures before and after.")
    ] = None,
    passes: Passes = 64,
    seed: Annotated[int, typer.Option(help="Seed of passes and of the split.")] = 0,
    batch_size: BatchSize = 64,
    device: Device = "cpu",
    thorough: Thorough = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Drop the recalibration that the estimator has.")
    ] = False,
) -> None:
    """Recalibrate an estimator on galaxies whose true values are known."""
    from gampen.inference.sampling import Sampling
    from gampen.verbs.calibrate import CalibrateRequest
    from gampen.verbs.calibrate import calibrate as run

    sampling = Sampling(passes, seed, batch_size, device, thorough)
    request = CalibrateRequest(estimator, data, out_path, report, sampling, anew)
    with progress_of("predicting") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    for line in lines_of(done):
        out.print(line, markup=False)
    for file in done.files:
        out.print(str(file), markup=False)


def lines_of(done: Calibrated) -> Iterator[str]:
    """What is said at the end: the galaxies, the stages, and coverage before and after."""
    split = done.found.split
    yield (
        f"{len(split.fitted)} galaxies to fit, {len(split.judged)} to judge, "
        f"{len(split.levelled)} for the levels of joint regions"
    )
    for reason, count in done.evidence.left_out.most_common(MOST_REASONS):
        yield f"{count} left out: {reason}"
    for trial in done.found.trials:
        said = f"stage {trial.stage}: held-out NLL {trial.nll:.4f} +- {trial.nll_error:.4f}"
        verdict = "accepted" if trial.accepted else "rejected"
        gain = f", better by {trial.gain:.4f} +- {trial.gain_error:.4f}: {verdict}"
        yield said + (gain if trial.stage else "")
    yield f"kept: stage {done.found.stage}; coverage of {len(split.held_out)} held-out galaxies:"
    for name, sides in done.comparison.coverage.items():
        shares = [
            f"{level} %: {100 * before:.1f} -> {100 * after:.1f}"
            for (level, before), after in zip(
                sides["before"].items(), sides["after"].values(), strict=True
            )
        ]
        yield f"{name}: {', '.join(shares)}"
