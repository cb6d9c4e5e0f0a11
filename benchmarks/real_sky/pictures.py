"""Contact sheets: every frame with its learned crop, and the numbers under it."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.real_sky.comparison import Examined
from gampen.plotting.images import DrawnCrop, draw_cutout
from gampen.plotting.style import save, styled

COLUMNS, PANEL, TEXT = 5, 2.3, 0.8  # panels a row, [inch]


@styled
def sheet(galaxies: list[Examined], texts: list[str]) -> Figure:
    """All galaxies with their text."""
    rows = math.ceil(len(galaxies) / COLUMNS)
    figure = Figure(figsize=(PANEL * COLUMNS, (PANEL + TEXT) * rows), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat[len(galaxies) :]:
        axes.set_axis_off()
    for axes, galaxy, text in zip(grid.flat, galaxies, texts, strict=False):
        draw_cutout(axes, galaxy.cutout, DrawnCrop.of(galaxy.cutout, galaxy.theta))
        axes.set_xlabel(text, fontsize=8)
    return figure


def save_sheet(folder: Path, name: str, galaxies: list[Examined], texts: list[str]) -> None:
    """Write the contact sheet as `name`.png."""
    folder.mkdir(parents=True, exist_ok=True)
    save(sheet(galaxies, texts), folder / f"{name}.png")
