"""Chunks: a long list of galaxies as fixed slices, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gampen.errors import UsageError

Part = TypeVar("Part")

CHUNK = 512


def chunks(galaxies: int, size: int = CHUNK) -> list[range]:
    """The galaxies 0, 1, ... in runs of `size`, the last one shorter."""
    if size < 1:
        raise UsageError(f"a chunk must hold at least 1 galaxy; got {size}")
    return [range(start, min(start + size, galaxies)) for start in range(0, galaxies, size)]


def ahead(fetch: Callable[[range], Part], parts: Sequence[range]) -> Iterator[tuple[range, Part]]:
    """Each chunk with what `fetch` brings for it, the next one fetched while this one is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = [pool.submit(fetch, part) for part in parts[:1]]
        for place, part in enumerate(parts):
            ready = waiting.pop().result()
            if place + 1 < len(parts):
                waiting.append(pool.submit(fetch, parts[place + 1]))
            yield part, ready
