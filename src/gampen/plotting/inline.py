"""Pictures inside of a page: vector graphics that follow the page's own colours."""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.figure import Figure

from gampen.plotting.style import INK, MUTED, OUTLINE, RULE, SERIES, STAMPS, STYLE

COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--band)",
    OUTLINE: "var(--limit)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES, start=1)},
}
"""The pictures' colours as those of the page, which change with light and dark."""


def inline_svg(figure: Figure, name: str) -> str:
    """The picture as an element of a page; `name` keeps its ids apart from other pictures'."""
    buffer = io.StringIO()
    with rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata=STAMPS[".svg"], transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", text)
    for colour, variable in COLOURS.items():
        text = text.replace(colour, variable)
    return text.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1).strip()
