"""Formulas are on the page, not fetched when it is read."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from docs._ext.mathml import mathml

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "docs" / "_ext"
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
CONF = f"""\
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["myst_parser", "mathml"]
html_math_renderer = "mathml"
myst_enable_extensions = ["amsmath", "dollarmath"]
"""


def parsed(drawn: str) -> ET.Element:
    """The formula as a tree; it must be well-formed."""
    return ET.fromstring(drawn)  # noqa: S314 - it is our own


def formulas(page: Path) -> list[str]:
    """The formulas of a page, outside of its code."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    alone = re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL)
    rest = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
    return alone + re.findall(r"\$([^$\s](?:[^$]*[^$\s])?)\$", rest)


def test_a_formula_keeps_its_tex_and_its_layout():
    drawn = parsed(mathml(r"\frac{a}{b} < \lVert c \rVert^2", display=True))
    assert drawn.attrib["display"] == "block"
    assert drawn.find(f".//{NAMESPACE}mfrac") is not None
    assert drawn.find(f".//{NAMESPACE}annotation").text == r"\frac{a}{b} < \lVert c \rVert^2"
    bars = [bar for bar in drawn.iter(f"{NAMESPACE}mo") if bar.text == "‖"]
    assert [bar.attrib["stretchy"] for bar in bars] == ["false", "false"]


@pytest.mark.parametrize("tex", [r"\nonsense{x}", r"a + \foo"])
def test_a_command_that_is_not_known_is_refused(tex):
    with pytest.raises(ValueError, match="commands that are known"):
        mathml(tex, display=False)


def test_every_formula_of_the_pages_can_be_drawn():
    found = {page: formulas(page) for page in (ROOT / "docs").rglob("*.md")}
    assert sum(map(len, found.values())) > 100
    for tex in (tex for texts in found.values() for tex in texts):
        parsed(mathml(tex, display=False))


def build(folder: Path, text: str) -> subprocess.CompletedProcess:
    """What a site of one page says when it is built, warnings being errors."""
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text(text)
    call = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "-q",
        "-b",
        "html",
        str(folder),
        str(folder / "out"),
    ]
    return subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)


def test_a_page_with_formulas_asks_for_nothing_from_elsewhere(tmp_path):
    ran = build(tmp_path, "# Page\n\nOf $a_1$, and\n\n$$\n\\sum_i b_i\n$$\n")
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<math ") == 2
    assert 'display="block"' in page
    assert re.findall(r'(?:src|href)="https?://[^"]*(?:\.js|\.css|mathjax)[^"]*"', page) == []


def test_a_formula_that_cannot_be_drawn_fails_the_build(tmp_path):
    ran = build(tmp_path, "# Page\n\nOf $\\nonsense{a}$.\n")
    assert ran.returncode != 0
    assert "commands that are known" in ran.stderr
