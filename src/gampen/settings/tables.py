"""Settings of the tables that are written."""

from __future__ import annotations

from enum import Enum


class Schema(Enum):
    """Whose columns a table has."""

    OWN = "own"
    ORIGINAL = "gampen"  # the original GaMPEN's
