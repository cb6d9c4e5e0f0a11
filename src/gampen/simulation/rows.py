"""Rows of nested records: what is said of each galaxy, joined or chosen through all levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

Record = TypeVar("Record")
"""Tensors whose first axis is the galaxy, in dataclasses, dictionaries and tuples of any depth."""


def cat_rows(parts: Sequence[Record]) -> Record:
    """Several records of one form as one."""
    return cast("Record", combine(parts, torch.cat))


def take_rows(record: Record, galaxies: slice | Tensor) -> Record:
    """The chosen galaxies of a record: a slice, indices or a mask."""
    return cast("Record", combine([record], lambda found: found[0][galaxies]))


def combine(parts: Sequence[Any], join: Callable[[list[Tensor]], Tensor]) -> Any:  # noqa: ANN401
    """The record that holds, at every place, what `join` makes of the tensors there."""
    first = parts[0]
    if isinstance(first, Tensor):
        return join(list(parts))
    if isinstance(first, dict):
        return {key: combine([part[key] for part in parts], join) for key in first}
    if isinstance(first, tuple):
        return tuple(combine(places, join) for places in zip(*parts, strict=True))
    names = [field.name for field in fields(first)]
    return type(first)(**{n: combine([getattr(part, n) for part in parts], join) for n in names})
