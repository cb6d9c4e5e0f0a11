"""`gampen completion`, and what a shell is answered when it asks how a line may go on."""

from __future__ import annotations

import os
from enum import Enum
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out

PROGRAM, ASKED = "gampen", "_GAMPEN_COMPLETE"
"""The command, and the variable by which a shell asks it."""


class Shell(Enum):
    """Shells that can ask."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@command(START_OVER)
def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that is to complete.")],
) -> None:
    """Print what makes a shell complete commands, options and their values."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    script = get_completion_script(prog_name=PROGRAM, complete_var=ASKED, shell=shell.value)
    out.print(script, markup=False)


def answer_shells() -> None:
    """Be ready to answer, where a shell asks: else nothing is loaded for it."""
    if ASKED in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
