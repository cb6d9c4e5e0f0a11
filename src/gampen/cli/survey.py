"""`gampen survey`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.progress import progress_of
from gampen.shipped import shipped_names

if TYPE_CHECKING:
    from gampen.verbs.survey import Fitness, Surveyed

WIDTH = 32


@command(START_OVER)
def survey(
    runfile: Annotated[Path, typer.Argument(help="TOML: survey, prior, scene.")],
    picture: Annotated[
        Path | None, typer.Option("--picture", "-p", help="Histograms and stamps, as .png.")
    ] = None,
    estimator: Annotated[
        str | None,
        typer.Option(
            "--estimator",
            "-e",
            help="Ask whether it covers the survey.",
            autocompletion=shipped_names,
        ),
    ] = None,
    count: Annotated[int, typer.Option(help="Number of galaxies that are drawn.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same galaxies.")] = 0,
) -> None:
    """Say what the galaxies of a survey are like, and whether an estimator covers them."""
    from gampen.verbs.survey import SurveyRequest
    from gampen.verbs.survey import survey as run

    request = SurveyRequest(runfile, picture, estimator, count, seed)
    with progress_of("drawing galaxies") as tell:
        done = run(request, lambda drawn, of: tell(drawn, of, ""))
    describe(done)
    if done.fitness is not None:
        judge(done.name, done.fitness)
    if done.picture is not None:
        out.print(str(done.picture), markup=False)


def describe(done: Surveyed) -> None:
    """The laws, and what comes of them."""
    out.print(f"{done.name}: what is drawn", markup=False)
    for law in done.laws:
        ends = f"{law.low:g} to {law.high:g} {law.unit}".rstrip()
        out.print(f"  {law.quantity:{WIDTH}} {law.law:24} {ends}", markup=False)
    out.print(f"{'what comes of it':{WIDTH + 2}}   2.5 %    16 %    50 %    84 %  97.5 %")
    for name, values in done.quantiles.items():
        figures = " ".join(f"{value:7.3g}" for value in values)
        out.print(f"  {name:{WIDTH}} {figures}", markup=False)


def judge(name: str, fitness: Fitness) -> None:
    """How an estimator fits, and in one line whether it does."""
    out.print(f"{fitness.estimator}: galaxies beyond what it was trained on")
    for quantity, share in fitness.outside.items():
        out.print(f"  {quantity:{WIDTH}} {100 * share:6.1f} %", markup=False)
    out.print("truths inside 68.27, 95.45 and 99.73 % (what chance may do)")
    for parameter, shares in fitness.covered.items():
        figures = "  ".join(
            f"{100 * share:5.1f} ({100 * chance:.1f})"
            for share, chance in zip(shares, fitness.chance, strict=True)
        )
        out.print(f"  {parameter:{WIDTH}} {figures}", markup=False)
    out.print(verdict(name, fitness), markup=False)


def verdict(name: str, fitness: Fitness) -> str:
    """Whether it fits, why not, and what to do."""
    from gampen.calibration.coverage import Verdict

    wide = fitness.said(Verdict.CAUTIOUS)
    if fitness.fits:
        but = f"; posteriors are wider than need be in {', '.join(wide)}" if wide else ""
        return f"{fitness.estimator} covers {name}{but}"
    reasons = [f"{100 * fitness.outside[q]:.0f} % beyond in {q}" for q in fitness.beyond]
    reasons += [f"overconfident in {each}" for each in fitness.said(Verdict.OVERCONFIDENT)]
    return (
        f"{fitness.estimator} does not cover {name}: {', '.join(reasons)}; recalibrate it on "
        "simulations of the survey (gampen calibrate), or train from it (gampen train --start)"
    )
