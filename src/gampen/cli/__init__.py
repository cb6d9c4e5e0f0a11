"""The command line: one file a command, and the only place that prints or exits."""

from __future__ import annotations

from gampen.cli import (
    calibrate,
    crop,
    cutout,
    evaluate,
    export,
    finetune,
    guard,
    models,
    pack,
    predict,
    report,
    rotate,
    simulate,
    train,
)
from gampen.cli.application import app

COMMANDS = (
    predict.predict,
    cutout.cutout,
    crop.crop,
    report.report,
    export.export,
    pack.pack,
    rotate.rotate,
    evaluate.evaluate,
    calibrate.calibrate,
    guard.guard,
    simulate.simulate,
    train.train,
    finetune.finetune,
    models.models,
)
"""In the order in which help lists them."""

for _function in COMMANDS:
    app.command()(_function)


def main() -> None:
    """Run the command line."""
    app()
