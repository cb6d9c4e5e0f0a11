"""Parquet: the format for many galaxies; units, UCDs and descriptions ride on the fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Shaped

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.streams import Stream

INTERNAL = (b"ARROW:", b"pandas")
NOTES = ("unit", "ucd", "description")


def write_parquet(stream: Stream, path: Path) -> None:
    """Write a stream as Parquet: zstd, floats split into byte streams, no dictionaries."""
    model, _ = stream.survey()
    schema = to_arrow(Catalog(model.columns, stream.metadata)).schema
    with pq.ParquetWriter(path, schema, **settings(schema)) as writer:
        for part in stream.alike(model):
            writer.write_table(to_arrow(part))


def settings(schema: pa.Schema) -> dict[str, object]:
    """How a file of this schema is written."""
    floats = [leaf for field in schema for leaf in float_leaf(field)]
    split = {"use_byte_stream_split": floats or False}
    return {"compression": "zstd", "use_dictionary": False, **split}


def float_leaf(field: pa.Field) -> list[str]:
    """The name of a field's values in the file where they are floats."""
    if pa.types.is_floating(field.type):
        return [field.name]
    vectors = pa.types.is_fixed_size_list(field.type) or pa.types.is_list(field.type)
    if vectors and pa.types.is_floating(field.type.value_type):
        return [f"{field.name}.list.element"]
    return []


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
    entries = number_array(values.ravel())
    # Arrow's own name for the entries is "item"; a file's is "element", and would come back.
    kind = pa.list_(pa.field("element", entries.type), values.shape[1])
    return pa.FixedSizeListArray.from_arrays(entries, type=kind)


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
    return from_arrow(pq.read_table(path, partitioning=None))


def from_arrow(table: pa.Table) -> Catalog:
    """The catalogue of an Arrow table."""
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
