"""The command line: one file a command, and the only place that prints or exits."""

from __future__ import annotations

from gampen.cli import (
    calibrate,
    completion,
    crop,
    cutout,
    doctor,
    evaluate,
    examples,
    export,
    finetune,
    guard,
    import_model,
    models,
    pack,
    predict,
    report,
    rotate,
    simulate,
    survey,
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
    survey.survey,
    simulate.simulate,
    train.train,
    finetune.finetune,
    import_model.import_model,
    models.models,
    examples.examples,
    doctor.doctor,
    completion.completion,
)
"""In the order in which help lists them."""

for _function in COMMANDS:
    # A word of Python's own cannot be a function's name.
    app.command("import" if _function is import_model.import_model else None)(_function)


def main() -> None:
    """Run the command line."""
    completion.answer_shells()
    app()
