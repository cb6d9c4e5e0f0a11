"""`gampen crop`: the learned crop of every galaxy as a FITS image, in its place on the sky."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import gampen
from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Cutouts, Entry, Rejection, numbers
from gampen.errors import GalaxyError, UsageError
from gampen.estimator import Estimator
from gampen.inference.cropping import Cropped
from gampen.inference.sampling import NO_DISTRIBUTION, Sampling
from gampen.network.devices import usable_device
from gampen.scaling.chunks import ahead, chunks
from gampen.settings import CropPixels
from gampen.storage.atomic import write_bytes
from gampen.storage.crops import CropImage, Notes, write_crop
from gampen.storage.estimators import DIGEST
from gampen.storage.fits import Known
from gampen.storage.header_records import Record, read_records
from gampen.storage.homes import CUTOUTS, Homes
from gampen.storage.layouts import INFO, Folder
from gampen.storage.remapping import PixelMap
from gampen.storage.sources import Source, open_source
from gampen.storage.tables import TABLE_SUFFIXES, write_catalog
from gampen.storage.wanted import file_name
from gampen.verbs.outputs import claim_folder
from gampen.verbs.rows import CROP_THETA
from gampen.verbs.sights import OK

AT_A_TIME = 64
TABLE, PLAN = f"{INFO}.csv", "crop.json"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CropRequest:
    """Which galaxies to crop, by which estimator, into which pixels, and where to."""

    source: Path
    out: Path
    estimator: str = "universal"
    pixels: CropPixels = CropPixels.RESAMPLED
    known: Known = field(default_factory=Known)
    device: str = "cpu"


@dataclass(frozen=True)
class CropsWritten:
    """The table of the crops, how many galaxies it has, and how many of them no crop."""

    table: Path
    galaxies: int
    failed: int


def crop(request: CropRequest, progress: Progress = lambda *_: None) -> CropsWritten:
    """Write the crop of every galaxy, in the layout that every verb reads; the table comes last.

    One row a galaxy, always: one without a crop says why. Run again, it writes the same bytes.
    `UsageError` where the call itself is wrong, before any work is done.
    """
    usable_device(request.device)
    estimator, source = Estimator.load(request.estimator), open_source(request.source)
    claim(request, plan(request, estimator, source), source)
    names, parts = file_names(source.object_ids), []
    cropper = Cropper(request, estimator, source)
    runs = chunks(len(source), AT_A_TIME)
    for run, entries in ahead(lambda r: list(source.take(r).read(request.known)), runs):
        done = list(cropper.written(entries, names[run.start : run.stop]))
        parts.append(rows_of(done, names[run.start : run.stop]))
        progress(run.stop, len(source))
    whole = table(source, Catalog.cat(parts))
    write_catalog(whole, request.out / TABLE)
    failed = sum(status != OK for status in whole["status"].text())
    return CropsWritten(request.out / TABLE, len(whole), failed)


def plan(request: CropRequest, estimator: Estimator, source: Source) -> bytes:
    """What decides the bytes of all crops."""
    facts = {
        "gampen_version": gampen.__version__,
        "estimator": estimator.name,
        "estimator_sha256": estimator.provenance.get(DIGEST, ""),
        "pixels": request.pixels.value,
        "known": {name: None if v is None else str(v) for name, v in vars(request.known).items()},
        "source": source.fingerprint(),
    }
    return (json.dumps(facts, indent=1) + "\n").encode()


def claim(request: CropRequest, facts: bytes, source: Source) -> None:
    """Make the folder of the crops, or see that it is of these; `UsageError` where it is not."""
    out = request.out
    if isinstance(source, Folder):
        homes = {home.resolve() for home in (source.root, source.root / CUTOUTS)}
        if homes & {out.resolve(), (out / CUTOUTS).resolve()}:
            raise UsageError(f"{out} must not lie among the galaxies; choose another folder")
    tables = [out / f"{INFO}{suffix}" for suffix in TABLE_SUFFIXES]
    found = out / PLAN
    if found.is_file():
        if found.read_bytes() != facts:
            raise UsageError(
                f"{out} must be of these crops; it holds those of other galaxies, another "
                f"estimator or other settings: choose another folder"
            )
    elif any(table.exists() for table in tables):
        raise UsageError(f"{out} must not hold other galaxies; choose another folder")
    claim_folder(out / CUTOUTS)
    write_bytes(facts, found)


def file_names(object_ids: Sequence[str]) -> list[str]:
    """A plain file name for each id, none of them twice, also where case does not count."""
    plain = [file_name(object_id) for object_id in object_ids]
    counts = Counter(name.lower() for name in plain)
    return [
        name if counts[name.lower()] == 1 else f"{place}@{name}" for place, name in enumerate(plain)
    ]


@dataclass(frozen=True)
class Cropper:
    """What crops some galaxies and writes them."""

    request: CropRequest
    estimator: Estimator
    source: Source

    def written(
        self, entries: Sequence[Entry], names: Sequence[str]
    ) -> Iterator[tuple[Entry, Cropped | None]]:
        """Each galaxy with its crop, once it is written; a `Rejection` where there is none."""
        cutouts = Cutouts.of(entry for entry in entries if isinstance(entry, Cutout))
        sampling = Sampling(batch_size=AT_A_TIME, device=self.request.device)
        found = iter(self.estimator.crops(cutouts, sampling))
        for entry, name in zip(entries, names, strict=True):
            if isinstance(entry, Rejection):
                yield entry, None
                continue
            seen = next(found)
            try:
                self.write(entry, seen, self.request.out / CUTOUTS / name)
                yield entry, seen
            except GalaxyError as error:
                yield (
                    Rejection(entry.object_id, entry.file_name, str(error), entry.ra, entry.dec),
                    None,
                )

    def write(self, cutout: Cutout, seen: Cropped, path: Path) -> None:
        """Write one crop; `GalaxyError` where there is none, or its header cannot be carried."""
        if not seen.is_sound:
            raise GalaxyError(NO_DISTRIBUTION)
        own = seen if self.request.pixels is CropPixels.RESAMPLED else seen.of_original(cutout)
        notes = self.notes(cutout, own)
        image = CropImage(own.pixels, PixelMap(own.matrix, own.shift), notes)
        write_crop(image, cutout, self.header(cutout), path)

    def header(self, cutout: Cutout) -> list[Record]:
        """The header of a cutout's own file, where it has one."""
        if not isinstance(self.source, Folder):
            return []
        homes = Homes.of(self.source.root / CUTOUTS, self.source.root)
        return read_records(Path(homes.find(cutout.file_name)), self.request.known.band)

    def notes(self, cutout: Cutout, seen: Cropped) -> Notes:
        """The cards that say how a crop came about."""
        thetas = (
            (f"CROPT{row + 1}{k + 1}", float(seen.theta[row, k])) for row, k in np.ndindex(2, 3)
        )
        band = self.request.known.band
        named: Notes = {"BAND": (band, "that was cropped")} if isinstance(band, str) else {}
        return named | {
            "CROPPER": (f"gampen {gampen.__version__}", "what cut this crop"),
            "CROPNAME": (self.estimator.name, "estimator whose crop it is"),
            "CROPHASH": (self.estimator.provenance.get(DIGEST, ""), "its SHA-256"),
            "CROPFILE": (cutout.file_name, "file that it was cut from"),
            "CROPPIX": (self.request.pixels.value, "whose pixels these are"),
            "CROPAREA": (seen.area, "of a pixel [pixel of that file]"),
            "CROPZOOM": (seen.zoom, "side of the crop over the image's"),
            **{keyword: (value, "crop's square to image's") for keyword, value in thetas},
            "SKYSIGMA": (seen.sky_sigma, "noise of that file's sky, measured"),
        }


def rows_of(done: Sequence[tuple[Entry, Cropped | None]], names: Sequence[str]) -> Catalog:
    """The rows of some galaxies: what is known of their crops, or why they have none."""
    entries, crops = [entry for entry, _ in done], [seen for _, seen in done]
    scales, widths, shares = (
        numbers(getattr(entry, name, None) for entry in entries)
        for name in ("pixel_scale", "psf_fwhm", "psf_concentration")
    )
    zooms, sigmas, areas = (
        numbers(getattr(seen, name, None) for seen in crops)
        for name in ("zoom", "sky_sigma", "area")
    )
    thetas = [np.full(6, np.nan) if seen is None else seen.theta.flatten() for seen in crops]
    status = [entry.reason if isinstance(entry, Rejection) else OK for entry in entries]
    return Catalog(
        (
            Column("object_id", np.array([e.object_id for e in entries]), "", "meta.id;meta.main"),
            Column("file_name", np.array(names), "", "meta.id;meta.file"),
            Column("ra", numbers(e.ra for e in entries), "deg", "pos.eq.ra;meta.main"),
            Column("dec", numbers(e.dec for e in entries), "deg", "pos.eq.dec;meta.main"),
            Column("psf_fwhm_arcsec", widths * scales, "arcsec", "instr.det.psf"),
            Column("psf_concentration", shares),
            Column("crop_of", np.array([e.file_name for e in entries]), "", "meta.file"),
            Column("crop_scale", zooms, "", "", "side of the crop over the image's"),
            Column("crop_theta", np.array(thetas), "", "", CROP_THETA),
            Column("crop_pixel", np.sqrt(areas), "", "", "side of a pixel that the network sees"),
            Column("sky_sigma", sigmas, "", "stat.stdev", "noise of the image's sky, measured"),
            Column("flags", np.array([int(e.flags) for e in entries]), "", "meta.code.qual"),
            Column("status", np.array(status), "", "meta.note", "ok, or why there is no crop"),
        )
    )


def table(source: Source, rows: Catalog) -> Catalog:
    """The rows with what else the source says of its galaxies and is still true of their crops."""
    if not isinstance(source, Folder):
        return rows
    gone = {"psf_file", "pixel_scale_arcsec", "zero_point", *rows.names}
    others = [column for column in source.catalog if column.name not in gone]
    return rows.with_columns(others)
