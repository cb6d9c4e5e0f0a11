"""The reference from docstrings: the modules of a package, one section each.

`{modules} gampen.calibration` on a page is that package, then every module in it with its public
names. Names that the package `gampen` itself holds have pages of their own and are left out.
"""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from inspect import getmodule
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

import gampen

if TYPE_CHECKING:
    from types import ModuleType

    from docutils import nodes
    from sphinx.application import Sphinx

PACKAGE = """\
```{{eval-rst}}
.. automodule:: {name}
```
"""
MODULE = """\
{marks} `{name}`

```{{eval-rst}}
.. automodule:: {name}
   :members:
   :exclude-members: {shown_elsewhere}
```
"""


def modules_of(package: str) -> list[str]:
    """The names of all modules within a package, as deep as they lie, in alphabetical order."""
    inside = pkgutil.walk_packages(import_module(package).__path__, f"{package}.")
    return sorted(found.name for found in inside if not found.name.split(".")[-1].startswith("_"))


def nouns() -> list[str]:
    """The names of the modules at the root of `gampen`."""
    found = pkgutil.iter_modules(gampen.__path__, "gampen.")
    return [module.name for module in found if not module.ispkg and "__" not in module.name]


def shown_elsewhere(module: ModuleType) -> list[str]:
    """The names of a module that the package itself holds."""
    held = {name: getattr(gampen, name) for name in gampen.__all__}
    return [
        name
        for name, thing in held.items()
        if vars(module).get(name) is thing and getmodule(thing) in (None, module)
    ]


def page_of(package: str) -> str:
    """A package's part of the reference, in MyST."""
    if package == "gampen":
        return "\n".join(section(name) for name in nouns())
    return "\n".join([PACKAGE.format(name=package), *map(section, modules_of(package))])


def section(name: str) -> str:
    """A module's part."""
    module = import_module(name)
    if hasattr(module, "__path__"):
        return f"## `{name}`\n\n" + PACKAGE.format(name=name)
    elsewhere = ", ".join(shown_elsewhere(module)) or "none"
    return MODULE.format(marks="##", name=name, shown_elsewhere=elsewhere)


class Modules(SphinxDirective):
    """All modules of a package."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The sections."""
        return self.parse_text_to_nodes(page_of(self.arguments[0]), allow_section_headings=True)


def on_signature(*given: object) -> tuple[str | None, str | None]:
    """A signature that can be parsed: what a factory makes is written as three dots."""
    *_, arguments, returned = given
    text = arguments if isinstance(arguments, str) else None
    return text and text.replace("<factory>", "..."), returned if isinstance(
        returned, str
    ) else None


def on_docstring(*given: object) -> None:
    """Docstrings are prose with `code` in it: no other mark of reStructuredText is meant.

    Lines that stand further in are left alone: they are drawings and examples.
    """
    lines = given[-1]
    if isinstance(lines, list):
        lines[:] = [line if line[:1].isspace() else prose(line) for line in lines]


def prose(line: str) -> str:
    """A line in which bars, stars and trailing underscores mean themselves."""
    parts = re.split(r"(`[^`]*`)", line)
    parts[::2] = [re.sub(r"([|*]|(?<=\w)_(?=\W|$))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("modules", Modules)
    app.connect("autodoc-process-docstring", on_docstring)
    app.connect("autodoc-process-signature", on_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
