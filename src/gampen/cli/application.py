"""The application that commands register with: what they say, and how they end.

Exit status: 0 done, 1 something failed on the way, 2 the call was wrong.
"""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from gampen import __version__
from gampen.errors import GampenError, UsageError

FAILED, WRONG_CALL, INTERRUPTED = 1, 2, 130
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


def fail(message: str, status: int) -> None:
    """Say in one line what is wrong, and leave."""
    err.print(f"gampen: {' '.join(message.splitlines())}", markup=False, soft_wrap=True)
    sys.exit(status)


def command(afterwards: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A function made fit for a command: errors of the call are one line and a status.

    `afterwards` is what to do after an interruption.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def guarded(*arguments: object, **options: object) -> None:
            signal.signal(signal.SIGTERM, _interrupt)
            try:
                function(*arguments, **options)
            except UsageError as error:
                fail(str(error), WRONG_CALL)
            except GampenError as error:
                fail(str(error), FAILED)
            except KeyboardInterrupt:
                fail(f"interrupted; nothing is left half-written; {afterwards}", INTERRUPTED)

        return guarded

    return register


def _interrupt(*_: object) -> None:
    """What a batch system asks for before it kills is taken for Ctrl-C."""
    raise KeyboardInterrupt


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
