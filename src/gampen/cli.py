"""The command line: one command a verb, and the only place that prints or exits.

Exit status: 0 done, 1 something failed on the way, 2 the call was wrong.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from gampen import __version__
from gampen.errors import GampenError, UsageError

if TYPE_CHECKING:
    from gampen.verbs.predict import Predicted, PredictRequest
    from gampen.verbs.train import Progress as TrainProgress

FAILED, WRONG_CALL, INTERRUPTED = 1, 2, 130
QUIET = 60.0  # [second] between lines of progress where there is no terminal
START_OVER = "run the same command again to start over"
GO_ON = "run the same command again to go on"

app = typer.Typer(
    help="The posterior of every galaxy's morphology, from its image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False)


def main() -> None:
    """Run the command line."""
    app()


def fail(message: str, status: int) -> None:
    """Say in one line what is wrong, and leave."""
    err.print(f"gampen: {' '.join(message.splitlines())}", markup=False, soft_wrap=True)
    sys.exit(status)


def command(afterwards: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A function as a command: errors made by the call are one line and a status, no traceback.

    `afterwards` is what to do after an interruption.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def guarded(*arguments: object, **options: object) -> None:
            try:
                function(*arguments, **options)
            except UsageError as error:
                fail(str(error), WRONG_CALL)
            except GampenError as error:
                fail(str(error), FAILED)
            except KeyboardInterrupt:
                fail(f"interrupted; nothing is left half-written; {afterwards}", INTERRUPTED)

        app.command()(guarded)
        return function

    return register


def _version(asked: bool) -> bool:
    if asked:
        out.print(__version__)
        raise typer.Exit
    return asked


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The posterior of every galaxy's morphology, from its image."""


Tell = Callable[[int, int, str], None]
"""What is told of progress: how much is done, of how much, and a note (else the rate is said)."""


@contextmanager
def progress_of(what: str) -> Iterator[Tell]:
    """What shows progress: a bar on a terminal, elsewhere a line a minute."""
    if not err.is_terminal:
        yield Lines(what, said=time.monotonic()).tell
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        place = progress.add_task(what, total=None, note="")
        task = progress.tasks[place]

        def tell(done: int, of: int, note: str) -> None:
            rate = f"{task.speed:.0f} / s" if task.speed else ""
            progress.update(task.id, completed=done, total=of, note=note or rate)

        yield tell


@dataclass
class Lines:
    """Progress as plain lines, one a minute at most."""

    what: str
    said: float
    started: float = 0.0
    first: int | None = None

    def tell(self, done: int, of: int, note: str) -> None:
        """Say how far it is, unless a line was said less than a minute ago."""
        now = time.monotonic()
        if self.first is None:
            self.first, self.started = done, now
        if now - self.said < QUIET:
            return
        self.said = now
        rate = (done - self.first) / max(now - self.started, 1e-9)
        left = f", {(of - done) / rate / 60:.0f} minutes left" if rate else ""
        said = note or f"{rate:.0f} / s"
        err.print(f"{self.what}: {done} of {of}, {said}{left}", markup=False, soft_wrap=True)


@command(START_OVER)
def predict(  # noqa: PLR0913 - a command's arguments are what a person may say
    source: Annotated[Path, typer.Argument(help="Folder of FITS cutouts, its info table, a file.")],
    out_path: Annotated[
        Path, typer.Option("--out", "-o", help="Catalogue: .parquet .fits .vot .ecsv .csv")
    ] = Path("catalogue.parquet"),
    estimator: Annotated[str, typer.Option(help="A shipped name or a file.")] = "universal",
    page: Annotated[
        Path | None, typer.Option("--report", help="Also draw the first galaxies here (.png).")
    ] = None,
    samples: Annotated[int, typer.Option(help="Joint draws a galaxy, in a file beside.")] = 0,
    passes: Annotated[int, typer.Option(help="Monte Carlo dropout passes.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed of passes and draws.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Galaxies a batch; changes no result.")] = 64,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps ...")] = "cpu",
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Look in all eight orientations: 8x slower.")
    ] = False,
    band: Annotated[str | None, typer.Option(help="Plane of a band-first cube.")] = None,
    psf_fwhm: Annotated[float | None, typer.Option(help="FWHM of the PSF [arcsec].")] = None,
    psf_file: Annotated[Path | None, typer.Option(help="FITS image of the PSF.")] = None,
    zero_point: Annotated[float | None, typer.Option(help="AB zero point [mag].")] = None,
    pixel_scale: Annotated[float | None, typer.Option(help="Side of a pixel [arcsec].")] = None,
) -> None:
    """Predict the joint posterior of every galaxy, from its cutout."""
    from gampen.inference.sampling import Sampling
    from gampen.storage.fits import Known
    from gampen.verbs.predict import PredictRequest
    from gampen.verbs.predict import predict as run

    request = PredictRequest(
        source=source,
        out=out_path,
        estimator=estimator,
        known=Known(
            psf_fwhm=psf_fwhm,
            psf_file=psf_file,
            zero_point=zero_point,
            pixel_scale=pixel_scale,
            band=int(band) if band and band.isdigit() else band,
        ),
        sampling=Sampling(passes, seed, batch_size, device, thorough),
        draws=samples,
    )
    if page is not None:
        from gampen.verbs.page import claim_page

        claim_page(page)
    with progress_of("predicting") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    _report_prediction(done, request, page)


def _report_prediction(done: Predicted, request: PredictRequest, page: Path | None) -> None:
    """Say what was written, and draw the page where one was asked for."""
    found = len(done.catalog) - done.failed
    out.print(f"{found} of {len(done.catalog)} galaxies have a posterior", markup=False)
    if done.failed:
        out.print("the others are flagged rows whose status says why", markup=False)
    for file in done.files:
        out.print(str(file), markup=False)
    if page is not None:
        from gampen.verbs.page import draw_page

        out.print(str(draw_page(request, done.catalog, page)), markup=False)


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


@command(GO_ON)
def train(
    runfile: Annotated[Path, typer.Argument(help="TOML: simulation, network, training.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    name: Annotated[str, typer.Option(help="Name written into the estimator.")] = "trained",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps ...")] = "cpu",
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


def validation_line(step: TrainProgress) -> str:
    """What is said at the end of an epoch."""
    report, held_out = step.report, step.report.validation
    if held_out is None:
        return ""
    return (
        f"step {report.step}: loss {report.loss:.4f}, held-out {held_out.nll:.4f} +- "
        f"{held_out.nll_error:.4f}, zoom {held_out.zoom_mean:.3f} +- {held_out.zoom_sd:.3f}"
        + (" (best so far)" if step.saved else "")
    )


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


@command(START_OVER)
def models() -> None:
    """List the estimators that come with the package."""
    from gampen.verbs.models import models as run

    for model in run():
        out.print(
            f"{model.name}: {', '.join(model.parameters)}; prior {model.survey}; "
            f"sha256 {model.sha256[:12]}",
            markup=False,
        )
