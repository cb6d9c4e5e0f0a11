"""Datasets: catalogues too long for memory, as folders of Parquet parts or files of row groups.

A dataset is a folder with `part-00000.parquet` and so on, all of one schema, in the order of their
names. Hidden names, and those that begin with `_`, are no parts: `_metadata` holds the footers of
all parts and what the catalogue says of itself, `_common_metadata` that without the footers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.storage.atomic import whole_file
from gampen.storage.memory import give_back
from gampen.storage.parquet import from_arrow, settings, texts, to_arrow
from gampen.storage.streams import Stream, Told, nobody
from gampen.storage.tables import read_catalog, sound, write_stream

SUFFIX = ".parquet"
METADATA = ("_metadata", "_common_metadata")
SKY = "hats.properties"
"""What a HATS folder has: a dataset whose parts lie in folders by place on the sky."""

MOST_ROWS = 16_384
"""Of a part that is read in one piece: some files have row groups of a million."""


def part_files(folder: Path) -> list[Path]:
    """The parts of a dataset, in order; `UsageError` where there is none."""
    home, pattern = home_of(folder)
    hidden = (".", "_")
    found = [path for path in home.glob(pattern) if not path.name.startswith(hidden)]
    if not found:
        raise UsageError(f"{folder} must hold Parquet parts (part-00000.parquet ...); it has none")
    return sorted(found)


def home_of(folder: Path) -> tuple[Path, str]:
    """Where a dataset keeps its parts, and the pattern of their names."""
    if (folder / SKY).is_file():
        return folder / "dataset", f"Norder=*/Dir=*/Npix=*{SUFFIX}"
    return folder, f"*{SUFFIX}"


def files_of(path: Path) -> list[Path]:
    """The Parquet files of a catalogue: itself, or a folder's parts."""
    path = Path(path)
    if not path.exists():
        raise UsageError(f"the catalogue must exist; there is no file or folder {path}")
    return part_files(path) if path.is_dir() else [path]


def metadata_of(path: Path) -> dict[str, str]:
    """What a catalogue says of itself; a dataset without `_metadata`, in its first part."""
    footers = [home_of(path)[0] / name for name in METADATA] if path.is_dir() else []
    sources = [footer for footer in footers if footer.is_file()] or files_of(path)
    return texts(schema_of(sources[0]).metadata)


def schema_of(part: Path) -> pa.Schema:
    """The schema in a file's footer; `UsageError` where the file is not sound."""
    with sound(part):
        return pq.read_schema(part)


def read_parts(path: Path) -> Iterator[Catalog]:
    """The catalogue of a file or a folder in pieces, in order: a part or a row group at a time.

    Longer ones come in several pieces. A catalogue that is not Parquet is read whole.
    """
    path = Path(path)
    if not path.is_dir() and path.suffix.lower() != SUFFIX:
        yield read_catalog(path)
        return
    metadata = metadata_of(path)
    for piece in pieces(files_of(path)):
        yield replace(piece, metadata=metadata)


def pieces(parts: Sequence[Path]) -> Iterator[Catalog]:
    """The rows of Parquet files, one after the other, in pieces that memory can hold."""
    return map(from_arrow, tables(parts))


def tables(parts: Sequence[Path]) -> Iterator[pa.Table]:
    """The rows of Parquet files as Arrow tables, in pieces that memory can hold."""
    for part in parts:
        with sound(part), pq.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(MOST_ROWS, row_groups=[group]):
                    yield pa.Table.from_batches([batch])
            if not file.metadata.num_rows:
                yield file.schema_arrow.empty_table()


def rows_in(parts: Sequence[Path]) -> int:
    """The number of rows of Parquet files."""
    total = 0
    for part in parts:
        with sound(part):
            total += pq.read_metadata(part).num_rows
    return total


def read_dataset(folder: Path) -> Catalog:
    """The catalogue of a folder of parts, in memory."""
    parts = part_files(folder)
    schema = common_schema(parts)
    with sound(folder):
        tables = [pq.read_table(part, partitioning=None).cast(schema) for part in parts]
        whole = from_arrow(pa.concat_tables(tables))
    return replace(whole, metadata=metadata_of(folder))


def common_schema(parts: Sequence[Path]) -> pa.Schema:
    """The columns of all parts, without metadata of files; `UsageError` where they differ."""
    if not parts:
        raise UsageError("a catalogue must have at least one part; got none")
    first = schema_of(parts[0]).remove_metadata()
    for part in parts[1:]:
        if not schema_of(part).remove_metadata().equals(first, check_metadata=True):
            raise UsageError(
                "all parts must have the same columns of the same types and units; "
                f"{part.name} differs from {parts[0].name}: are they of one run?"
            )
    return first


def merge_parts(
    parts: Sequence[Path], path: Path, metadata: Mapping[str, str], told: Told = nobody
) -> None:
    """Write all parts as one Parquet file, a row group a part: the same bytes each time.

    `metadata` takes the place of the parts' own. Takes the memory of one part. `UsageError` where
    parts differ in columns or types.
    """
    schema = with_metadata(common_schema(parts), metadata)
    with (
        whole_file(path) as temporary,
        pq.ParquetWriter(temporary, schema, **settings(schema)) as writer,
    ):
        for part in parts:
            rows = rows_of(part)
            if len(rows):
                writer.write_table(rows, row_group_size=len(rows))
            told(len(rows))
            give_back()


def rows_of(part: Path) -> pa.Table:
    """The rows of a part; `UsageError` where it is not sound."""
    with sound(part), pq.ParquetFile(part) as file:
        return file.read(use_threads=False)


def with_metadata(schema: pa.Schema, metadata: Mapping[str, str]) -> pa.Schema:
    """The schema with what the catalogue says of itself, in the order of the keys."""
    return schema.with_metadata({key: metadata[key] for key in sorted(metadata)} or None)


def write_dataset_metadata(
    folder: Path, parts: Sequence[Path], metadata: Mapping[str, str]
) -> None:
    """Write `_metadata` and `_common_metadata` of a folder of parts, each whole or not at all."""
    schema = with_metadata(common_schema(parts), metadata)
    footers = []
    for part in parts:
        with sound(part):
            footer = pq.read_metadata(part)
        footer.set_file_path(part.relative_to(folder).as_posix())
        footers.append(footer)
    for name, collected in zip(METADATA, (footers, None), strict=True):
        with whole_file(folder / name) as temporary:
            pq.write_metadata(schema, temporary, metadata_collector=collected)


def convert(
    parts: Sequence[Path], path: Path, metadata: Mapping[str, str], told: Told = nobody
) -> None:
    """Write the catalogue of all parts in the format of the suffix, as `write_catalog` would.

    Parquet, FITS and CSV take the memory of one part; VOTable and ECSV are made in memory.
    """
    path = Path(path)
    if path.suffix.lower() == SUFFIX:
        merge_parts(parts, path, metadata, told)
        return
    common_schema(parts)
    write_stream(Stream(lambda: pieces(parts), metadata, told), path)


@dataclass(frozen=True, eq=False)
class Rows:
    """A catalogue on disk, to be read piece by piece; one that is not Parquet is in memory."""

    parts: tuple[Path, ...]
    metadata: Mapping[str, str]
    catalog: Catalog | None = None

    @classmethod
    def of(cls, path: Path) -> Rows:
        """The rows of a file or a folder of parts; `UsageError` where there are none to be read."""
        if not path.is_dir() and path.suffix.lower() != SUFFIX:
            catalog = read_catalog(path)
            return cls((), catalog.metadata, catalog)
        parts = files_of(path)
        common_schema(parts)
        return cls(tuple(parts), metadata_of(path))

    def __len__(self) -> int:
        """The number of rows."""
        return rows_in(self.parts) if self.catalog is None else len(self.catalog)

    def tables(self) -> Iterator[pa.Table]:
        """The rows as Arrow tables, piece by piece."""
        return tables(self.parts) if self.catalog is None else iter([to_arrow(self.catalog)])

    def pieces(self) -> Iterator[Catalog]:
        """The rows as catalogues, piece by piece."""
        return pieces(self.parts) if self.catalog is None else iter([self.catalog])

    def write(self, path: Path, told: Told = nobody) -> None:
        """Write the rows in the format of the suffix."""
        if self.catalog is None:
            convert(self.parts, path, self.metadata, told)
        else:
            write_stream(replace(Stream.of(self.catalog), told=told), path)
