"""What a shell's cell prints, as it was printed.

IPython passes it on in pieces of a hundred bytes, and MyST-NB ends every piece that it merges with
a new line: lines would be broken wherever a piece ends. Here pieces are joined before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams

if TYPE_CHECKING:
    from sphinx.application import Sphinx

Output = dict[str, Any]


def joined(outputs: list[Output]) -> list[Output]:
    """The outputs with all pieces of each stream in the place of its first, nothing in between."""
    streams: dict[str, Output] = {}
    kept = []
    for output in outputs:
        name = output.get("name", "") if output["output_type"] == "stream" else ""
        if name in streams:
            streams[name]["text"] += output["text"]
            continue
        if name:
            streams[name] = output
        kept.append(output)
    return kept


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("myst_nb")
    render.coalesce_streams = lambda outputs: coalesce_streams(joined(outputs))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
