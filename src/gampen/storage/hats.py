"""HATS: catalogues by place on the sky, for LSDB (IVOA Note HATS 1.0, 2025-08-22).

A partition is a HEALPix pixel, of an order so high that it holds few enough rows; its rows are in
the order of their finest pixels. The memory taken is that of one partition. Nothing of the time or
the machine is written: the same catalogue is the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.io import fits
from jaxtyping import Int64

from gampen.errors import UsageError
from gampen.storage.datasets import METADATA, SKY, with_metadata
from gampen.storage.folders import check_replaceable, whole_folder
from gampen.storage.healpix import FACES, FINEST, pixels_at
from gampen.storage.parquet import settings
from gampen.storage.streams import Told, nobody

PROPERTIES = (SKY, "properties")
INDEX = "_healpix_29"
MOST_ROWS = 131_072
"""Of a partition, and of what is sorted at a time."""

FINEST_PARTITION = 9
"""Order of the smallest partitions, 7 arcminutes wide."""

MAP_ORDER = 7
"""Order of the map of counts, from which readers know what part of the sky is covered."""

SHARDS = ".shards"
Tables = Callable[[], Iterator[pa.Table]]
Counts = Int64[np.ndarray, " pixel"]


@dataclass(frozen=True, eq=False)
class Tiling:
    """The partitions, in their order on the sky: the order and the number of each pixel."""

    orders: Int64[np.ndarray, " tile"]
    pixels: Int64[np.ndarray, " tile"]

    @classmethod
    def of(cls, counts: Counts) -> Tiling:
        """The largest pixels of no more than `MOST_ROWS` rows, from counts in the smallest."""
        orders, pixels = [], []
        whole = np.arange(FACES)
        for order in range(FINEST_PARTITION + 1):
            rows = counts.reshape(FACES * 4**order, -1).sum(axis=1)[whole]
            few = (rows <= MOST_ROWS) | (order == FINEST_PARTITION)
            kept = whole[few & (rows > 0)]
            orders.append(np.full(len(kept), order))
            pixels.append(kept)
            whole = (4 * whole[~few][:, None] + np.arange(4)).ravel()
        tiling = cls(np.concatenate(orders), np.concatenate(pixels))
        along = np.argsort(tiling.starts)
        return cls(tiling.orders[along], tiling.pixels[along])

    @property
    def starts(self) -> Int64[np.ndarray, " tile"]:
        """The number of the first of the smallest pixels in each tile."""
        found: Int64[np.ndarray, " tile"] = self.pixels << 2 * (FINEST_PARTITION - self.orders)
        return found

    def tile_of(self, finest: Int64[np.ndarray, " row"]) -> Int64[np.ndarray, " row"]:
        """The place of the tile that holds each of the finest pixels."""
        small = finest >> 2 * (FINEST - FINEST_PARTITION)
        found: Int64[np.ndarray, " row"] = np.searchsorted(self.starts, small, side="right") - 1
        return found

    def file(self, tile: int) -> Path:
        """Where a partition's rows are, in the folder of all."""
        order, pixel = int(self.orders[tile]), int(self.pixels[tile])
        return Path(f"Norder={order}", f"Dir={pixel // 10_000 * 10_000}", f"Npix={pixel}.parquet")


def write_hats(
    tables: Tables, path: Path, metadata: Mapping[str, str], told: Told = nobody
) -> tuple[int, int]:
    """Write a catalogue as a HATS folder, whole or not at all; the galaxies in it, and left out.

    Those without `ra` and `dec` [deg] are left out. `UsageError` where there is no such column, or
    no galaxy with a position.
    """
    check_replaceable(path, PROPERTIES[0])
    counts, left_out = count(tables)
    if not counts.any():
        raise UsageError("a galaxy must have ra and dec to be placed on the sky; none has both")
    tiling = Tiling.of(counts)
    with whole_folder(path, PROPERTIES[0]) as folder:
        schema = scatter(tables, tiling, folder / SHARDS)
        gather(folder, tiling, with_metadata(schema, metadata), told)
        (folder / SHARDS).rmdir()
        write_partitions(folder, tiling)
        write_map(folder, counts)
        write_properties(folder, path.stem, tiling, counts)
    return int(counts.sum()), left_out


def count(tables: Tables) -> tuple[Counts, int]:
    """The number of galaxies in each of the smallest partitions, and of those without a place."""
    counts = np.zeros(FACES * 4**FINEST_PARTITION, dtype=np.int64)
    galaxies = 0
    for table in tables():
        galaxies += len(table)
        small = placed(table)[INDEX].to_numpy() >> 2 * (FINEST - FINEST_PARTITION)
        found, number = np.unique(small, return_counts=True)
        counts[found] += number
    return counts, galaxies - int(counts.sum())


def placed(table: pa.Table) -> pa.Table:
    """The rows that have a place on the sky, with its number as first column."""
    for name in ("ra", "dec"):
        if name not in table.column_names:
            raise UsageError(
                f"the catalogue must have a column {name!r} to be placed on the sky; it has "
                f"{', '.join(table.column_names)}"
            )
    ra, dec = (pc.cast(table[n], pa.float64()).to_numpy() for n in ("ra", "dec"))
    found = np.isfinite(ra) & (np.abs(dec) <= 90)
    numbers = pa.array(pixels_at(ra[found], dec[found], FINEST))
    rows = table if found.all() else table.filter(pa.array(found))
    rest = rows.drop_columns([INDEX]) if INDEX in rows.column_names else rows
    return rest.add_column(0, INDEX, numbers)


def batches(tables: Tables) -> Iterator[pa.Table]:
    """The rows in larger pieces, as many as are sorted at a time."""
    kept: list[pa.Table] = []
    for table in tables():
        kept.append(placed(table))
        if sum(map(len, kept)) >= MOST_ROWS:
            yield pa.concat_tables(kept)
            kept = []
    if kept:
        yield pa.concat_tables(kept)


def scatter(tables: Tables, tiling: Tiling, folder: Path) -> pa.Schema:
    """Write the rows of each tile, as they come, to files of its own; the schema of all."""
    schema = None
    for number, rows in enumerate(batches(tables)):
        schema = rows.schema
        tiles = tiling.tile_of(rows[INDEX].to_numpy())
        for tile in np.unique(tiles).tolist():
            home = folder / str(tile)
            home.mkdir(parents=True, exist_ok=True)
            with pa.ipc.new_file(home / f"{number:08d}.arrow", schema) as file:
                file.write_table(rows.take(pa.array(np.flatnonzero(tiles == tile))))
    return schema


def gather(folder: Path, tiling: Tiling, schema: pa.Schema, told: Told) -> None:
    """Write each tile's rows to its partition, in order, and the metadata of all partitions."""
    dataset, footers = folder / "dataset", []
    for tile in range(len(tiling.pixels)):
        shards = sorted((folder / SHARDS / str(tile)).iterdir())
        rows = pa.concat_tables([read_shard(shard) for shard in shards])
        rows = rows.take(pa.array(np.argsort(rows[INDEX].to_numpy(), kind="stable")))
        file = dataset / tiling.file(tile)
        file.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(file, schema, **settings(schema)) as writer:
            writer.write_table(rows, row_group_size=len(rows))
        for shard in shards:
            shard.unlink()
        (folder / SHARDS / str(tile)).rmdir()
        footer = pq.read_metadata(file)
        footer.set_file_path(tiling.file(tile).as_posix())
        footers.append(footer)
        told(len(rows))
    for name, collected in zip(METADATA, (footers, None), strict=True):
        pq.write_metadata(schema, dataset / name, metadata_collector=collected)


def read_shard(path: Path) -> pa.Table:
    """The rows of a file of `scatter`."""
    with pa.ipc.open_file(path) as file:
        return file.read_all()


def write_partitions(folder: Path, tiling: Tiling) -> None:
    """Write the list of partitions."""
    lines = [
        f"{order},{pixel}\n" for order, pixel in zip(tiling.orders, tiling.pixels, strict=True)
    ]
    (folder / "partition_info.csv").write_text("Norder,Npix\n" + "".join(lines))


def write_map(folder: Path, counts: Counts) -> None:
    """Write the number of rows in each pixel of the sky, under the older and the newer name."""
    rows = counts.reshape(FACES * 4**MAP_ORDER, -1).sum(axis=1)
    hdu = fits.BinTableHDU.from_columns([fits.Column("VALUE", "K", array=rows)])
    cards = {
        "PIXTYPE": "HEALPIX",
        "INDXSCHM": "IMPLICIT",
        "ORDERING": "NESTED",
        "NSIDE": 2**MAP_ORDER,
        "FIRSTPIX": 0,
        "LASTPIX": len(rows) - 1,
        "OBJECT": "FULLSKY",
        "COORDSYS": "C",
    }
    hdu.header.update(cards)
    for name in ("point_map.fits", "skymap.fits"):
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / name)


def write_properties(folder: Path, name: str, tiling: Tiling, counts: Counts) -> None:
    """Write what the catalogue is, under the older and the newer name."""
    covered = counts.reshape(FACES * 4**MAP_ORDER, -1).any(axis=1).mean()
    size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    values = {
        "obs_collection": name,
        "dataproduct_type": "object",
        "hats_nrows": counts.sum(),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": INDEX,
        "hats_col_healpix_order": FINEST,
        "hats_npix_suffix": ".parquet",
        "hats_skymap_order": MAP_ORDER,
        "hats_max_rows": MOST_ROWS,
        "hats_order": tiling.orders.max(),
        "hats_estsize": size // 1024,
        "moc_sky_fraction": covered,
        "hats_builder": "gampen",
        "hats_version": "v1.0",
    }
    text = "".join(f"{key}={value}\n" for key, value in values.items()).replace("\\", "\\\\")
    for file in PROPERTIES:
        (folder / file).write_text(text, encoding="utf-8")
