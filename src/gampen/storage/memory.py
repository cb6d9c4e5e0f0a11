"""Memory that was freed, given back: libraries keep it for themselves, and long runs would grow."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa


def share_allocator() -> None:
    """Have Arrow take its memory from the allocator of C from now on, as all else does.

    Of its own it holds tens of megabytes more, whatever it is asked for.
    """
    pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Return to the system what Arrow and, where it is glibc's, the allocator of C hold unused."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
