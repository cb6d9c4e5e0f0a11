"""`gampen doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from gampen import __version__
from gampen.cli.application import FAILED, START_OVER, command, out

if TYPE_CHECKING:
    from gampen.verbs.findings import Finding

SIGNS = {
    "good": ("✓", "ok", "green"),
    "absent": ("·", "-", "dim"),
    "note": ("!", "note", "yellow"),
    "fault": ("✗", "FAULT", "bold red"),
}
"""Of each verdict: its sign on a terminal and elsewhere, and its colour."""


@command(START_OVER)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print findings for programs.")] = False,
) -> None:
    """Look at this environment: what is installed, what it runs on, whether it predicts."""
    from gampen.verbs.doctor import doctor as run

    findings = list(run() if as_json else told(run()))
    faults = [finding for finding in findings if finding.verdict.value == "fault"]
    if as_json:
        records = [finding.record for finding in findings]
        said = {"gampen": __version__, "well": not faults, "findings": records}
        out.print(json.dumps(said, indent=1), markup=False)
    else:
        out.print(summary(len(faults)), markup=False, style="red" if faults else "green")
    if faults:
        sys.exit(FAILED)


def told(findings: Iterable[Finding]) -> Iterable[Finding]:
    """The findings, each section said as soon as it is whole."""
    for section, members in groupby(findings, key=lambda finding: finding.section):
        out.print(section, style="bold", markup=False)
        if out.is_terminal:
            rows = list(members)
            out.print(table(rows), soft_wrap=False)
            yield from rows
            continue
        for finding in members:
            _say(finding)
            yield finding


def table(findings: Iterable[Finding]) -> Table:
    """A section's findings, for a terminal."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2)
    grid.add_column(width=17)
    grid.add_column(overflow="fold")
    for finding in findings:
        sign, _, style = SIGNS[finding.verdict.value]
        said = Text(finding.said, style="dim" if style == "dim" else "")
        if finding.advice:
            said.append(f"\n→ {finding.advice}", style="" if style == "dim" else style)
        grid.add_row(Text(f" {sign}", style=style), finding.name, said)
    return grid


def _say(finding: Finding) -> None:
    """A finding in a line, and in another one what to do."""
    word = SIGNS[finding.verdict.value][1]
    out.print(f"  {word:6}{finding.name}: {finding.said}", markup=False)
    if finding.advice:
        out.print(f"        {finding.advice}", markup=False)


def summary(faults: int) -> str:
    """All of it in a sentence."""
    if not faults:
        return f"gampen {__version__} is well here"
    number = "one thing that it needs does not hold" if faults == 1 else f"{faults} things fail"
    return f"gampen {__version__} is not well here: {number}"
