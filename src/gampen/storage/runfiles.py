"""Run files: TOML in, frozen dataclasses out, and the resolved settings back as TOML."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from gampen.errors import UsageError
from gampen.storage.atomic import write_bytes

Settings = TypeVar("Settings")
Kind = TypeVar("Kind")


Named = Mapping[str, Callable[[str], object]]
"""By key: the settings that a name stands for, where a run file gives text instead of a table."""


Filled = Callable[[dict[str, Any]], dict[str, Any]]
"""What else is put into the table of a run file before it becomes settings."""


def read_settings(
    path: Path,
    cls: type[Settings],
    named: Named | None = None,
    filled: Filled = lambda table: table,
) -> Settings:
    """The settings in a TOML file, as the dataclass asks for them.

    Tables become nested dataclasses, arrays tuples, text an `Enum`'s value or a `Path` where the
    field says so, or what `named` makes of it for that key; `filled` adds to the whole table last.
    `UsageError` for unknown keys (with
    the nearest known one), missing keys, wrong types, and what the dataclasses themselves refuse.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the run file {path} must be readable; got: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the run file {path} must be TOML; got: {error}") from None
    try:
        return build(cls, filled(spelled_out(content, named or {})), "")
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def spelled_out(content: dict[str, Any], named: Named) -> dict[str, Any]:
    """The table with every name in place of settings replaced by those settings."""
    spelled: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            spelled[key] = spelled_out(value, named)
        else:
            known = key in named and isinstance(value, str)
            spelled[key] = plain(named[key](value)) if known else value
    return spelled


def build(cls: type[Settings], content: dict[str, Any], place: str) -> Settings:
    """The dataclass filled from a table; `place` is where the table lies in the file."""
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in init_fields(cls)}
    for key in content:
        if key not in fields:
            raise UsageError(unknown_key(key, list(fields), place))
    values = {key: convert(hints[key], value, place + key) for key, value in content.items()}
    for name, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise UsageError(f"{place}{name} must be given; it is missing")
    try:
        return cls(**values)
    except UsageError as error:
        raise UsageError(f"{place.rstrip('.')}: {error}" if place else str(error)) from None


def init_fields(settings: object) -> list[dataclasses.Field[object]]:
    """The fields of a dataclass, or of its class, that a run file may set."""
    return [field for field in dataclasses.fields(settings) if field.init]  # type: ignore[arg-type]


def unknown_key(key: str, known: list[str], place: str) -> str:
    """The message for a key that no field has."""
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"every key must be a known setting; got {place + key!r}: {hint}"


def convert(hint: Any, value: object, place: str) -> object:  # noqa: ANN401 - any type there is
    """A TOML value as a type asks for it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return convert_union(arguments, value, place)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, expect(value, dict, "a table", place), place + ".")
    if origin is typing.Literal:
        return choose(value, arguments, place)
    if origin in (tuple, list):
        return convert_array(origin, arguments, value, place)
    if origin is dict:
        table = expect(value, dict, "a table", place)
        return {key: convert(arguments[1], entry, f"{place}.{key}") for key, entry in table.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(choose(value, tuple(member.value for member in hint), place))
    return convert_scalar(hint, value, place)


def convert_union(arguments: tuple[Any, ...], value: object, place: str) -> object:
    """The value as the first type of a union that takes it."""
    kinds = [kind for kind in arguments if kind is not type(None)]
    if len(kinds) == 1:
        return convert(kinds[0], value, place)
    problems = []
    for kind in kinds:
        try:
            return convert(kind, value, place)
        except UsageError as problem:
            problems.append(str(problem))
    raise UsageError("; or ".join(problems))


def convert_array(
    origin: type, arguments: tuple[Any, ...], value: object, place: str
) -> list[object] | tuple[object, ...]:
    """A TOML array as a list or tuple of its entries' types."""
    array = expect(value, list, "an array", place)
    repeated = origin is list or (len(arguments) == 2 and arguments[1] is Ellipsis)
    hints = (arguments[0],) * len(array) if repeated else arguments
    if len(hints) != len(array):
        raise UsageError(f"{place} must have {len(hints)} entries; got {len(array)}")
    pairs = enumerate(zip(hints, array, strict=True))
    entries = [convert(hint, entry, f"{place}[{n}]") for n, (hint, entry) in pairs]
    return entries if origin is list else tuple(entries)


def convert_scalar(hint: object, value: object, place: str) -> object:
    """A TOML scalar as a number, truth value, text or path; a whole number may stand for a real."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if hint is Path:
        return Path(expect(value, str, "text", place))
    if hint not in names:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise UsageError(f"{place} must be {names[hint]}; got {shown(value)}")
    return value


def expect(value: object, kind: type[Kind], name: str, place: str) -> Kind:
    """The value where it is of a kind; `UsageError` otherwise."""
    if not isinstance(value, kind):
        raise UsageError(f"{place} must be {name}; got {shown(value)}")
    return value


def choose(value: object, allowed: tuple[Any, ...], place: str) -> object:
    """The value where it is one of those allowed; `UsageError` otherwise."""
    if value not in allowed:
        listed = ", ".join(str(choice) for choice in allowed)
        raise UsageError(f"{place} must be one of {listed}; got {shown(value)}")
    return value


def shown(value: object) -> str:
    """A value as a TOML file would show it, shortened."""
    text = emit(value) if not isinstance(value, dict) else "a table"
    return text if len(text) <= 60 else text[:57] + "..."


def write_settings(settings: object, path: Path) -> None:
    """Write a dataclass of settings as TOML, every value spelled out; what is None is left out."""
    lines = table_lines(as_table(settings), ())
    write_bytes(("\n".join(lines).strip() + "\n").encode(), Path(path))


def plain(value: object) -> object:
    """Settings as tables, arrays and scalars."""
    if dataclasses.is_dataclass(value):
        return as_table(value)
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, Enum):
        return plain(value.value)
    return str(value) if isinstance(value, Path) else value


def as_table(settings: object) -> dict[str, object]:
    """A dataclass of settings as tables, arrays and scalars; what is None is left out."""
    found = {field.name: getattr(settings, field.name) for field in init_fields(settings)}
    return {name: plain(value) for name, value in found.items() if value is not None}


def table_lines(table: dict[str, object], names: tuple[str, ...]) -> list[str]:
    """The lines of a table: its scalars and arrays first, then the tables inside it."""
    table = {key: value for key, value in table.items() if value is not None}
    scalars = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = ["", f"[{'.'.join(names)}]"] if names else []
    lines += [f"{bare(key)} = {emit(value)}" for key, value in scalars.items()]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += table_lines(value, (*names, bare(key)))
    return lines


def bare(key: str) -> str:
    """A key as TOML writes it."""
    letters = key.replace("_", "").replace("-", "")
    return key if letters.isascii() and letters.isalnum() else emit(key)


def emit(value: object) -> str:
    """A value as TOML writes it; `UsageError` for what TOML cannot hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(emit(entry) for entry in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{bare(k)} = {emit(v)}" for k, v in value.items()) + "}"
    raise UsageError(f"a setting must be text, a number, a truth value or a list; got {value!r}")
