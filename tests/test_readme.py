"""What the README says in short is what the cards and the long pages say at length, and it runs."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CARD = (ROOT / "src" / "gampen" / "shipped" / "universal.md").read_text()
MEASURED = (ROOT / "docs" / "explanation" / "measured.md").read_text()
NUMBER = r"\d+(?:\.\d+)?"
CODES = ("pyimfit", "AstroPhot")


def card_row(parameter: str) -> list[str]:
    """The coverage of a parameter on the card, at the three levels."""
    row = next(line for line in CARD.splitlines() if line.startswith(f"| {parameter} |"))
    return re.findall(NUMBER, row)[:3]


def test_the_readme_is_short():
    assert README.count("\n") <= 110


def test_the_coverage_is_that_of_the_card():
    told = [card_row(parameter) for parameter in ("B/T", "R_e", "flux")]
    within_68, within_95, _ = (" / ".join(column) for column in zip(*told, strict=True))
    assert f"{within_68} %" in README
    assert f"{within_95} %" in README.replace("\n", " ")
    for row in told:
        assert " | ".join(f"{share} %" for share in row) in MEASURED


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


def test_the_originals_task_is_that_of_the_card():
    own = next(line for line in CARD.splitlines() if "magnitude 14.2-19.1 uniform" in line)
    scatter = re.search(rf"scatter B/T ({NUMBER}), R_e ({NUMBER} %), flux ({NUMBER} %)", own)
    assert ", ".join(scatter.groups()) in README
    for share in re.findall(rf"inside (?:68.27|95.45) %: ({NUMBER} / {NUMBER} / {NUMBER})", own):
        assert f"| {share} |" in MEASURED


def test_the_python_of_the_readme_runs(monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert code.count("\n") == 3
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
