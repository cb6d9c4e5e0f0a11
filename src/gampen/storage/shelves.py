"""Tiles that are open at one time: few, and in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from gampen.storage.mosaic_tiles import Tile
from gampen.storage.open_tiles import OpenTile

OPEN_AT_MOST = 16
"""Tiles whose files are open together."""

MANY_PLAIN = 150
"""Stamps of one plain tile: for more of them it is read whole, once.

Reading it takes as long as some 100 stamps: measured with 239 of 4200 pixels a side.
"""

WORTH = 1.3
"""Times the pixels of a packed layer: where stamps need more of them, all are unpacked, once.

Of a tile of 4200 rows, packed row by row, that is from 23 stamps of 239 pixels a side on.
"""

LARGEST_HELD = 256 << 20
"""[byte] of all layers of a tile that is read whole; of a larger one parts are read."""

HELD_AT_MOST = 384 << 20
"""[byte] of all tiles, or rows of them, that are held."""


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

    def open(self, tile: Tile, many: bool) -> OpenTile:
        """A tile of which few or many stamps are wanted, one after the other, by rows.

        `GalaxyError` where it cannot be read.
        """
        found = self._open.pop(tile.path, None) or OpenTile(tile)
        self._open[tile.path] = found
        if many and found.size <= LARGEST_HELD:
            self._make_room(found.size - found.held)
            found.hold()
        found.by_rows = many
        self._make_room(0)
        return found

    @property
    def held(self) -> int:
        """The bytes of all tiles, or rows of them, that are held."""
        return sum(tile.held for tile in self._open.values())

    def _make_room(self, size: int) -> None:
        """Close tiles, the longest unused first, until there is room; the last one stays."""
        while len(self._open) > 1 and (
            len(self._open) > OPEN_AT_MOST or self.held + size > HELD_AT_MOST
        ):
            self._open.popitem(last=False)[1].close()


def worth_it(tile: Tile, sides: Sequence[int]) -> bool:
    """Whether stamps of these sides are so many that all of a tile's pixels may as well be read."""
    packed = [layer for layer in tile.maps if layer.offset is None]
    if not packed:
        return len(sides) > MANY_PLAIN
    needed = sum(layer.unpacked(side) for layer in packed for side in sides)
    return needed > WORTH * sum(math.prod(layer.shape) for layer in packed)
