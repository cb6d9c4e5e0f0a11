"""Streams: a catalogue too long for memory, read part by part and as often as need be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError

Told = Callable[[int], None]
"""What hears how many more rows were written."""


def nobody(_: int) -> None:
    """No one is told."""


@dataclass(frozen=True)
class Stream:
    """A catalogue in parts of the same columns; each `open` begins again with the first of them."""

    open: Callable[[], Iterator[Catalog]]
    metadata: Mapping[str, str] = field(default_factory=dict)
    told: Told = nobody

    @classmethod
    def of(cls, catalog: Catalog) -> Stream:
        """The stream of a catalogue in memory."""
        return cls(lambda: iter((catalog,)), catalog.metadata)

    def map(self, change: Callable[[Column], Column]) -> Stream:
        """The stream with every column changed."""

        def changed() -> Iterator[Catalog]:
            for part in self.open():
                yield Catalog(tuple(map(change, part)))

        return Stream(changed, self.metadata, self.told)

    def whole(self) -> Catalog:
        """All parts as one catalogue, in memory."""
        model, _ = self.survey()
        return replace(Catalog.cat([model, *self.alike(model)]), metadata=self.metadata)

    def survey(self) -> tuple[Catalog, int]:
        """A catalogue of no galaxies, of types that hold those of all parts; and all their number.

        Text is as wide as the widest. `UsageError` where parts have different columns.
        """
        models: list[Catalog] = []
        galaxies = 0
        for part in self.open():
            galaxies += len(part)
            empty = part.take(np.array([], dtype=np.int64))
            models = [reduce(_both, (*models, empty))]
        return models[0], galaxies

    def alike(self, model: Catalog) -> Iterator[Catalog]:
        """The parts, with values of the model's types."""
        for part in self.open():
            pairs = zip(part, model, strict=True)
            yield Catalog(tuple(_cast(column, like) for column, like in pairs))
            self.told(len(part))


def _both(first: Catalog, second: Catalog) -> Catalog:
    """The empty catalogue whose types hold the values of both."""
    if first.names != second.names:
        raise UsageError(
            f"all parts must have the same columns; got {', '.join(first.names)} and then "
            f"{', '.join(second.names)}"
        )
    return Catalog(tuple(map(_wider, first, second)))


def _wider(first: Column, second: Column) -> Column:
    """The empty column whose type holds the values of both."""
    same_kind = first.is_text == second.is_text
    if not same_kind or first.values.shape != second.values.shape:
        raise UsageError(
            f"{first.name}: all parts must hold one kind of values; got {_kind(first)} and then "
            f"{_kind(second)}"
        )
    kind = np.result_type(first.values.dtype, second.values.dtype)
    return replace(first, values=first.values.astype(kind))


def _kind(column: Column) -> str:
    """What a column holds, for a person."""
    if column.values.ndim == 2:
        return f"vectors of {column.values.shape[1]}"
    return "text" if column.is_text else f"{column.values.dtype} numbers"


def _cast(column: Column, like: Column) -> Column:
    """The column with values of another's type; one that has it already as it is."""
    return replace(column, values=column.values.astype(like.values.dtype, copy=False))
