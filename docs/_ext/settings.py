"""Tables of what a settings file may say, made from the dataclasses that read it.

`{settings} gampen.settings.RunSettings` is a section for each table of the file, with its keys,
their kinds and defaults, and what the comment beside each field says.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import re
import tokenize
import types
import typing
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util.docutils import SphinxDirective

from gampen.storage.runfiles import emit, init_fields
from gampen.storage.runfiles import plain as as_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils import nodes
    from sphinx.application import Sphinx

SCALARS = {
    bool: "`true` or `false`",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
}


def comments(settings: type) -> dict[str, str]:
    """By field: the comment beside it."""
    source = inspect.getsource(settings)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = {token.start[0]: token.string.lstrip("# ") for token in tokens if is_comment(token)}
    told = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            told[node.target.id] = " ".join(said[line] for line in lines if line in said)
    return told


def is_comment(token: tokenize.TokenInfo) -> bool:
    """Whether a token is a comment."""
    return token.type == tokenize.COMMENT


def inner(hint: Any) -> type | None:  # noqa: ANN401
    """The dataclass that a hint holds, where it holds one: itself, or the values of a table."""
    held = [hint, *typing.get_args(hint)]
    return next((each for each in held if dataclasses.is_dataclass(each)), None)


def kind_of(hint: Any) -> str:  # noqa: ANN401
    """What may stand behind a key."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(kind_of(each) for each in arguments if each is not type(None))
    if origin is tuple:
        repeated = arguments[-1] is Ellipsis
        return f"list: {kind_of(arguments[0])}" if repeated else "`[low, high]`"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{emit(member.value)}`" for member in hint)
    return SCALARS.get(hint, "table")


def default_of(field: dataclasses.Field[Any]) -> str:
    """What holds when a key is not given, as a file would say it."""
    if field.default_factory is not dataclasses.MISSING:
        return ""
    if field.default is dataclasses.MISSING:
        return "*required*"
    return "" if field.default is None else f"`{emit(as_toml(field.default))}`"


def rows(settings: type) -> Iterator[tuple[str, str, str, str]]:
    """Key, kind, default and meaning of what is no table itself."""
    hints, told = typing.get_type_hints(settings), comments(settings)
    for field in init_fields(settings):
        if inner(hints[field.name]) is None:
            said = told[field.name] or of_choices(hints[field.name])
            yield field.name, kind_of(hints[field.name]), default_of(field), said


def of_choices(hint: Any) -> str:  # noqa: ANN401
    """What is said of a set of choices as a whole."""
    return hint.__doc__ if isinstance(hint, type) and issubclass(hint, Enum) else ""


def tables(settings: type, place: str = "") -> Iterator[tuple[str, type]]:
    """Every table of a file by its place in it, from the outermost."""
    yield place, settings
    hints = typing.get_type_hints(settings)
    for field in init_fields(settings):
        held = inner(hints[field.name])
        if held is not None:
            named = ".NAME" if typing.get_origin(hints[field.name]) is dict else ""
            inside = f"{place}.{field.name}{named}".lstrip(".")
            # A list of tables is written in double brackets.
            several = typing.get_origin(hints[field.name]) is tuple
            yield from tables(held, f"[{inside}]" if several else inside)


def section(place: str, settings: type, title: str) -> str:
    """A table's part of the page."""
    listed = list(rows(settings))
    head = f"{title} `[{place}]`" if place else f"{title} Top of the file"
    parts = [head, inspect.getdoc(settings) or ""]
    if listed:
        cells = [
            f"| `{key}` | {kind} | {default} | {shown(told)} |"
            for key, kind, default, told in listed
        ]
        parts.append(
            "\n".join(["| key | value | default | meaning |", "| --- | --- | --- | --- |", *cells])
        )
    return "\n\n".join(parts)


def shown(told: str) -> str:
    """A comment as a cell of a table."""
    return re.sub(r"([\[\]|*^])", r"\\\1", told)


class Settings(SphinxDirective):
    """The tables of a settings file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A section for each table."""
        module, _, name = self.arguments[0].rpartition(".")
        settings = getattr(import_module(module), name)
        text = "\n\n".join(section(*each, "###") for each in tables(settings))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
