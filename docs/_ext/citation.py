"""How to cite, from `CITATION.cff`: `{citation}` is a BibTeX entry for each work named there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from sphinx.util.docutils import SphinxDirective

import gampen

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

FILE = Path(__file__).resolve().parents[2] / "CITATION.cff"
KINDS = {"article": "article", "software": "software"}


def people(authors: list[dict[str, str]]) -> str:
    """Authors as BibTeX writes them; a group is kept together by braces."""
    named = []
    for author in authors:
        if author.get("name") == "et al.":
            named.append("others")
        elif "name" in author:
            named.append(f"{{{author['name']}}}")
        else:
            named.append(f"{author['family-names']}, {author['given-names']}")
    return " and ".join(named)


def entry(key: str, work: dict[str, Any]) -> str:
    """A work's entry."""
    identified = {each["type"]: each["value"] for each in work.get("identifiers", [])}
    told = {
        "author": people(work["authors"]),
        "title": f"{{{work['title']}}}",
        "journal": work.get("journal"),
        "volume": work.get("volume"),
        "pages": work.get("start"),
        "year": work.get("year"),
        "version": work.get("version"),
        "doi": work.get("doi", identified.get("doi")),
        "url": work.get("url", work.get("repository-code")),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in told.items() if value is not None]
    return "\n".join([f"@{KINDS[work['type']]}{{{key},", *lines, "}"])


def entries(citation: dict[str, Any]) -> list[str]:
    """The entries of the package itself and of every work that it rests on."""
    own = entry("gampen", {"version": gampen.__version__, **citation})
    others = citation.get("references", [])
    keys = [
        f"{work['authors'][0].get('family-names', 'work')}{work.get('year', '')}" for work in others
    ]
    return [own, *(entry(key.lower(), work) for key, work in zip(keys, others, strict=True))]


class Citation(SphinxDirective):
    """All entries, each to be copied."""

    def run(self) -> list[nodes.Node]:
        """The blocks."""
        self.env.note_dependency(str(FILE))
        listed = entries(yaml.safe_load(FILE.read_text(encoding="utf-8")))
        return self.parse_text_to_nodes("\n\n".join(f"```bibtex\n{each}\n```" for each in listed))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("citation", Citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
