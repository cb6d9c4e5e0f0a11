"""The command line: one command a verb, and the only place that prints or exits.

Exit status: 0 done, 1 something failed on the way, 2 the call was wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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

FAILED, WRONG_CALL, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    help="The posterior of every galaxy's morphology, from its image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False)


def main() -> None:
    """Run the command line; errors made by the call are one line and a status, no traceback."""
    try:
        app()
    except UsageError as error:
        fail(str(error), WRONG_CALL)
    except GampenError as error:
        fail(str(error), FAILED)
    except KeyboardInterrupt:
        fail("interrupted; nothing half-written was left behind", INTERRUPTED)


def fail(message: str, status: int) -> None:
    """Say in one line what is wrong, and leave."""
    err.print(f"gampen: {message}", markup=False, soft_wrap=True)
    sys.exit(status)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's form of a flag
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The posterior of every galaxy's morphology, from its image."""


@contextmanager
def bar(what: str) -> Iterator[Progress]:
    """A progress bar with rate and remaining time on a terminal; silent elsewhere."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        progress.add_task(what, total=None, note="")
        yield progress


def advance(progress: Progress, done: int, of: int, note: str = "") -> None:
    """Move the bar; without a note it says the rate."""
    task = progress.tasks[0]
    rate = f"{task.speed:.0f} / s" if task.speed else ""
    progress.update(task.id, completed=done, total=of, note=note or rate)


@app.command()
def predict(
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
        sampling=Sampling(passes, seed, batch_size, device),
        draws=samples,
    )
    with bar("predicting") as progress:
        done = run(request, lambda count, of: advance(progress, count, of))
    _report_prediction(done, request, page)


def _report_prediction(done: Predicted, request: PredictRequest, page: Path | None) -> None:
    """Say what was written, and draw the page where one was asked for."""
    files = list(done.files)
    if page is not None:
        from gampen.verbs.page import draw_page

        files.append(draw_page(request, done.catalog, page))
    found = len(done.catalog) - done.failed
    out.print(f"{found} of {len(done.catalog)} galaxies have a posterior", markup=False)
    if done.failed:
        out.print("the others are flagged rows whose status says why", markup=False)
    for file in files:
        out.print(str(file), markup=False)


@app.command()
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
    with bar("simulating") as progress:
        table = run(request, lambda done, of: advance(progress, done, of))
    out.print(str(table), markup=False)


@app.command()
def train(
    runfile: Annotated[Path, typer.Argument(help="TOML: simulation, network, training.")],
    out_path: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    name: Annotated[str, typer.Option(help="Name written into the estimator.")] = "trained",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps ...")] = "cpu",
) -> None:
    """Train an estimator on fresh simulations; a run that was stopped is gone on with."""
    from gampen.verbs.train import TrainRequest
    from gampen.verbs.train import train as run

    with bar("training") as progress:
        for step in run(TrainRequest(runfile, out_path, name, device)):
            report = step.report
            advance(progress, report.step, step.steps, f"loss {report.loss:.3f}")
            if report.validation:
                err.print(
                    f"step {report.step}: loss {report.loss:.4f}, held-out "
                    f"{report.validation.nll:.4f} +- {report.validation.nll_error:.4f}, zoom "
                    f"{report.validation.zoom_mean:.3f} +- {report.validation.zoom_sd:.3f}"
                    + (" (best so far)" if step.saved else ""),
                    markup=False,
                )
    out.print(str(out_path / "best.safetensors"), markup=False)


@app.command()
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
    out.print_json(data=done.figures)
    for file in done.files:
        out.print(str(file), markup=False)


@app.command()
def models() -> None:
    """List the estimators that come with the package."""
    from gampen.verbs.models import models as run

    for model in run():
        out.print(
            f"{model.name}: {', '.join(model.parameters)}; prior {model.survey}; "
            f"sha256 {model.sha256[:12]}",
            markup=False,
        )
