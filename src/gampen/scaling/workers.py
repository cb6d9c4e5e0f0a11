"""Worker processes on this machine, and the scheduler that they report to, in a thread of ours."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gampen.errors import UsageError, extra, reason_of

if TYPE_CHECKING:
    from distributed import Nanny, Scheduler, Security

START = 60.0
"""[s] in which a worker process must have started."""

STOP = 1.0
"""[s] that a worker process is given to end by itself."""

HOST = "127.0.0.1"

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ENVIRONMENT = {
    **dict.fromkeys(THREADS, "1"),
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",
}
"""Of a worker process, before it loads anything."""

BRIEF = {"distributed.admin.low-level-log-length": 10}
"""Of the messages with their tasks in them, Dask else remembers a thousand at each end."""

CONFIGURATION = {
    # One task a worker, none waiting behind it.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.worker.profile.enabled": False,
    "distributed.diagnostics.computations.max-history": 1,
    **BRIEF,
}


def dask_setup(worker: object) -> None:  # noqa: ARG001, called by Dask in a new worker process
    """Nothing, once this process writes nothing more to the terminal that it shares."""
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number in (1, 2):
        os.dup2(silent, number)
    os.close(silent)


@contextmanager
def serving(
    workers: int, memory: int | str, allowed_failures: int
) -> Iterator[tuple[str, Security]]:
    """The address of a scheduler with that many workers, and the keys to it."""
    with extra("cluster"):
        import cryptography  # noqa: F401
        import distributed

    # On a machine with other users, only who holds these keys may send work.
    served = _Served(workers, memory, allowed_failures, distributed.Security.temporary())
    with _environment(ENVIRONMENT):
        thread = threading.Thread(target=served.run, name="scheduler", daemon=True)
        _start_deaf(thread)
        try:
            yield served.address(), served.security
        finally:
            served.stop()
            thread.join()


def _start_deaf(thread: threading.Thread) -> None:
    """Nothing, once the thread runs; Ctrl-C reaches neither it nor the processes that it starts.

    A terminal sends it to all processes of a command. Only the first is to act on it.
    """
    # The first lock starts the process that counts them, which would make its thread hear again.
    multiprocessing.get_context("spawn").Lock()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """A block in which new processes find these variables, whatever was set before."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class _Served:
    """A scheduler with its workers, in an event loop of its own."""

    workers: int
    memory: int | str
    allowed_failures: int
    security: Security
    under_way: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(
        default_factory=Future
    )
    ready: Future[str] = field(default_factory=Future)

    def run(self) -> None:
        """Nothing, once the workers have been told to stop and have ended."""
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001, whatever it is, it is told to who waits
            self.ready.set_exception(error)

    def address(self) -> str:
        """The scheduler's address, once all workers are there."""
        try:
            return self.ready.result(START + STOP)
        except Exception as error:
            raise UsageError(
                f"{self.workers} worker processes must start within {START:g} s; they did not "
                f"({reason_of(error)}). A script must call this under if __name__ == '__main__':"
            ) from error

    def stop(self) -> None:
        """Nothing, once the workers have been told to stop, if need be when they have started."""
        loop, over = self.under_way.result()
        with suppress(RuntimeError):  # The loop is closed where they did not start.
            loop.call_soon_threadsafe(over.set)

    async def _serve(self) -> None:
        """Nothing, once all has been started and, later, stopped."""
        import dask

        over = asyncio.Event()
        self.under_way.set_result((asyncio.get_running_loop(), over))
        async with AsyncExitStack() as stack:
            with dask.config.set(CONFIGURATION):
                scheduler = await stack.enter_async_context(self._scheduler())
                nannies = [self._nanny(scheduler.address, number) for number in range(self.workers)]
                stack.push_async_callback(_close, nannies)
                await asyncio.gather(*nannies)
            self.ready.set_result(scheduler.address)
            await over.wait()

    def _scheduler(self) -> Scheduler:
        """The scheduler, not yet started."""
        from distributed import Scheduler

        class Waiting(Scheduler):
            """A scheduler with whom every task waits until a worker is free."""

            def is_rootish(self, ts: object) -> bool:  # noqa: ARG002
                """Yes: what kills a worker then kills one task, and none that waits behind it."""
                return True

        return Waiting(
            host=HOST,
            protocol="tls://",
            security=self.security,
            dashboard=False,
            dashboard_address=f"{HOST}:0",
            allowed_failures=self.allowed_failures,
        )

    def _nanny(self, address: str, number: int) -> Nanny:
        """One who starts a worker process, and starts it again when it has died."""
        from distributed import Nanny

        return Nanny(
            address,
            name=number,
            nthreads=1,
            host=HOST,
            memory_limit=self.memory,
            security=self.security,
            death_timeout=START,
            dashboard=False,
            dashboard_address=f"{HOST}:0",
            preload=[__name__],
        )


async def _close(nannies: list[Nanny]) -> None:
    """Nothing, once all worker processes have ended."""
    await asyncio.gather(*(nanny.close(timeout=STOP) for nanny in nannies), return_exceptions=True)
