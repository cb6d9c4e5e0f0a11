"""Real files, and a folder to write others in."""

from pathlib import Path

import pytest


@pytest.fixture
def stars():
    """Two stars as HSC's cutout service delivers them."""
    return sorted((Path(__file__).parent / "data").glob("*.fits"))
