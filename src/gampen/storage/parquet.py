"""Parquet: the format for many galaxies; units, UCDs and descriptions ride on the fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError

INTERNAL = (b"ARROW:", b"pandas")
NOTES = ("unit", "ucd", "description")


def write_parquet(catalog: Catalog, path: Path) -> None:
    """Write a catalogue as Parquet: zstd, floats split into byte streams, no dictionaries."""
    table = to_arrow(catalog)
    floats = [leaf for column in catalog for leaf in float_leaf(column)]
    pq.write_table(
        table, path, compression="zstd", use_dictionary=False, use_byte_stream_split=floats or False
    )


def float_leaf(column: Column) -> list[str]:
    """The name of a column's values in the file where they are floats."""
    if column.values.dtype.kind != "f":
        return []
    return [column.name if column.values.ndim == 1 else f"{column.name}.list.element"]


def to_arrow(catalog: Catalog) -> pa.Table:
    """The Arrow table of a catalogue."""
    arrays = [to_array(column) for column in catalog]
    fields = [
        pa.field(column.name, array.type, metadata=notes(column))
        for column, array in zip(catalog, arrays, strict=True)
    ]
    metadata = {key: catalog.metadata[key] for key in sorted(catalog.metadata)}
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata or None))


def to_array(column: Column) -> pa.Array:
    """The Arrow array of a column; vectors become lists of one fixed size."""
    if column.is_text:
        return text_array(column.text())
    if column.values.dtype.kind not in "biuf":
        raise UsageError(
            f"{column.name}: values must be numbers or text; got {column.values.dtype}"
        )
    values = np.ascontiguousarray(column.values, dtype=column.values.dtype.newbyteorder("="))
    if values.ndim == 1:
        return number_array(values)
    return pa.FixedSizeListArray.from_arrays(number_array(values.ravel()), values.shape[1])


# Arrays are made of buffers: `pa.array` would first load pandas, where that is installed.


def number_array(values: Shaped[np.ndarray, " value"]) -> pa.Array:
    """The Arrow array of numbers or truth values."""
    if values.dtype.kind == "b":
        bits = pa.py_buffer(np.packbits(values, bitorder="little"))
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits])
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def text_array(texts: list[str]) -> pa.Array:
    """The Arrow array of texts."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    content = pa.py_buffer(b"".join(encoded))
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), content)


def notes(column: Column) -> dict[str, str] | None:
    """A column's unit, UCD and description, where there are any."""
    given = {name: getattr(column, name) for name in NOTES}
    return {name: text for name, text in given.items() if text} or None


def read_parquet(path: Path) -> Catalog:
    """The catalogue in a Parquet file."""
    table = pq.read_table(path, partitioning=None)
    columns = tuple(
        Column(field.name, to_numpy(table.column(field.name)), **texts(field.metadata))
        for field in table.schema
        if not field.name.startswith("__index_level_")
    )
    return Catalog(columns, texts(table.schema.metadata))


def texts(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    """Metadata as text, without what libraries keep there for themselves."""
    kept = {k: v for k, v in (metadata or {}).items() if not k.startswith(INTERNAL)}
    return {key.decode(): value.decode() for key, value in kept.items()}


def to_numpy(chunks: pa.ChunkedArray) -> Shaped[np.ndarray, "galaxy ..."]:
    """The values of an Arrow column: numbers, text, or vectors; anything else as text."""
    array = chunks.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_fixed_size_list(kind) and not array.null_count:
        flat: Shaped[np.ndarray, ...] = array.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(array), kind.list_size)
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if plain and not (pa.types.is_boolean(kind) and array.null_count):
        values: Shaped[np.ndarray, ...] = array.to_numpy(zero_copy_only=False)
        return values
    cells = ["" if value is None else str(value) for value in array.to_pylist()]
    return np.array(cells, dtype=str)
