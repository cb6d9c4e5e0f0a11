"""Memory that was freed, given back: libraries keep it for themselves, and long runs would grow."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import pyarrow as pa


def give_back() -> None:
    """Return to the system what Arrow and, where it is glibc's, the allocator of C hold unused."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
