"""`gampen predict`: a folder of cutouts in, a catalogue of posteriors out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import gampen
from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutouts, Entry, Rejection, describe_flags
from gampen.errors import GalaxyError, UsageError
from gampen.estimator import Estimator, Prediction
from gampen.inference.categories import DEFAULT, Categories
from gampen.inference.explanation import Explanation, explain
from gampen.inference.sampling import Sampling
from gampen.posterior import Posterior
from gampen.scaling.chunks import ahead, chunks
from gampen.storage.estimators import DIGEST
from gampen.storage.fits import Known, psf_of_file
from gampen.storage.layouts import CUTOUTS, INFO, Folder, open_folder, read_cutouts
from gampen.storage.runfiles import plain
from gampen.storage.tables import format_of, write_catalog
from gampen.verbs.outputs import claim_file
from gampen.verbs.rows import OK, Beside, readable, rows_of

SEEDS_APART = 1_000_000_007
FACTS = ("psf_fwhm", "pixel_scale")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PredictRequest:
    """What to predict, with what, and where to.

    `draws` joint draws of each galaxy go to a second file beside `out`; `known` facts go before
    those of catalogue and headers; to `explain` is to hold each image against what its posterior
    expects, which takes ten times as long.
    """

    source: Path
    out: Path
    estimator: str = "universal"
    known: Known = field(default_factory=Known)
    sampling: Sampling = field(default_factory=Sampling)
    draws: int = 0
    categories: Categories = DEFAULT
    explain: bool = False

    def __post_init__(self) -> None:
        """Refuse what no galaxy could be predicted with."""
        if self.draws < 0:
            raise UsageError(f"samples must be at least 0; got {self.draws}")
        format_of(self.out)
        for name in FACTS:
            value = getattr(self.known, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} must be a positive number; got {value}")
        if self.known.zero_point is not None and not math.isfinite(self.known.zero_point):
            raise UsageError(f"zero_point must be a number; got {self.known.zero_point}")

    @property
    def beside(self) -> Path:
        """The file of the draws."""
        return self.out.with_name(f"{self.out.stem}-draws{self.out.suffix}")


@dataclass(frozen=True)
class Predicted:
    """What came of it: the catalogue, the files written and the number of galaxies without one."""

    catalog: Catalog
    files: tuple[Path, ...]
    failed: int


def predict(request: PredictRequest, progress: Progress = lambda *_: None) -> Predicted:
    """Predict every galaxy of the source and write the catalogue.

    One row a galaxy, always: one that cannot be read is a flagged row that says why. `UsageError`
    where the call itself is wrong, before any work is done.
    """
    estimator = Estimator.load(request.estimator)
    folder = open_sources(request)
    rows, draws = [], []
    runs = chunks(len(folder))
    for run, found in ahead(lambda r: list(read_cutouts(folder.take(r), request.known)), runs):
        entries, prediction = predict_entries(estimator, found, request.sampling)
        explanation = explained(entries, prediction) if request.explain else None
        beside = Beside(request.categories, explanation, estimator.guard)
        rows.append(rows_of(entries, prediction, beside))
        if request.draws:
            draws.append(draw_rows(prediction.posterior, request, run.start))
        progress(run.stop, len(folder))
    catalog = Catalog.cat(rows).with_metadata(**provenance(estimator, request))
    return Predicted(catalog, _write(catalog, draws, request), count_failed(catalog))


def open_sources(request: PredictRequest) -> Folder:
    """The galaxies asked for; `UsageError` where they, the PSF or the place for results are not."""
    folder = open_folder(request.source)
    if request.known.psf_file is not None:
        try:
            psf_of_file(request.known.psf_file, request.known.band)
        except GalaxyError as error:
            raise UsageError(str(error)) from None
    for path in (request.out, request.beside):
        if would_be_read(path, request.source):
            raise UsageError(f"{path} must not lie among the galaxies; choose another folder")
        claim_file(path)
    return folder


def would_be_read(path: Path, source: Path) -> bool:
    """Whether a result would take the place of the input, or be read as a part of it next time."""
    if not source.is_dir():
        return path.resolve() == source.resolve()
    homes = (source.resolve(), (source / CUTOUTS).resolve())
    return path.resolve().parent in homes and (path.stem == INFO or path.suffix == ".fits")


def _write(catalog: Catalog, draws: list[Catalog], request: PredictRequest) -> tuple[Path, ...]:
    write_catalog(catalog, request.out)
    if not draws:
        return (request.out,)
    write_catalog(Catalog.cat(draws), request.beside)
    return request.out, request.beside


def predict_entries(
    estimator: Estimator, entries: Sequence[Entry], sampling: Sampling
) -> tuple[list[Entry], Prediction]:
    """What is predicted for the galaxies that could be read, and the galaxies.

    One for which the network has no posterior stops no other: it becomes a `Rejection`.
    """
    try:
        return list(entries), estimator.examine(readable(entries), sampling)
    except GalaxyError:
        tried = [_tried(estimator, entry, sampling) for entry in entries]
        return tried, estimator.examine(readable(tried), sampling)


def explained(entries: Sequence[Entry], prediction: Prediction) -> Explanation:
    """The images that the posteriors of the galaxies that could be read expect."""
    facts = (prediction.posterior, prediction.sky_sigma, prediction.crop_theta)
    return explain(readable(entries), *facts)


def _tried(estimator: Estimator, entry: Entry, sampling: Sampling) -> Entry:
    if isinstance(entry, Rejection):
        return entry
    try:
        estimator.examine(Cutouts((entry,)), sampling)
    except GalaxyError as error:
        return Rejection(entry.object_id, entry.file_name, str(error), entry.ra, entry.dec)
    return entry


def draw_rows(posterior: Posterior, request: PredictRequest, start: int) -> Catalog:
    """Joint draws of each galaxy, a vector a parameter; seeded by the chunk's place in the run."""
    drawn = posterior.draws(request.draws, seed=request.sampling.seed * SEEDS_APART + start)
    names = Column("object_id", posterior.object_ids, "", "meta.id;meta.main")
    units = {parameter.name: parameter.unit for parameter in posterior.space}
    units |= {"magnitude": "mag", "flux_njy": "nJy"}
    columns = [Column(n, v.T.numpy().astype(np.float32), units[n]) for n, v in drawn.items()]
    return Catalog((names, *columns))


def provenance(estimator: Estimator, request: PredictRequest) -> dict[str, str]:
    """What the catalogue says of how it came about, so that it can be made again."""
    levels = estimator.recalibration.levels
    return {
        **({} if levels is None else levels.metadata),
        "gampen_version": gampen.__version__,
        "estimator": estimator.name,
        "estimator_sha256": estimator.provenance.get(DIGEST, ""),
        "training_prior": json.dumps(plain(estimator.prior)),
        "passes": str(request.sampling.passes),
        "seed": str(request.sampling.seed),
        "flags": json.dumps(describe_flags()),
    }


def count_failed(catalog: Catalog) -> int:
    """The number of galaxies without a posterior."""
    return sum(status != OK for status in catalog["status"].text())
