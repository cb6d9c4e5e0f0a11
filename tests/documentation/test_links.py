"""No link within the site or the documents leads nowhere."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "docs"
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCED = re.compile(r"^ *(`{3,}).*?^ *\1 *$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
# What the theme writes for pages that are searched for, not read.
NO_PAGES = {"search.html", "genindex.html"}


@dataclass
class Page(HTMLParser):
    """A built page: what it links to, and what can be linked to in it."""

    path: Path
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self):
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 - the parser gives both
        """Take note of links and anchors."""
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.links += [given[name] for name in ("href", "src") if given.get(name)]


def pages(folder):
    """The pages of a built site by their files."""
    return {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}


def dead(site):
    """The links of a site that lead nowhere."""
    found = []
    for path, page in site.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name in NO_PAGES:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = site[target].anchors | {"", "top"} if target in site else None
            missing = anchors is not None and unquote(parts.fragment) not in anchors
            if not target.exists() or missing:
                found.append(f"{path.name}: {link}")
    return sorted(set(found))


@pytest.fixture(scope="module")
def site():
    """The site as `make docs` built it last, before the tests."""
    if not (BUILT / "index.html").exists():
        pytest.skip("there is no built site: `make docs` makes it, `make test` before the tests")
    return pages(BUILT)


def test_every_link_of_the_site_leads_somewhere(site):
    assert len(site) > 50
    assert dead(site) == []


def test_every_page_can_be_reached_from_the_first(site):
    first = (BUILT / "index.html").resolve()
    reached, waiting = set(), [first]
    while waiting:
        path = waiting.pop()
        if path in site and path not in reached:
            reached.add(path)
            targets = (unquote(urlsplit(link).path) for link in site[path].links)
            waiting += [(path.parent / target).resolve() for target in targets if target]
    assert {path.name for path in site.keys() - reached} <= {"search.html", "genindex.html"}


def test_a_dead_link_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a id="here"></a><a href="b.html">b</a><a href="b.html#there">b</a><img src="c.png">'
        '<a href="#here">a</a><a href="#nowhere">a</a><a href="gone.html">g</a>'
        '<a href="https://example.org/gone">elsewhere</a>'
    )
    (tmp_path / "b.html").write_text("<p>nothing</p>")
    assert dead(pages(tmp_path)) == [
        "a.html: #nowhere",
        "a.html: b.html#there",
        "a.html: c.png",
        "a.html: gone.html",
    ]


DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern)
)


def headings(path):
    """The anchors of a document's headings, as readers of Markdown make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found)
    labels = re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    return {heading.strip().replace(" ", "-") for heading in plain} | set(labels)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(path):
    wrong = []
    for link in LINK.findall(FENCED.sub("", path.read_text())):
        parts = urlsplit(link)
        if parts.scheme:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        lost = target.suffix == ".md" and parts.fragment and parts.fragment not in headings(target)
        if not target.exists() or lost:
            wrong.append(link)
    assert wrong == []
