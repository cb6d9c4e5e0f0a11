"""Engines of many processes: workers on this machine, or those of a Dask cluster."""

from __future__ import annotations

import asyncio
import pickle
import queue
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gampen.errors import UsageError, reason_of
from gampen.scaling.engine import Engine, Lost
from gampen.scaling.errands import Errand, explained, versions
from gampen.scaling.quiet import quiet
from gampen.scaling.workers import BRIEF, serving

if TYPE_CHECKING:
    from distributed import Client, Future

Task = TypeVar("Task")
Result = TypeVar("Result")

DEATHS = 8
"""A task is tried until its process has died this often."""

AHEAD = 3
"""[task] asked for at a time, for each thread: one is worked on, the others are at hand."""

PATIENCE = 300.0
"""[s] without a single worker, after which a run ends."""

ANSWER = 10.0
GRACE = 5.0  # [second] to end a greeting in
"""[s] in which a scheduler must answer."""

GLANCE = 1.0
"""[s] between two looks at how many workers there are."""


@contextmanager
def local(
    workers: int, *, memory: int | str = "auto", deaths: int = DEATHS, patience: float = PATIENCE
) -> Iterator[Engine]:
    """An engine of `workers` processes on this machine, of one thread each, while the block lasts.

    One that uses more than `memory` [byte] (its share of the machine's, unless given) is ended and
    started again. Whatever ends the block ends the processes, and so does the end of this one.
    """
    if workers < 1:
        raise UsageError(f"there must be at least 1 worker; got {workers}")
    with (
        quiet(),
        serving(workers, memory, allowed_failures=deaths - 1) as (address, security),
        _client(address, security=security) as client,
    ):
        yield Cluster(client, "on this machine", deaths, patience)


@contextmanager
def at(address: str, *, deaths: int = DEATHS, patience: float = PATIENCE) -> Iterator[Engine]:
    """An engine of the workers that the scheduler at `address` (`tcp://host:8786`) has at any time.

    Workers may come and go. `UsageError` where there is no such scheduler, where it or a worker has
    other versions than we, or where there is not a single worker for `patience` [s].
    """
    with quiet():
        _greeted(address)
        with _client(address) as client:
            yield Cluster(client, f"at {address}", deaths, patience)


def _greeted(address: str) -> None:
    """Nothing, where a scheduler of our version answers; a greeting that never ends is left."""
    outcome: futures.Future[None] = futures.Future()

    def greet() -> None:
        try:
            outcome.set_result(asyncio.run(_greet(address)))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome.set_exception(error)

    # asyncio.run needs a thread without a loop, which that of a notebook is not.
    threading.Thread(target=greet, daemon=True).start()
    try:
        outcome.result(ANSWER + GRACE)
    except TimeoutError as error:
        raise UsageError(
            f"a Dask scheduler must answer within {ANSWER:g} s; got {address!r}, which says nothing"
        ) from error


async def _greet(address: str) -> None:
    """Nothing, where a scheduler of our version answers."""
    import distributed

    keys = distributed.Security().get_connection_args("client")
    try:
        async with distributed.rpc(address, timeout=ANSWER, connection_args=keys) as scheduler:
            versions = await asyncio.wait_for(scheduler.versions(), ANSWER)
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(
            f"a Dask scheduler must answer within {ANSWER:g} s at tcp://host:8786 or the like; "
            f"got {address!r}: {reason_of(error)}"
        ) from error
    theirs = versions["packages"]["distributed"]
    ours = version("distributed")
    if theirs != ours:
        raise UsageError(
            f"the scheduler at {address} must run distributed {ours}, as this process does; "
            f"it runs {theirs}"
        )


@contextmanager
def _client(address: str, **options: Any) -> Iterator[Client]:  # noqa: ANN401
    """A connection to a scheduler."""
    import dask
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    with warnings.catch_warnings(), dask.config.set(BRIEF):
        # The versions that matter are compared by us.
        warnings.simplefilter("ignore", VersionMismatchWarning)
        client = Client(address, timeout=ANSWER, set_as_default=False, **options)
    with client:
        yield client


@dataclass(frozen=True)
class Cluster:
    """The engine behind a connection to a Dask scheduler."""

    client: Client
    where: str
    deaths: int = DEATHS
    patience: float = PATIENCE

    def run(
        self, work: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Iterator[tuple[int, Result | Lost]]:
        """Each task's place with its result, as they come."""
        import cloudpickle

        run: _Run[Task, Result] = _Run(self, cloudpickle.dumps(work), enumerate(tasks))
        try:
            yield from run.results()
        finally:
            run.stop()


@dataclass(frozen=True)
class _Sent(Generic[Task]):
    """A task that was sent."""

    place: int
    task: Task
    died: int = 0


@dataclass
class _Run(Generic[Task, Result]):
    """One run: what is still to be sent, and what was sent."""

    cluster: Cluster
    work: bytes
    waiting: Iterator[tuple[int, Task]]
    name: str = field(default_factory=lambda: f"gampen-{uuid.uuid4().hex}")
    sent: dict[Any, tuple[Future[Any], _Sent[Task]]] = field(default_factory=dict)
    done: queue.SimpleQueue[Future[Any]] = field(default_factory=queue.SimpleQueue)
    threads: int = 0
    looked: float = -float("inf")
    seen: float = field(default_factory=time.monotonic)

    def results(self) -> Iterator[tuple[int, Result | Lost]]:
        """Places and results, until there is nothing more to send."""
        while True:
            self._look()
            # One even where there is no worker yet.
            room = max(1, AHEAD * self.threads) - len(self.sent)
            self._send([_Sent(*item) for item in islice(self.waiting, max(0, room))])
            if not self.sent:
                return
            yield from self._next()

    def stop(self) -> None:
        """Nothing, once what is still under way has been called off."""
        futures = [future for future, _ in self.sent.values()]
        self.sent.clear()
        if futures and self.cluster.client.status == "running":
            self.cluster.client.cancel(futures, force=True)

    def _look(self) -> None:
        """Nothing, once it is known how many threads the cluster has now."""
        if self.cluster.client.status == "closed":
            raise UsageError(f"the engine {self.cluster.where} must be used within its block")
        now = time.monotonic()
        if now < self.looked + GLANCE:
            return
        self.looked = now
        with explained(self.cluster.where):
            self.threads = sum(self.cluster.client.nthreads().values())
        if self.threads:
            self.seen = now
        elif now > self.seen + self.cluster.patience:
            raise UsageError(
                f"the cluster {self.cluster.where} must have a worker; "
                f"it has had none for {self.cluster.patience:g} s"
            )

    def _send(self, sent: list[_Sent[Task]]) -> None:
        """Nothing, once the tasks are with the scheduler."""
        import cloudpickle

        if not sent:
            return
        keys = [(self.name, each.place, each.died) for each in sent]
        errands = [cloudpickle.dumps(Errand(self.work, each.task, versions())) for each in sent]
        with explained(self.cluster.where):
            futures = self.cluster.client.map(pickle.loads, errands, key=keys, pure=False)
        for future, each in zip(futures, sent, strict=True):
            self.sent[future.key] = (future, each)
            future.add_done_callback(self.done.put)

    def _next(self) -> Iterator[tuple[int, Result | Lost]]:
        """The next result, or none if it must be tried again or has not come for a while."""
        try:
            future = self.done.get(timeout=GLANCE)
        except queue.Empty:
            return
        _, sent = self.sent.pop(future.key)
        outcome = self._outcome(future, sent)
        future.release()
        if isinstance(outcome, _Sent):
            self._send([outcome])
        else:
            yield sent.place, outcome

    def _outcome(self, future: Future[Any], sent: _Sent[Task]) -> Result | Lost | _Sent[Task]:
        """What became of a task: a result, or the task again if its process died."""
        from distributed import KilledWorker

        try:
            with explained(self.cluster.where):
                # Waits and gathers again where the worker that holds the result dies just now.
                result: Result = future.result()
        except KilledWorker as error:
            died = sent.died + error.allowed_failures + 1
            if died < self.cluster.deaths:
                return _Sent(sent.place, sent.task, died)
            return Lost(f"its process died {died} times")
        return result
