"""The command line: one file a command, and the only place that prints or exits."""

from __future__ import annotations

from gampen.cli import calibrate, evaluate, export, guard, models, predict, report, simulate, train
from gampen.cli.application import app

COMMANDS = (
    predict.predict,
    simulate.simulate,
    train.train,
    evaluate.evaluate,
    calibrate.calibrate,
    guard.guard,
    export.export,
    report.report,
    models.models,
)
"""In the order in which help lists them."""

for _function in COMMANDS:
    app.command()(_function)


def main() -> None:
    """Run the command line."""
    app()
