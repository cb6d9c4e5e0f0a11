"""Pages have two sizes, and say so when they are small."""

import subprocess
import sys
from pathlib import Path

import pytest
from docs._ext.sizes import Sized, sized

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"
CONF = f"""\
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["myst_nb", "sizes", "workplace"]
nb_execution_in_temp = nb_execution_show_tb = nb_merge_streams = True
"""
PAGE = """\
---
file_format: mystnb
kernelspec: {name: python3}
---
# A page

Outside of cells nothing changes: `galaxies = 4000  # quick: 300`.

```{code-cell} ipython3
galaxies = 4000  # quick: 300
print(galaxies)
```

```{code-cell} ipython3
%%bash
head -c 40 examples/hsc/info.csv
test "$PWD" != "$OLDPWD" -a -n "$(command -v gampen)"
echo 7000 \\  # quick: 70
  8000  # quick: 80
```
"""
LINES = [
    ("galaxies = 4_000  # quick: 300", "galaxies = 300  # in full: 4_000", "galaxies = 4_000"),
    ("a, b = 4, 5.0  # quick: 1, 2", "a, b = 1, 2  # in full: 4, 5.0", "a, b = 4, 5.0"),
    ('at = "all"  # quick: "few"', 'at = "few"  # in full: "all"', 'at = "all"'),
    ("of = draw(seed, 90)  # quick: 9", "of = draw(seed, 9)  # in full: 90", "of = draw(seed, 90)"),
    ("    galaxies=40,  # quick: 4", "    galaxies=4,  # in full: 40", "    galaxies=40,"),
    ("gampen a b --n 40  # quick: 4", "gampen a b --n 4  # in full: 40", "gampen a b --n 40"),
    ("gampen --n=40  # quick: 4", "gampen --n=4  # in full: 40", "gampen --n=40"),
    ("gampen --n 40 \\  # quick: 4", "gampen --n 4 \\", "gampen --n 40 \\"),
]


@pytest.mark.parametrize(("line", "quick", "full"), LINES)
def test_a_line_has_two_sizes(line, quick, full):
    assert Sized.of(line).line(full=False) == quick
    assert Sized.of(line).line(full=True) == full


def test_a_line_without_the_comment_has_one():
    assert Sized.of("galaxies = 4000  # of which many are faint") is None


def test_only_code_cells_have_two_sizes():
    text = "a = 1  # quick: 2\n```{code-cell}\na = 1  # quick: 2\n```\na = 1  # quick: 2"
    assert sized(text, full=True)[0].split("\n")[2] == "a = 1"
    assert sized(text, full=True)[0].count("# quick") == 2


def test_a_comment_without_a_value_is_refused():
    with pytest.raises(ValueError, match="must end in a value; got 'draw\\('"):
        sized("```{code-cell}\ndraw(  # quick: 3\n```", full=False)


def build(folder, page, *settings):
    """How the build of a page ended, and its HTML."""
    source = folder / "docs"
    source.mkdir()
    (source / "index.md").write_text(page)
    (source / "conf.py").write_text(CONF)
    sphinx = [sys.executable, "-m", "sphinx", "-W", "-q", *settings, source, folder / "html"]
    ended = subprocess.run(sphinx, capture_output=True, text=True, timeout=120, check=False)
    assert {path.name for path in source.iterdir()} == {"index.md", "conf.py"}
    html = folder / "html" / "index.html"
    return ended, html.read_text() if html.exists() else ""


def test_a_quick_page_runs_small_and_says_so(tmp_path):
    ended, page = build(tmp_path, PAGE)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ">300\n</pre>" in page
    assert "70 80" in page
    assert 'class="built-small"' in page
    assert "# in full: 4000" in page
    assert "file_name" in page


def test_a_full_page_runs_in_full_and_says_nothing(tmp_path):
    ended, page = build(tmp_path, PAGE, "-D", "full_sizes=1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ">4000\n</pre>" in page
    assert "7000 8000" in page
    assert "built-small" not in page
    assert page.count("quick") == 1


def test_a_command_that_fails_ends_the_build(tmp_path):
    ended, _ = build(tmp_path, PAGE.replace("head -c 40", "false\nhead -c 40"))
    assert ended.returncode != 0
    assert "CalledProcessError: Command 'b'false\\nhead" in ended.stderr
