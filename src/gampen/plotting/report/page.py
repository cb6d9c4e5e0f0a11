"""One HTML file from a template, its styles and scripts, and what it shows.

Everything that comes from a catalogue is data, never markup: text is escaped by the template, and
the payload is JSON without a letter that could end its element. A policy in the page itself lets
only these very scripts run, and lets nothing be fetched but pictures from beside the page.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

STYLES = ("vendor/tabulator.min.css", "templates/report.css")
FIRST = "templates/theme.js"
LIBRARIES = ("vendor/d3.min.js", "vendor/tabulator.min.js")
LICENCES = {"d3": "vendor/d3.LICENSE", "Tabulator": "vendor/tabulator.LICENSE"}
SCRIPTS = (
    *("decode", "mixture", "words", "charts", "plane"),
    *("corner", "galaxy", "filter", "table", "main"),
)
SOURCE_MAP = "//# sourceMappingURL="
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def page(
    run: Mapping[str, object], payload: Mapping[str, object], calibration: object = None
) -> bytes:
    """The page of a run: `run` and `calibration` are for the template, `payload` for the scripts.

    The same content gives the same bytes.
    """
    first, scripts = text_of(FIRST), [*(text_of(name) for name in LIBRARIES), own_script()]
    return (
        template()
        .render(
            run=run,
            calibration=calibration,
            payload=Markup(json_text(payload)),  # noqa: S704 - holds no < > or &
            styles=[inline(text_of(name)) for name in STYLES],
            first_script=inline(first),
            scripts=[inline(script) for script in scripts],
            policy=policy([first, *scripts]),
            licences={name: text_of(file) for name, file in LICENCES.items()},
        )
        .encode()
    )


def policy(scripts: list[str]) -> str:
    """What a browser may do with the page: run these scripts, and show pictures beside it."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: 'self' file:; base-uri 'none'; form-action 'none'"
    )


def json_text(payload: Mapping[str, object]) -> str:
    """The payload as JSON that is safe inside of a script element, whatever its text holds."""
    text = json.dumps(payload, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for letter, escaped in UNSAFE.items():
        text = text.replace(letter, escaped)
    return text


def template() -> Template:
    """The page's template, which escapes all that it is given."""
    loader = PackageLoader("gampen.plotting", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("report.html")


def own_script() -> str:
    """The page's own scripts, one after the other, with names that nothing else sees."""
    parts = "\n".join(text_of(f"templates/{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


@functools.cache
def text_of(name: str) -> str:
    """A file of this room, without the line that names a source map: it would be fetched."""
    lines = resources.files("gampen.plotting").joinpath(name).read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(SOURCE_MAP))


def inline(text: str) -> Markup:
    """A style or script of this package, as it is."""
    lowered = text.lower()
    if "</script" in lowered or "</style" in lowered or "<!--" in lowered:
        raise ValueError("a script or style must not hold what would end its element; mend it")
    return Markup(text)  # noqa: S704 - a file of this package
