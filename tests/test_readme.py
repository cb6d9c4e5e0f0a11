"""What README and the pages say in short is what the card and the long tables say, and it runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXPLANATION = ROOT / "docs" / "explanation"
CARD = (ROOT / "src" / "gampen" / "shipped" / "universal.md").read_text()
PAGES = {
    "README.md": (ROOT / "README.md").read_text(),
    "measured.md": (EXPLANATION / "measured.md").read_text(),
    "limits.md": (EXPLANATION / "limits.md").read_text(),
}
README, MEASURED = PAGES["README.md"], PAGES["measured.md"]
NUMBER = r"\d+(?:\.\d+)?"
CODES = ("pyimfit", "AstroPhot")


def cells(start: str) -> list[str]:
    """The cells of the card's row that starts so, behind the first."""
    row = next(line for line in CARD.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def require(page: str, *sayings: str) -> None:
    """A page says what the card says, wherever its lines end."""
    text = " ".join(PAGES[page].split())
    missing = [saying for saying in sayings if saying not in text]
    assert missing == [], f"{page} must follow the card; it does not say {missing}"


def coverage(level: int) -> list[str]:
    """The truths inside intervals of one level, by parameter [%]."""
    return [cells(parameter)[level] for parameter in ("B/T", "R_e", "flux")]


def test_the_readme_is_short():
    assert README.count("\n") <= 110


def test_the_coverage_is_that_of_the_card():
    require("README.md", *(f"{' / '.join(coverage(level))} %" for level in (0, 1)))
    rows = zip(*(coverage(level) for level in range(3)), strict=True)
    require("measured.md", *(" | ".join(f"{share} %" for share in row) for row in rows))


def test_the_surveys_lie_where_the_page_says():
    table = CARD.split("### One for every survey?")[1].split("\n### ")[0]
    names = re.findall(r"^\| ([^|]+) \| [\d.]+ /", table, re.MULTILINE)
    rows = [cells(name) for name in names]
    inside = [sorted(float(n) for row in rows for n in re.findall(NUMBER, row[c])) for c in (0, 2)]
    ends = [f"{round(shares[0])}-{round(shares[-1])} %" for shares in inside]
    assert len(rows) == 9
    require("measured.md", f"{ends[0]} of truths lie inside 68 %, and {ends[1]} inside 95 %")


def test_the_widths_are_those_of_the_card():
    faint, middle = (re.findall(NUMBER, cells(name)[0]) for name in ("30-120", "120-500"))
    require(
        "measured.md",
        "is {} (B/T), {} (radius) and {} (flux) times as wide".format(*faint),
        "at S/N 120-500 {}, {} and {}".format(*middle),
    )
    bright, brightest = (
        [float(number) for number in re.findall(NUMBER, cells(name)[0])]
        for name in ("500-3000", "3000-20000")
    )
    assert {round(ratio, 1) for ratio in bright} == {1.5}, "README.md and limits.md say 1.5 times"
    assert round(sum(brightest) / 3) == 3, "README.md and limits.md say about three times"


def test_the_flags_are_those_of_the_card():
    own = re.search(rf"raised for ({NUMBER} \+- {NUMBER} %)", CARD)[1]
    kinds = re.findall(
        r"^\| ([\w ]+) \| (0\.\d{3}) \| 0\.\d{3} \| (\d+ %) \| (\d+ %) \|$", CARD, re.MULTILINE
    )
    areas = [float(area) for _, area, _, _ in kinds]
    require("measured.md", own, f"areas under the curve of {min(areas):.2f} to {max(areas)}")
    caught = {kind: own_flag for kind, _, _, own_flag in kinds}
    any_flag = {kind: flag for kind, _, flag, _ in kinds}
    require("limits.md", f"is flagged in {any_flag['wrong PSF']} of galaxies at S/N above 50")
    assert 25 <= int(caught["blend"].split()[0]) < 35, "limits.md says three blends in ten"


def test_the_originals_task_is_that_of_the_card():
    own = next(line for line in CARD.splitlines() if "magnitude 14.2-19.1 uniform" in line)
    scatter = re.search(rf"scatter B/T ({NUMBER}), R_e ({NUMBER} %), flux ({NUMBER} %)", own)
    require("README.md", ", ".join(scatter.groups()))
    require("measured.md", *(f"| {figure} |" for figure in scatter.groups()))
    inside = re.findall(rf"inside (?:68.27|95.45) %: ({NUMBER} / {NUMBER} / {NUMBER})", own)
    require("measured.md", *(f"| {share} |" for share in inside))
    require("limits.md", f"{inside[0].split(' / ')[2]} % of truths inside 68.27 %")


def test_every_figure_of_a_fit_stands_in_the_long_table():
    fits = [line for line in README.splitlines() if any(f"{code}," in line for code in CODES)]
    assert len(fits) >= 5
    for line in fits:
        code = next(code for code in CODES if code in line)
        galaxies = re.search(r"\((\d+)\)", line)[1]
        figures = re.findall(rf"({NUMBER} %) \((\d+)\)", line)
        assert len(figures) == 4
        assert any(
            f", {galaxies} | {code} |" in row
            and all(f"{scatter} ({inside};" in row for scatter, inside in figures)
            for row in MEASURED.splitlines()
        ), line


def test_the_python_of_the_readme_runs(monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 3
    monkeypatch.chdir(ROOT)
    exec(code.replace("my_galaxies", "examples/hsc"), {})  # noqa: S102 - this is what it tests
    assert "tensor" in capsys.readouterr().out


def test_every_command_of_the_readme_is_one():
    from gampen.cli import COMMANDS

    names = {function.__name__ for function in COMMANDS} | {"import"}
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", README, re.DOTALL))
    named = set(re.findall(r"^gampen (\w+)", blocks, re.MULTILINE))
    assert named
    assert named <= names


@pytest.mark.parametrize("page", ["training.md", "information.md"])
def test_what_pages_take_from_the_card_is_there(page):
    wanted = re.findall(r':(?:start-after|end-before): "(.*)"', (EXPLANATION / page).read_text())
    assert wanted
    assert [marker for marker in wanted if CARD.count(marker) != 1] == []
