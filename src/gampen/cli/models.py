"""`gampen models`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from gampen.cli.application import START_OVER, command, out
from gampen.shipped import shipped_names

if TYPE_CHECKING:
    from gampen.verbs.models import Model, Trained


@command(START_OVER)
def models(
    name: Annotated[
        str | None,
        typer.Argument(help="A shipped name or a file: its card.", autocompletion=shipped_names),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print facts for programs.")] = False,
) -> None:
    """List the estimators that come with the package, or show the card of one."""
    from gampen.verbs.models import card_text, model
    from gampen.verbs.models import models as run

    found = run() if name is None else [model(name)]
    if as_json:
        records = [one.record for one in found]
        out.print(json.dumps(records if name is None else records[0], indent=1), markup=False)
    elif name is None:
        tell(found)
    elif out.is_terminal:
        out.print(Markdown(card_text(found[0])), soft_wrap=False)
    else:
        out.print(card_text(found[0]), markup=False, end="")


def tell(found: list[Model]) -> None:
    """The estimators as a table, with their cards; a line each where there is no terminal."""
    if not out.is_terminal:
        for one in found:
            parts = [", ".join(one.parameters), *cells(one)]
            out.print(f"{one.name}: {'; '.join(parts)}; {place(one)}", markup=False)
        return
    out.print(table(found), soft_wrap=False)
    for one in found:
        out.print(f"{one.name}: {place(one)}", markup=False, style="dim")
    out.print("gampen models NAME shows the card of one", style="dim")


def table(found: list[Model]) -> Table:
    """A row an estimator."""
    grid = Table(box=SIMPLE_HEAD, leading=1)
    for title in ("name", "parameters"):
        grid.add_column(title, no_wrap=True)
    grid.add_column("what it is")
    for one in found:
        units = [f"{name} [{unit}]" if unit else name for name, unit in one.parameters.items()]
        grid.add_row(one.name, escape("\n".join(units)), "\n".join(cells(one)))
    return grid


def cells(one: Model) -> list[str]:
    """What it has seen, its size, its format, and whether it passes the tests of its card."""
    size = f"{one.bytes / 1e6:.1f} MB, {one.weights / 1e6:.2f} M weights"
    written = one.provenance.get("gampen_version", "an unknown version")
    digest = one.provenance.get("sha256", "")
    written = f"format {one.format.split()[-1]}, gampen {written}"
    return [*seen(one.trained), size, written, f"sha256 {digest[:12]}", judged(one)]


def seen(trained: Trained | None) -> list[str]:
    """The survey of training, with its frames and PSFs."""
    if trained is None:
        return ["trained elsewhere"]
    low, high = trained.psf_fwhm
    frames = "-".join(str(side) for side in sorted(set(trained.sizes)))
    return [f"survey {trained.survey}", f"frames {frames} px", f"PSF {low:.2g}-{high:.2g} px"]


def judged(one: Model) -> str:
    """In a word whether it passes the tests of its card, and how many of them."""
    if one.card is None:
        return "tests: none known"
    return f"tests: {one.card.verdict} ({one.card.passed} of {one.card.tests} passed)"


def place(one: Model) -> str:
    """Where its card is."""
    return "no card" if one.card is None else str(one.card.path)
