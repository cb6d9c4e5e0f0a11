"""Records of packed galaxies: what is written of a cutout, and the cutout that comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32

from gampen.cutouts import NO_MAP, OWN_BITS, CardValue, Cutout, Entry, Flag, Rejection
from gampen.errors import GalaxyError, UsageError
from gampen.storage.fits import Known, psf_of_file

ROWS = 32
"""Galaxies in a batch; only the last has fewer."""

FORMAT = {b"gampen_packed": b"1"}
NUMBERS = ("ra", "dec", "psf_fwhm", "psf_concentration", "pixel_scale", "zero_point", "sky_sigma")
SCHEMA = pa.schema(
    [
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("file_name", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("flags", pa.int32(), nullable=False),
        *(pa.field(name, pa.float64()) for name in NUMBERS),
        pa.field("wcs", pa.string()),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("bad", pa.binary()),
        pa.field("pixels", pa.large_list(pa.field("element", pa.float32(), nullable=False))),
    ],
    metadata=FORMAT,
)
Record = dict[str, Any]
"""What is written of a galaxy beside its pixels, by name."""


def batch_of(entries: Sequence[Entry]) -> pa.RecordBatch:
    """The record batch of some galaxies."""
    records = [record(entry) for entry in entries]
    names = [name for name in SCHEMA.names if name != "pixels"]
    columns = [pa.array([row[name] for row in records], SCHEMA.field(name).type) for name in names]
    return pa.RecordBatch.from_arrays([*columns, pixel_array(entries)], schema=SCHEMA)


def record(entry: Entry) -> Record:
    """What is written of a galaxy beside its pixels."""
    named: Record = dict.fromkeys(SCHEMA.names)
    named.update(object_id=entry.object_id, file_name=entry.file_name, ra=entry.ra, dec=entry.dec)
    if isinstance(entry, Rejection):
        return {**named, "reason": entry.reason, "flags": 0, "height": 0, "width": 0}
    named.update((name, getattr(entry, name)) for name in NUMBERS)
    named["flags"] = int(entry.flags) & ~OWN_BITS
    named["wcs"] = json.dumps(dict(entry.wcs)) if entry.wcs else None
    named["height"], named["width"] = entry.shape
    named["bad"] = np.packbits(entry.bad).tobytes() if entry.bad.any() else None
    return named


def pixel_array(entries: Sequence[Entry]) -> pa.Array:
    """The pixels of some galaxies, row by row; of one without an image, none."""
    images = [e.pixels.ravel() if isinstance(e, Cutout) else np.empty(0) for e in entries]
    ends = np.cumsum([0, *map(len, images)], dtype=np.int64)
    values = pa.array(np.concatenate(images, dtype=np.float32))
    return pa.LargeListArray.from_arrays(pa.array(ends), values, type=SCHEMA.field("pixels").type)


def checked(batch: pa.RecordBatch, least: int) -> pa.RecordBatch:
    """The batch, whose arrays lie within the file and have values where they must."""
    batch.validate(full=True)
    holes = [f.name for f in batch.schema if not f.nullable and batch.column(f.name).null_count]
    if holes or not least <= batch.num_rows <= ROWS:
        without = f" without {', '.join(holes)}" if holes else ""
        raise ValueError(f"a batch of {batch.num_rows} galaxies{without}")
    return batch


def rows_of(batch: pa.RecordBatch) -> Iterator[Record]:
    """What is known of each galaxy beside its pixels."""
    names = [name for name in batch.schema.names if name != "pixels"]
    columns = [batch.column(name).to_pylist() for name in names]
    return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def images_of(batch: pa.RecordBatch) -> Iterator[Float32[np.ndarray, " pixel"]]:
    """Each galaxy's pixels where they lie in the file, row by row."""
    column = batch.column("pixels")
    values, ends = column.values.to_numpy(zero_copy_only=True), column.offsets.to_numpy()
    return (values[start:end] for start, end in pairwise(ends.tolist()))


def entry_of(row: Record, pixels: Float32[np.ndarray, " pixel"], known: Known) -> Entry:
    """The galaxy of a record."""
    named = (known.object_id or row["object_id"], known.file_name or row["file_name"])
    reason = row["reason"]
    try:
        if reason is None:
            return cutout_of(row, pixels, known, named)
    except GalaxyError as error:
        reason = str(error)
    return Rejection(*named, reason, row["ra"], row["dec"])


def cutout_of(
    row: Record, pixels: Float32[np.ndarray, " pixel"], known: Known, named: tuple[str, str]
) -> Cutout:
    """The cutout of a record; `GalaxyError` where sizes do not fit."""
    shape = (row["height"], row["width"])
    if min(shape) < 0 or shape[0] * shape[1] != len(pixels):
        raise GalaxyError(f"a record must have height x width pixels; got {shape}, {len(pixels)}")
    return Cutout(
        pixels.reshape(shape),
        bad_of(row["bad"], shape),
        *named,
        **facts_of(row, known),
        wcs=cards_of(row["wcs"]),
        flags=Flag(row["flags"]),
        sky_sigma=row["sky_sigma"],
    )


def cards_of(text: str | None) -> dict[str, CardValue]:
    """The world-coordinate cards of a record; `GalaxyError` where they are none."""
    if text is None:
        return {}
    try:
        cards = json.loads(text)
    except (ValueError, RecursionError):
        cards = None
    if not isinstance(cards, dict) or not all(isinstance(v, CardValue) for v in cards.values()):
        raise GalaxyError("a record's world coordinates must be header cards as JSON")
    return cards


def bad_of(bits: bytes | None, shape: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    """The map of bad pixels; empty where there are none."""
    if bits is None:
        return NO_MAP
    pixels = shape[0] * shape[1]
    if len(bits) != -(-pixels // 8):
        raise GalaxyError(f"a record must have a bit for each bad pixel; got {len(bits)} bytes")
    flat = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=pixels)
    return flat.view(np.bool_).reshape(shape)


def facts_of(row: Record, known: Known) -> dict[str, Any]:
    """What is known of a galaxy: what is given now where it is, and else what was packed.

    A PSF that is given takes the place of all that was packed of it, its concentration too.
    """
    scale = known.pixel_scale or row["pixel_scale"]
    width, share = row["psf_fwhm"], row["psf_concentration"]
    if known.psf_file is not None:
        width, share = psf_of_file(known.psf_file, None)
    elif known.psf_fwhm is not None:
        width, share = (None if scale is None else known.psf_fwhm / scale), known.psf_concentration
    given = known.ra is not None and known.dec is not None
    return {
        "psf_fwhm": width,
        "psf_concentration": share,
        "pixel_scale": scale,
        "zero_point": row["zero_point"] if known.zero_point is None else known.zero_point,
        "ra": known.ra if given else row["ra"],
        "dec": known.dec if given else row["dec"],
    }


def check_known(known: Known) -> None:
    """Refuse what would have to be known when files are read, and a packed file cannot heed."""
    if known.band is not None:
        raise UsageError("a packed file holds one band; give --band to gampen pack instead")
    alone = known.psf_fwhm is None and known.psf_file is None
    if known.pixel_scale is not None and alone:
        raise UsageError(
            "a packed file holds PSFs in pixels, which another pixel scale may change; give the "
            "PSF as well, or give --pixel-scale to gampen pack instead"
        )
