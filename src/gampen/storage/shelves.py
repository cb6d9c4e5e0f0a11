"""Tiles that are open at one time: few, and in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from types import TracebackType

from gampen.storage.mosaic_tiles import Tile
from gampen.storage.open_tiles import OpenTile

OPEN_AT_MOST = 16
"""Tiles whose files are open together."""

MANY, MANY_PLAIN = 25, 150
"""Stamps of one tile: with more of them to come it is read whole, once.

Unpacking a tile compressed by rows takes as long as 18 stamps of it, reading a plain one as long as
100: measured with 239 of its 4200 pixels a side.
"""

LARGEST_HELD = 256 << 20
"""[byte] of all layers of a tile that is read whole; of a larger one parts are read."""

HELD_AT_MOST = 384 << 20
"""[byte] of all tiles that are held whole."""


class Shelf:
    """Open tiles; those that were not asked for lately are closed to make room."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        self._open: OrderedDict[Path, OpenTile] = OrderedDict()

    def __enter__(self) -> Shelf:
        """The shelf."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all tiles."""
        while self._open:
            self._open.popitem()[1].close()

    def open(self, tile: Tile, stamps: int) -> OpenTile:
        """A tile of which so many stamps are wanted; `GalaxyError` where it cannot be read."""
        found = self._open.pop(tile.path, None) or OpenTile(tile)
        self._open[tile.path] = found
        many = MANY_PLAIN if tile.is_plain else MANY
        if stamps > many and found.size <= LARGEST_HELD:
            self._make_room(found.size - found.held)
            found.hold()
        self._make_room(0)
        return found

    @property
    def held(self) -> int:
        """The bytes of all tiles that are held whole."""
        return sum(tile.held for tile in self._open.values())

    def _make_room(self, size: int) -> None:
        """Close tiles, the longest unused first, until there is room; the last one stays."""
        while len(self._open) > 1 and (
            len(self._open) > OPEN_AT_MOST or self.held + size > HELD_AT_MOST
        ):
            self._open.popitem(last=False)[1].close()
