"""`gampen predict`: cutouts in, a catalogue of posteriors out."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gampen.catalog import Catalog
from gampen.errors import GampenError, UsageError
from gampen.scaling.chunks import chunks
from gampen.scaling.engine import Engine, Lost
from gampen.scaling.parts import RUN, Parts, alone_in
from gampen.scaling.plan import PART, PLAN, Plan
from gampen.storage.datasets import convert, metadata_of, write_dataset_metadata
from gampen.storage.estimators import DIGEST
from gampen.storage.footers import read_columns
from gampen.storage.homes import CUTOUTS
from gampen.storage.layouts import INFO
from gampen.storage.memory import give_back
from gampen.storage.sources import Source
from gampen.storage.tables import read_catalog
from gampen.verbs.outputs import claim_file, claim_folder
from gampen.verbs.parts import Done, Task, done_of, estimator_of, predict_part, predict_parts
from gampen.verbs.predict_request import PredictRequest
from gampen.verbs.sights import OK, Sight

WORKPLACE = ".parts"  # follows the name of a catalogue that is to be one file

DEATHS = 40
"""So often may a part cost its process the life: five times for each galaxy that is to blame."""


@dataclass(frozen=True)
class Count:
    """How many galaxies there are so far, in all, without a posterior and with a flag."""

    galaxies: int
    of: int
    failed: int
    flagged: int


Progress = Callable[[Count], None]


@dataclass(frozen=True)
class Predicted:
    """What came of it: what was written, and how many galaxies have no posterior, or a flag."""

    files: tuple[Path, ...]
    galaxies: int
    failed: int
    flagged: int
    reasons: tuple[tuple[str, int], ...] = ()
    """Why galaxies have no posterior, and how many of each reason; the most frequent ones first."""

    @property
    def catalog(self) -> Catalog:
        """The catalogue, read whole."""
        return read_catalog(self.files[0])


def predict(request: PredictRequest, progress: Progress = lambda _: None) -> Predicted:
    """Predict every galaxy of the source and write the catalogue.

    One row a galaxy, always: one that cannot be read is a flagged row that says why. A run that was
    stopped, however, goes on where it was and ends in the same bytes. `UsageError` where the call
    itself is wrong, before any work is done.
    """
    run = Run.of(request)
    with alone_in(run.parts.folder):
        for parts in run.all_parts:
            run.plan.agree(parts.folder)
        tally = Tally(progress, Count(0, len(run.source), 0, 0))
        for done in run.before():
            tally.ended(done)
        run.work(tally)
        reasons = run.reasons() if tally.count.failed else ()
        run.finish()
    counts = (len(run.source), tally.count.failed, tally.count.flagged)
    return Predicted(request.results, *counts, reasons)


@dataclass
class Tally:
    """A count that several threads add to, told at each step."""

    progress: Progress
    count: Count
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, galaxies: int, failed: int, flagged: int) -> None:
        """Count further galaxies, and tell."""
        with self._lock:
            now = self.count
            totals = (now.galaxies + galaxies, now.of, now.failed + failed, now.flagged + flagged)
            self.count = Count(*totals)
            self.progress(self.count)

    def saw(self, sight: Sight) -> None:
        """Count the galaxies of a sight."""
        failed = sum(not galaxy.is_ok for galaxy in sight.galaxies)
        flagged = failed + int(np.count_nonzero(sight.prediction.flags))
        self.add(len(sight.galaxies), failed, flagged)

    def ended(self, done: Done) -> None:
        """Count the galaxies of a part."""
        self.add(done.galaxies, done.failed, done.flagged)


@dataclass(frozen=True)
class Run:
    """A run of prediction: the galaxies, the plan, and the parts that come of it."""

    request: PredictRequest
    source: Source
    plan: Plan
    estimator_sha256: str
    parts: Parts
    draws: Parts | None

    @classmethod
    def of(cls, request: PredictRequest) -> Run:
        """The run of a request, old or new; `UsageError` where it cannot be."""
        estimator = estimator_of(request.estimator)
        request = request.absolute() if request.elsewhere or request.mosaics else request
        source = request.open()
        slices = chunks(len(source), PART)
        inputs = tuple(source.take(galaxies).fingerprint() for galaxies in slices)
        plan = Plan(request.settings(estimator), len(source), inputs)
        give_back()
        workplace = claim_results(request)
        drawing = None
        if request.draws:
            beside = request.beside if request.in_parts else workplace
            drawing = Parts(beside, plan.run, "part" if request.in_parts else "draws")
        digest = estimator.provenance.get(DIGEST, "")
        return cls(request, source.lean(), plan, digest, Parts(workplace, plan.run), drawing)

    @property
    def all_parts(self) -> list[Parts]:
        """The parts of the catalogue, and of the draws if there are any."""
        return [self.parts, *([self.draws] if self.draws else [])]

    def before(self) -> Iterator[Done]:
        """The parts that were done before."""
        for number, galaxies in enumerate(self.plan.parts):
            if self.parts.has(number, len(galaxies)):
                yield done_of(number, read_columns(self.parts.path(number), "status", "flags"))

    def tasks(self) -> Iterator[Task]:
        """The parts that are left to do."""
        for number, galaxies in enumerate(self.plan.parts):
            if not self.parts.has(number, len(galaxies)):
                yield Task(
                    number,
                    galaxies.start,
                    self.source.take(galaxies),
                    self.request,
                    self.estimator_sha256,
                    self.parts,
                    self.draws,
                )

    def work(self, tally: Tally) -> None:
        """Do what is left, here or on workers; `GampenError` where some of it cannot be done."""
        if not self.request.elsewhere:
            for _ in predict_parts(self.tasks(), tally.saw):
                pass
            return
        lost = []
        with engine_of(self.request) as engine:
            for _, done in engine.run(predict_part, self.tasks()):
                if isinstance(done, Lost):
                    lost.append(done.reason)
                else:
                    tally.ended(done)
        if lost:
            raise GampenError(
                f"every part must be predicted; {len(lost)} of {len(self.plan.parts)} were not: "
                f"{lost[0]}; run the same command again to go on"
            )

    def reasons(self) -> tuple[tuple[str, int], ...]:
        """Why galaxies have no posterior, and how many of each reason, from the parts on disk."""
        counts: Counter[str] = Counter()
        for number in range(len(self.plan.parts)):
            counts.update(read_columns(self.parts.path(number), "status")["status"].text())
        counts.pop(OK, None)
        return tuple(counts.most_common())

    def finish(self) -> None:
        """Make the catalogue of its parts, and leave nothing else behind."""
        give_back()
        for parts, out in zip(self.all_parts, self.request.results, strict=True):
            gather([parts.path(number) for number in range(len(self.plan.parts))], out)
        if not self.request.in_parts:
            shutil.rmtree(self.parts.folder)


def engine_of(request: PredictRequest) -> AbstractContextManager[Engine]:
    """Who does the work where it is not this process."""
    from gampen.scaling import cluster

    if request.cluster:
        return cluster.at(request.cluster, deaths=DEATHS)
    return cluster.local(request.workers, deaths=DEATHS)


def gather(parts: list[Path], out: Path) -> None:
    """One catalogue of all parts: a file, or a folder that says what its parts are."""
    metadata = {name: text for name, text in metadata_of(parts[0]).items() if name != RUN}
    remove_remains(out if not out.suffix else out.parent, "" if not out.suffix else out.name)
    if out.suffix:
        convert(parts, out, metadata)
    else:
        write_dataset_metadata(out, parts, metadata)


def remove_remains(folder: Path, name: str) -> None:
    """Remove what a process that was killed had begun to write."""
    for path in folder.glob(f".{name}*.part"):
        path.unlink(missing_ok=True)


def claim_results(request: PredictRequest) -> Path:
    """Where the parts of a run lie; `UsageError` where its results cannot be written."""
    for path in request.results:
        if would_be_read(path, request.source):
            raise UsageError(f"{path} must not lie among the galaxies; choose another folder")
        if request.in_parts:
            claim_dataset(path)
        else:
            claim_file(path)
    if request.in_parts:
        return request.out
    return claim_folder(request.out.with_name(request.out.name + WORKPLACE))


def claim_dataset(path: Path) -> None:
    """A folder that is new, empty, or of a run already."""
    claim_folder(path)
    if any(path.iterdir()) and not (path / PLAN).exists():
        raise UsageError(f"{path} must be empty or hold a run; choose another folder")


def would_be_read(path: Path, source: Path) -> bool:
    """Whether a result would take the place of the input, or be read as a part of it next time."""
    if path.resolve() == source.resolve():
        return True
    if not source.is_dir():
        return False
    homes = (source.resolve(), (source / CUTOUTS).resolve())
    return path.resolve().parent in homes and (path.stem == INFO or path.suffix == ".fits")
