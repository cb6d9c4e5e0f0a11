"""Silence: what a cluster would write to the terminal of a run that it serves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from gampen.errors import extra

LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado", "asyncio")
SILENT = logging.CRITICAL + 1


@contextmanager
def quiet() -> Iterator[None]:
    """A block in which Dask writes no log: what matters of it comes as an error or a result."""
    with extra("cluster"):
        import distributed  # noqa: F401, it sets levels of its own when it is first imported
    with ExitStack() as stack:
        for name in LOGGERS:
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(SILENT)
        yield
