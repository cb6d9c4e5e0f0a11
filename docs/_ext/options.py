"""Tables of a command's arguments and options, made from the application itself.

`{options} predict` on a page is the table of one command; `{commands}` is every command.
"""

from __future__ import annotations

import re
import typing
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from gampen.cli import app as application

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

FIRST_PANEL = "Arguments and options"
KINDS = {Path: "path", int: "whole number", float: "number", str: "text", bool: "yes or no"}


def root() -> Any:  # noqa: ANN401 - typer keeps the class to itself
    """The command `gampen`, which holds all others."""
    return typer.main.get_command(application)


def commands() -> dict[str, Any]:
    """Every command by its name, in the order in which help lists them."""
    return dict(root().commands)


def parameters(command: Any) -> dict[str, list[Any]]:  # noqa: ANN401
    """A command's parameters by the panel in which help shows them."""
    panels: dict[str, list[Any]] = {FIRST_PANEL: []}
    for parameter in command.params:
        if not getattr(parameter, "hidden", False):
            panel = getattr(parameter, "rich_help_panel", None) or FIRST_PANEL
            panels.setdefault(panel, []).append(parameter)
    return {panel: listed for panel, listed in panels.items() if listed}


def name_of(parameter: Any) -> str:  # noqa: ANN401
    """How a parameter is written, and what kind of value it takes."""
    kind = kind_of(parameter.type_descriptor.annotation)
    if parameter.param_type_name == "argument":
        written = [f"`{(parameter.metavar or parameter.name).upper()}`"]
    else:
        written = [f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts)]
    flag = getattr(parameter, "is_flag", False)
    several = ", one or more" if parameter.multiple or parameter.nargs == -1 else ""
    return ", ".join(written) + ("" if flag else f" *{kind}{several}*")


def kind_of(annotation: Any) -> str:  # noqa: ANN401
    """What kind of value a parameter takes: for one of several words, these words."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " | ".join(str(member.value) for member in annotation).replace("|", "\\|")
    return KINDS[next(iter(typing.get_args(annotation)), annotation)]


def default_of(parameter: Any) -> str:  # noqa: ANN401
    """What holds when a parameter is not given."""
    if parameter.required:
        return "*required*"
    value = parameter.default
    if value is None or value is False or value in ("", ()):
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


def plain(text: str) -> str:
    """A text in which no mark of Markdown is meant; words of the shell are shown as code."""
    escaped = re.sub(r"([\\|*_<>\[\]])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)", r"`\1`", escaped)


def table(listed: list[Any]) -> str:
    """The table of a panel."""
    rows = [
        f"| {name_of(each)} | {default_of(each)} | {plain(each.help or '')} |" for each in listed
    ]
    return "\n".join(["| name | default | meaning |", "| --- | --- | --- |", *rows])


def options_of(command: Any) -> str:  # noqa: ANN401
    """All panels of a command, each with its table."""
    panels = parameters(command)
    if not panels:
        return "It has no options."
    named = [
        (f"**{panel}**\n\n" if len(panels) > 1 else "", table(panels[panel])) for panel in panels
    ]
    return "\n\n".join(f"{title}{rows}" for title, rows in named)


def pages(folder: Path) -> dict[str, list[str]]:
    """By command: the how-to pages that show its options."""
    found: dict[str, list[str]] = {}
    for page in sorted((folder / "how-to").glob("*.md")):
        for name in re.findall(r"^```\{options\} (\S+)$", page.read_text(), re.MULTILINE):
            found.setdefault(name, []).append(page.stem)
    return found


def usage(name: str, command: Any) -> str:  # noqa: ANN401
    """The line that a person types."""
    given = [each for each in command.params if each.param_type_name == "argument"]
    shown = [(each.metavar or each.name).upper() for each in given]
    words = [
        word if each.required else f"[{word}]" for each, word in zip(given, shown, strict=True)
    ]
    return f"```text\ngampen {' '.join([name, *words, '[OPTIONS]'])}\n```"


def everything(folder: Path) -> str:
    """A section for each command."""
    shown, parts = pages(folder), []
    for name, command in commands().items():
        links = ", ".join(f"[{page}](../how-to/{page}.md)" for page in shown.get(name, []))
        parts += [
            f"({anchor(name)})=\n## `gampen {name}`",
            plain(command.help or ""),
            usage(name, command),
            f"How to: {links}." if links else "",
            options_of(command),
        ]
    return "\n\n".join(parts)


def anchor(name: str) -> str:
    """The label of a command's section."""
    return f"gampen-{name}"


class Options(SphinxDirective):
    """The options of one command."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The tables."""
        known = commands()
        if self.arguments[0] not in known:
            raise ExtensionError(f"{self.env.docname}: gampen has no command {self.arguments[0]!r}")
        return self.parse_text_to_nodes(options_of(known[self.arguments[0]]))


class Commands(SphinxDirective):
    """Every command with its options."""

    def run(self) -> list[nodes.Node]:
        """A section for each."""
        text = everything(Path(self.env.srcdir))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("options", Options)
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
