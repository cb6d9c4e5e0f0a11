"""The command line: one file a command, and the only place that prints or exits."""

from __future__ import annotations

from gampen.cli import evaluate, export, guard, models, predict, rotate, simulate, train
from gampen.cli.application import app

COMMANDS = (
    predict.predict,
    simulate.simulate,
    train.train,
    evaluate.evaluate,
    guard.guard,
    export.export,
    rotate.rotate,
    models.models,
)
"""In the order in which help lists them."""

for _function in COMMANDS:
    app.command()(_function)


def main() -> None:
    """Run the command line."""
    app()
