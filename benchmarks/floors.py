"""`python -m benchmarks.floors`: the drawing of the floors, from the contracts that keep them.

Writes docs/images/floors.svg from pyproject.toml: the layers of the contract "floors", the rooms in
which "mathematics" does no I/O, and the outside libraries that a contract gives a home to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "floors.svg"
WIDTH, HEIGHT, GAP, EDGE = 760, 48, 8, 16  # [pixel]
SMALL = 9.5  # [pixel] letters of the libraries' names, 0.6 as wide as high
INK, MUTED, PLAIN, MATHEMATICS = "#1f2933", "#66727f", "#eef2f5", "#d4e6f1"
Contracts = Mapping[str, Mapping[str, Any]]


def contracts(pyproject: str) -> Contracts:
    """The contracts of import-linter by their ids."""
    found = tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract for contract in found}


def floors(kept: Contracts) -> list[list[str]]:
    """The rooms of each floor, the highest first."""
    return [layer.replace("(", "").replace(")", "").split(" | ") for layer in floor_lines(kept)]


def floor_lines(kept: Contracts) -> list[str]:
    """The floors as the contract writes them."""
    return list(kept["floors"]["layers"])


def libraries(kept: Contracts) -> dict[str, list[str]]:
    """The outside libraries that have their home in each room."""
    homes: dict[str, list[str]] = {}
    for contract in kept.values():
        for line in contract.get("ignore_imports", ()):
            room, library = line.split(" -> ")
            homes.setdefault(room.split(".")[1], []).append(library)
    return {room: sorted(set(names), key=str.lower) for room, names in homes.items()}


def mathematical(kept: Contracts) -> set[str]:
    """The rooms that read no file."""
    return {module.split(".")[1] for module in kept["mathematics"]["source_modules"]}


def drawing(kept: Contracts) -> str:
    """The floors as an SVG, rooms of one floor side by side."""
    levels = floors(kept)
    height = 2 * EDGE + len(levels) * (HEIGHT + GAP) + 24
    said = "; ".join(" | ".join(rooms) for rooms in levels)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, sans-serif" role="img">'
        ),
        f"<title>The floors of gampen, the highest first: {escape(said)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        *(line for place, rooms in enumerate(levels) for line in _floor(place, rooms, kept)),
        *_legend(height - EDGE),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _floor(place: int, rooms: list[str], kept: Contracts) -> Iterator[str]:
    """The boxes of one floor, with the libraries that live in each."""
    width = (WIDTH - 2 * EDGE - (len(rooms) - 1) * GAP) / len(rooms)
    top, homes, quiet = EDGE + place * (HEIGHT + GAP), libraries(kept), mathematical(kept)
    for number, room in enumerate(rooms):
        left = EDGE + number * (width + GAP)
        colour = MATHEMATICS if room in quiet else PLAIN
        lived_in = wrap(", ".join(homes.get(room, ())), int(width / (0.6 * SMALL)))
        yield _box(left, top, width, colour)
        yield _text(left + width / 2, top + 29 - 6 * len(lived_in), 13, INK, room)
        for line, names in enumerate(lived_in):
            base = top + 41 - 6 * len(lived_in) + 12 * line + 2
            yield _text(left + width / 2, base, SMALL, MUTED, names)


def _legend(bottom: float) -> Iterator[str]:
    """What the colours and the arrow of imports mean."""
    yield _box(EDGE, bottom - 13, 14, MATHEMATICS, 14)
    said = (
        "mathematics: reads no file. Small letters: outside libraries at home here. "
        "Imports go down, never sideways."
    )
    yield f'<text x="{EDGE + 22}" y="{bottom - 2:g}" font-size="11" fill="{MUTED}">{said}</text>'


def _box(left: float, top: float, width: float, colour: str, height: float = HEIGHT) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="{height:g}" rx="4" '
        f'fill="{colour}" stroke="{MUTED}" stroke-width="0.7"/>'
    )


def _text(middle: float, base: float, size: float, colour: str, said: str) -> str:
    return (
        f'<text x="{middle:.1f}" y="{base:g}" font-size="{size:.1f}" fill="{colour}" '
        f'text-anchor="middle">{escape(said)}</text>'
    )


def main() -> None:
    """Write the drawing."""
    PICTURE.write_text(drawing(contracts((ROOT / "pyproject.toml").read_text())))
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
