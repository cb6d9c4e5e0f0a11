"""Catalogues: named columns of one length, with units, UCDs and descriptions.

One noun for what comes in (`info.csv`: file names, positions, truths) and what goes out (posterior
summaries). It knows nothing of files; `gampen.storage.tables` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int64, Integer, Shaped

from gampen.errors import UsageError
from gampen.parameters import ParameterSpace


@dataclass(frozen=True, eq=False)
class Column:
    """One named quantity of every galaxy.

    `values` has one entry a galaxy, or one vector of a fixed length a galaxy. Text is kept as a
    numpy string or object array. `unit` is a VOUnit string, `ucd` a UCD1+ word; both may be empty.
    """

    name: str
    values: Shaped[np.ndarray, " ..."]
    unit: str = ""
    ucd: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse a column without a name, and values that are not one entry or vector a galaxy."""
        object.__setattr__(self, "values", np.asarray(self.values))
        if not self.name:
            raise UsageError("a column must have a name; got an empty one")
        if self.values.ndim not in (1, 2):
            raise UsageError(
                f"{self.name}: a column must hold one value or one vector a galaxy; "
                f"got an array of shape {self.values.shape}"
            )

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.values)

    @property
    def is_text(self) -> bool:
        """Whether the values are text."""
        return self.values.dtype.kind in "USO"

    def numbers(self) -> Float64[np.ndarray, "galaxy ..."]:
        """The values as float64, NaN where a cell is empty; `UsageError` for other text."""
        values = self.values
        if values.dtype.kind in "USO":
            empty = np.isin(values.astype(str), ("", "None", "--"))
            values = np.where(empty, "nan", values.astype(str))
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            raise UsageError(f"column {self.name!r} must hold numbers; got text") from None

    def text(self) -> list[str]:
        """The values as text, empty where a cell is empty; bytes are ASCII."""
        values = self.values
        if values.dtype.kind == "S":
            values = np.char.decode(values, "ascii")
        return ["" if value is None else str(value) for value in values.tolist()]

    def take(self, galaxies: Integer[np.ndarray, " chosen"]) -> Column:
        """The same column for the chosen galaxies, in the order chosen."""
        return replace(self, values=self.values[galaxies])


@dataclass(frozen=True, eq=False)
class Catalog:
    """Columns of one length with distinct names, and text metadata."""

    columns: tuple[Column, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse columns of different lengths and repeated names."""
        object.__setattr__(self, "columns", tuple(self.columns))
        if len(set(self.names)) != len(self.columns):
            raise UsageError(f"columns must have distinct names; got {', '.join(self.names)}")
        if len({len(column) for column in self.columns}) > 1:
            lengths = ", ".join(f"{column.name} {len(column)}" for column in self.columns)
            raise UsageError(f"columns must have one length; got {lengths}")

    @classmethod
    def of(cls, metadata: Mapping[str, str] | None = None, **values: object) -> Catalog:
        """The catalogue of plain arrays given by name, without units."""
        columns = tuple(Column(name, np.asarray(array)) for name, array in values.items())
        return cls(columns, metadata or {})

    @classmethod
    def cat(cls, parts: Sequence[Catalog]) -> Catalog:
        """The galaxies of all parts, one after the other, with the first part's metadata.

        A column of numbers that some parts lack is NaN there; one of text is empty.
        """
        models = {column.name: column for part in parts for column in part}
        joined = [
            replace(model, values=np.concatenate([_values_in(part, model) for part in parts]))
            for model in models.values()
        ]
        return cls(tuple(joined), parts[0].metadata)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.columns[0]) if self.columns else 0

    def __iter__(self) -> Iterator[Column]:
        """The columns, in order."""
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        """Whether there is a column of this name."""
        return name in self.names

    def __getitem__(self, name: str) -> Column:
        """The column of this name; `UsageError` if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UsageError(
            f"the catalogue must have a column {name!r}; it has {', '.join(self.names)}"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def with_columns(self, columns: Iterable[Column]) -> Catalog:
        """The catalogue with these columns: one of a known name takes its place, others follow."""
        merged = {column.name: column for column in self.columns}
        merged.update({column.name: column for column in columns})
        return replace(self, columns=tuple(merged.values()))

    def with_metadata(self, **metadata: str) -> Catalog:
        """The catalogue with these entries added to its metadata."""
        return replace(self, metadata={**self.metadata, **metadata})

    def select(self, names: Iterable[str]) -> Catalog:
        """The catalogue of the named columns, in the order given."""
        return replace(self, columns=tuple(self[name] for name in names))

    def take(self, galaxies: Integer[np.ndarray, " chosen"]) -> Catalog:
        """The rows of the chosen galaxies, in the order chosen."""
        chosen = np.asarray(galaxies)
        return replace(self, columns=tuple(column.take(chosen) for column in self.columns))

    def rows_of(self, object_ids: Iterable[str]) -> Int64[np.ndarray, " galaxy"]:
        """The row of each galaxy, by its `object_id`; -1 where there is none of that id."""
        row_of = {name: row for row, name in enumerate(self["object_id"].text())}
        return np.array([row_of.get(name, -1) for name in object_ids], dtype=np.int64)

    def has_parameters(self, space: ParameterSpace) -> bool:
        """Whether every parameter of the space has a column of its name."""
        return all(name in self for name in space.names)

    def parameter_values(self, space: ParameterSpace) -> Float64[np.ndarray, "galaxy parameter"]:
        """The parameters' values in `space`'s own units; `UsageError` where a column is missing."""
        return np.stack([self[name].numbers() for name in space.names], axis=-1)


def _values_in(part: Catalog, model: Column) -> Shaped[np.ndarray, "galaxy ..."]:
    """A part's values of a column, or empty ones of the model's kind."""
    if model.name in part:
        return part[model.name].values
    shape = (len(part), *model.values.shape[1:])
    if model.is_text:
        return np.full(shape, "")
    return np.full(shape, np.nan, dtype=np.result_type(model.values.dtype, np.float32))
