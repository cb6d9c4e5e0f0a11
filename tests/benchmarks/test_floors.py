"""The drawing of the floors is that of the contracts."""

import re
from pathlib import Path

from benchmarks.floors import (
    PICTURE,
    contracts,
    drawing,
    floor_lines,
    floors,
    libraries,
    mathematical,
)

ROOT = Path(__file__).parents[2]
KEPT = contracts((ROOT / "pyproject.toml").read_text())
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def test_the_picture_is_what_the_contracts_draw():
    assert PICTURE.read_text() == drawing(KEPT), "run python -m benchmarks.floors"


def test_the_list_in_the_guide_is_what_the_contracts_say():
    lines = [line.replace("(", "").replace(")", "") for line in floor_lines(KEPT)]
    assert "```text\n" + "\n".join(lines) + "\n```" in GUIDE


def test_every_module_of_the_package_has_a_box():
    package = ROOT / "src" / "gampen"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    drawn = set(re.findall(r'fill="#1f2933" text-anchor="middle">(\w+)<', drawing(KEPT)))
    assert drawn == modules | folders == {room for rooms in floors(KEPT) for room in rooms}


def test_libraries_stand_in_their_home_and_mathematics_has_its_colour():
    homes = libraries(KEPT)
    assert "astropy" in homes["storage"]
    assert "typer" in homes["cli"]
    assert not mathematical(KEPT) & {"storage", "cli", "verbs"}
    assert drawing(KEPT).count('fill="#d4e6f1"') == len(mathematical(KEPT)) + 1  # and the legend


def test_a_floor_that_moves_changes_the_picture():
    layers = KEPT["floors"]["layers"]
    moved = {**KEPT, "floors": {**KEPT["floors"], "layers": [layers[1], layers[0], *layers[2:]]}}
    assert drawing(moved) != drawing(KEPT)
