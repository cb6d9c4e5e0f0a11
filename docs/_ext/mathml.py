"""Formulas as MathML, made when the site is built: readable without a network and without a script.

Sphinx's own way loads MathJax from another host when a page is opened. Browsers draw MathML
themselves; readers that do not are given the TeX as an annotation.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

log = logging.getLogger(__name__)
BARS = "<mo>&#x02016;</mo>"
"""Of a norm: without a size of their own, only the one that has no power would be drawn large."""


def mathml(tex: str, *, display: bool) -> str:
    """A formula as MathML with its TeX as an annotation; `ValueError` where it cannot be made."""
    drawn = convert(tex.strip(), display="block" if display else "inline")
    drawn = drawn.replace(BARS, BARS.replace("<mo>", '<mo stretchy="false">'))
    if "\\" in drawn:
        raise ValueError(f"a formula must be of commands that are known; got {tex!r}")
    head, inner = drawn.removesuffix("</math>").split(">", 1)
    annotation = f'<annotation encoding="application/x-tex">{escape(tex.strip())}</annotation>'
    return f"{head}><semantics>{inner}{annotation}</semantics></math>"


def written(node: nodes.Element, *, display: bool) -> str:
    """What stands on the page; a formula that cannot be drawn is a warning and stays as TeX."""
    tex = node.astext()
    try:
        return mathml(tex, display=display)
    except Exception as error:  # noqa: BLE001 - the library has many kinds of its own
        log.warning("%s: %s", type(error).__name__, error, location=node, type="mathml")
        return f"<code>{escape(tex)}</code>"


def visit_inline(translator: HTML5Translator, node: nodes.Element) -> None:
    """A formula in a line of text."""
    translator.body.append(f'<span class="math">{written(node, display=False)}</span>')
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.Element) -> None:
    """A formula that stands alone."""
    translator.body.append(f'<div class="math">{written(node, display=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
