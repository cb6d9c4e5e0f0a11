"""A Parquet file looked at without reading it whole: its footer, or a few columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gampen.catalog import Catalog, Column
from gampen.storage.parquet import texts, to_numpy

READ_ERRORS = (OSError, pa.ArrowException, ValueError)


@dataclass(frozen=True)
class Footer:
    """The number of rows of a file, and its metadata."""

    rows: int
    metadata: Mapping[str, str]


def read_footer(path: Path) -> Footer | None:
    """The footer of a file; None where there is no file, or none that is whole."""
    try:
        with pq.ParquetFile(path) as file:
            return Footer(file.metadata.num_rows, texts(file.schema_arrow.metadata))
    except READ_ERRORS:
        return None


def read_columns(path: Path, *names: str) -> Catalog:
    """Some columns of a file, without units."""
    table = pq.read_table(path, columns=list(names), partitioning=None)
    return Catalog(tuple(Column(name, to_numpy(table.column(name))) for name in names))
