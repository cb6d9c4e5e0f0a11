"""Memory that is used again at once is kept: to get it anew costs a fifth of a prediction."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# From malloc.h of the GNU C library. Most of a lane's tensors are smaller than the second; what is
# larger, and would leave a hole where it was, is not.
TRIM_THRESHOLD = -1, 256 << 20
MMAP_THRESHOLD = -3, 1 << 20


@cache
def keep_memory() -> bool:
    """Whether this process now keeps what its tensors leave, up to 256 MiB, for the next ones.

    Else every pass of a network fills its memory anew, page by page. Dask makes that worse: it
    tells its workers to give back all they can. Without the GNU C library nothing changes.
    """
    if sys.platform != "linux":
        return False
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is None:
        return False
    return all(adjust(*setting) == 1 for setting in (TRIM_THRESHOLD, MMAP_THRESHOLD))
