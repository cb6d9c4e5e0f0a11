"""Two sizes of every page that runs: `steps = 4000  # quick: 300` is 300 in a quick build.

A page is written with its full sizes. Within its code cells, a comment `# quick: X` at the end of
a line names what stands there when the page is built in little time: X takes the place of the
literal that is assigned on the line, or else of the line's last word (a shell's
`--galaxies 4000`, an argument `galaxies=4000,`). The quick page keeps the full value as a comment,
and says so at its top; a full one (`-D full_sizes=1`) shows no trace of the quick one. Where a
shell's line goes on (a backslash behind the value), a comment cannot stand, and the quick page has
the value alone.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})\{code-cell\}")
SIZED = re.compile(r"^(?P<code>.*?\S)(?P<gap>\s+)# quick: (?P<quick>\S.*?)\s*$")
ASSIGNED = re.compile(r"^(?P<before>[^=()]*\S = )(?P<value>\S.*)$")
LAST_WORD = re.compile(r"^(?P<before>.*?)(?P<value>[^\s=(\[{,:]+?)(?P<after>[)\]},;]*(?: \\)?)$")
SMALL = "small_sizes"
SAID = (
    "This copy was built in little time, at smaller sizes than the text tells of: "
    "a line that was changed says what it is “in full”."
)


@dataclass(frozen=True)
class Sized:
    """A line that has two sizes: what stands around them, and both."""

    before: str
    full: str
    quick: str
    after: str

    @classmethod
    def of(cls, line: str) -> Sized | None:
        """The two sizes of a line; None where it has one, `ValueError` where no value is."""
        found = SIZED.match(line)
        if found is None:
            return None
        code, quick = found["code"], found["quick"]
        assigned = ASSIGNED.match(code)
        if assigned and is_literal(assigned["value"]):
            return cls(assigned["before"], assigned["value"], quick, "")
        word = LAST_WORD.match(code)
        if word is None:
            raise ValueError(f"a line with `# quick: {quick}` must end in a value; got {code!r}")
        return cls(word["before"], word["value"], quick, word["after"])

    def line(self, *, full: bool) -> str:
        """The line as it stands on a page of either kind."""
        if full:
            return f"{self.before}{self.full}{self.after}"
        said = "" if self.after.endswith("\\") else f"  # in full: {self.full}"
        return f"{self.before}{self.quick}{self.after}{said}"


def is_literal(text: str) -> bool:
    """Whether a text is a number, a string, or a list or tuple of such."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def cells(lines: list[str]) -> Iterator[int]:
    """The numbers of the lines that stand within code cells."""
    fence = ""
    for number, line in enumerate(lines):
        if fence and line.rstrip() == fence:
            fence = ""
        elif fence:
            yield number
        elif found := FENCE.match(line):
            fence = found["fence"]


def sized(text: str, *, full: bool) -> tuple[str, int]:
    """A page at its full or its quick sizes, and how many lines have two."""
    lines, count = text.split("\n"), 0
    for number in cells(lines):
        line = Sized.of(lines[number])
        if line is not None:
            lines[number] = line.line(full=full)
            count += 1
    return "\n".join(lines), count


def on_source(app: Sphinx, page: str, source: list[str]) -> None:
    """Give a page its sizes before it is read."""
    try:
        source[0], count = sized(source[0], full=app.config.full_sizes)
    except ValueError as error:
        raise ExtensionError(f"{page}: {error}") from error
    app.env.temp_data[SMALL] = count > 0 and not app.config.full_sizes


def on_doctree(app: Sphinx, doctree: nodes.document) -> None:
    """Say below the title that a page is small."""
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is not None and app.env.temp_data.get(SMALL):
        said = nodes.paragraph("", SAID, classes=["built-small"])
        title.parent.insert(title.parent.index(title) + 1, said)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("full_sizes", default=False, rebuild="env", types=[bool])
    app.connect("source-read", on_source)
    app.connect("doctree-read", on_doctree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
