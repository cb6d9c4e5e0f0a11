"""Parts of a catalogue, from their galaxies to their files: what a worker does, wherever it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Entry, Rejection
from gampen.errors import UsageError
from gampen.estimator import Estimator, locate
from gampen.inference.sampling import LANE
from gampen.posterior import Posterior
from gampen.scaling.memory import keep_memory
from gampen.scaling.parts import Parts
from gampen.scaling.pipeline import Lanes, bucketed, fetched_ahead, lanes, single_threaded
from gampen.scaling.strikes import CONVICTED, Trace
from gampen.storage.estimators import DIGEST
from gampen.storage.memory import give_back, share_allocator
from gampen.storage.sources import Source
from gampen.verbs.predict_request import PredictRequest
from gampen.verbs.rows import rows_of
from gampen.verbs.sights import OK, Sight, see

SEEDS_APART = 1_000_000_007
BATCH_PIXELS = 6_000_000  # in a batch, about: large images come in smaller ones
FEEDERS = 2  # lanes of a device that is not the processor: one prepares while the other waits
WAITING = 256  # galaxies that may wait for others of their shape
BLOCK = 32  # galaxies that are read between two traces
BLOCK_PIXELS = 3_000_000
BLOCKS_AHEAD = 3
SUMMED = 512  # galaxies that are summed up together, while the next are looked at

Placed = tuple[int, Entry]
Shape = tuple[int, int]
Found = tuple[tuple[int, ...], Sight]
Tell = Callable[[Sight], None]
"""What is told of progress: what has been seen of further galaxies."""


@dataclass(frozen=True)
class Task:
    """A part to be predicted: small, and with all that another process needs.

    `galaxies` are those of the part, `start` the number of the first.
    """

    number: int
    start: int
    galaxies: Source
    request: PredictRequest
    estimator_sha256: str
    parts: Parts
    draws: Parts | None = None

    @property
    def lanes(self) -> int | None:
        """How many batches go side by side: as many as there are threads, but on a device."""
        return None if self.request.sampling.device == "cpu" else FEEDERS

    def batch_size(self, shape: Shape) -> int:
        """How many galaxies of a shape a lane takes at a time: whole groups of large ones."""
        fitting = BATCH_PIXELS // max(1, shape[0] * shape[1])
        return min(self.request.sampling.batch_size, max(LANE, fitting // LANE * LANE))


@dataclass(frozen=True)
class Done:
    """A part that is on disk: how many galaxies, and how many without a posterior."""

    number: int
    galaxies: int
    failed: int
    flagged: int


def estimator_of(name: str, sha256: str | None = None) -> Estimator:
    """An estimator, loaded once a process as long as its file stays as it is.

    `UsageError` where it is not the one of this digest.
    """
    path = locate(name)
    found = path.stat()
    estimator = _loaded(path, found.st_size, found.st_mtime_ns)
    if sha256 is not None and estimator.provenance.get(DIGEST, "") != sha256:
        raise UsageError(
            f"estimator {name} must stay the same during a run; it is another now: put it back, "
            f"or begin a new run"
        )
    return estimator


@lru_cache(maxsize=1)
def _loaded(path: Path, _size: int, _changed: int) -> Estimator:
    return Estimator.load(path)


def predict_part(task: Task) -> Done:
    """Predict the galaxies of one part and write it."""
    (done,) = predict_parts([task])
    return done


def predict_parts(tasks: Iterable[Task], tell: Tell = lambda _: None) -> Iterator[Done]:
    """Predict parts one after the other; while one is summed up and written, the next one begins.

    A process that is killed leaves traces of what it was at; one that ends by itself leaves none.
    """
    keep_memory()
    share_allocator()
    with ExitStack() as stack:
        # Entered first and so left last: what is summed up waits for lanes, which an end cancels.
        last = stack.enter_context(single_threaded(1))
        ending: deque[Future[Done]] = deque()
        side: Lanes | None = None
        for task in tasks:
            side = side or stack.enter_context(lanes(task.lanes))
            trace = Trace(task.parts.trace(task.number))
            stack.callback(trace.remove)
            groups = grouped(looked_at(task, trace, side, tell))
            summing = [last.submit(sum_up, task, group) for group in groups]
            ending.append(last.submit(_end, task, trace, summing))
            if len(ending) > 1:
                yield ending.popleft().result()
        while ending:
            yield ending.popleft().result()


def looked_at(
    task: Task, trace: Trace, side: Lanes, tell: Tell
) -> Iterator[tuple[int, Future[Found]]]:
    """All galaxies of a part, looked at or about to be, in batches; suspects last, and apart.

    Of each batch how many galaxies it has, and what comes of it.
    """
    estimator = estimator_of(task.request.estimator, task.estimator_sha256)
    request = task.request

    def look(batch: Sequence[Placed]) -> Found:
        places = tuple(place for place, _ in batch)
        entries = [entry for _, entry in batch]
        sight = see(estimator, entries, request.sampling, explaining=request.explain)
        trace.close(places)
        tell(sight)
        return places, sight

    pairs = (pair for block in fetched_ahead(blocks(task, trace), BLOCKS_AHEAD) for pair in block)
    batches = bucketed(pairs, lambda pair: shape_of(pair[1]), task.batch_size, WAITING)
    found = []
    for batch in batches:
        found.append(side.submit(look, batch))
        yield len(batch), found[-1]
    for group in trace.groups():
        wait(found)
        trace.open(group)
        found.append(side.submit(look, suspects(task, group)))
        yield len(group), found[-1]


def grouped(batches: Iterable[tuple[int, Future[Found]]]) -> Iterator[list[Future[Found]]]:
    """What comes of the batches, in groups of some hundred galaxies."""
    group: list[Future[Found]] = []
    galaxies = 0
    for count, future in batches:
        group.append(future)
        galaxies += count
        if galaxies >= SUMMED:
            yield group
            group, galaxies = [], 0
    if group:
        yield group


def suspects(task: Task, group: Sequence[int]) -> list[Placed]:
    """Galaxies at which a process may have died, read one by one."""
    known = task.request.known
    return [(n, next(task.galaxies.take(range(n, n + 1)).read(known))) for n in group]


def blocks(task: Task, trace: Trace) -> Iterator[list[Placed]]:
    """All other galaxies, read in blocks that are not too large; those left out say why."""
    convicted = trace.convicted
    if convicted:
        ids = task.galaxies.object_ids
        yield [(place, Rejection(ids[place], "", CONVICTED)) for place in sorted(convicted)]
    for run in between(len(task.galaxies), convicted | trace.suspects):
        reading = task.galaxies.take(run).read(task.request.known)
        for start in range(run.start, run.stop, BLOCK):
            places = range(start, min(start + BLOCK, run.stop))
            trace.open(places)
            yield from limited(zip(places, reading, strict=False))


def limited(pairs: Iterable[Placed]) -> Iterator[list[Placed]]:
    """The galaxies in as few lists as hold no more pixels than a block may."""
    block: list[Placed] = []
    pixels = 0
    for pair in pairs:
        block.append(pair)
        height, width = shape_of(pair[1])
        pixels += height * width
        if pixels >= BLOCK_PIXELS:
            yield block
            block, pixels = [], 0
    if block:
        yield block


def between(galaxies: int, without: set[int]) -> Iterator[range]:
    """The runs of galaxies that hold none of some."""
    ends = [-1, *sorted(without), galaxies]
    for before, after in pairwise(ends):
        if before + 1 < after:
            yield range(before + 1, after)


def shape_of(entry: Entry) -> Shape:
    """The shape of a cutout; of one that could not be read, that of no pixels."""
    return entry.shape if isinstance(entry, Cutout) else (0, 0)


@dataclass(frozen=True, eq=False)
class Summed:
    """Rows of some galaxies, where they belong in their part, and their sight if it is needed."""

    places: tuple[int, ...]
    rows: Catalog
    sight: Sight | None


def sum_up(task: Task, looking: Sequence[Future[Found]]) -> Summed:
    """Sum up galaxies that are being looked at, while others are."""
    found = [future.result() for future in looking]
    sight = Sight.cat([sight for _, sight in found])
    places = tuple(place for each, _ in found for place in each)
    return Summed(
        places, rows_of(sight, task.request.categories), None if task.draws is None else sight
    )


def _end(task: Task, trace: Trace, summing: Sequence[Future[Summed]]) -> Done:
    """End a part whose galaxies are being summed up: write it."""
    done = write_part(task, [future.result() for future in summing])
    trace.remove()
    give_back()
    return done


def write_part(task: Task, summed: Sequence[Summed]) -> Done:
    """Write the rows of a part, its draws before them: a part that is there is whole."""
    request = task.request
    places = [place for each in summed for place in each.places]
    if task.draws is not None:
        sight = Sight.cat([each.sight for each in summed if each.sight is not None])
        posterior = sight.sorted_by(places).prediction.posterior
        task.draws.write(task.number, draw_rows(posterior, request, task.start))
    rows = Catalog.cat([each.rows for each in summed]).take(np.argsort(places))
    estimator = estimator_of(request.estimator, task.estimator_sha256)
    task.parts.write(task.number, rows.with_metadata(**request.provenance(estimator)))
    return done_of(task.number, rows)


def done_of(number: int, rows: Catalog) -> Done:
    """What is counted of a part's rows."""
    failed = sum(status != OK for status in rows["status"].text())
    return Done(number, len(rows), failed, int(np.count_nonzero(rows["flags"].values)))


def draw_rows(posterior: Posterior, request: PredictRequest, start: int) -> Catalog:
    """Joint draws of each galaxy, a vector a parameter; seeded by the part's place in the run."""
    drawn = posterior.draws(request.draws, seed=request.sampling.seed * SEEDS_APART + start)
    units = {parameter.name: parameter.unit for parameter in posterior.space}
    if "flux" in units:
        units |= {"magnitude": "mag", "flux_njy": "nJy"}
        nothing = torch.full_like(drawn["flux"], torch.nan)
        drawn = {"magnitude": nothing, "flux_njy": nothing, **drawn}
    names = Column("object_id", posterior.object_ids, "", "meta.id;meta.main")
    columns = [Column(n, drawn[n].T.numpy().astype(np.float32), unit) for n, unit in units.items()]
    return Catalog((names, *columns))
