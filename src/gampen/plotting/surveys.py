"""A survey in one picture: what its galaxies are like, and some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from gampen.cutouts import Cutout
from gampen.plotting.images import draw_image, draw_scale_bar, in_noise
from gampen.plotting.style import LINE, MUTED, OUTLINE, few_ticks, styled

Range = tuple[float, float]
BINS, ROOM = 30, 1.3
PANELS, STAMPS = 5, 10
DECADES = 40.0  # ratio of ends from which on only powers of ten are told
LOGARITHMIC = 12.0  # ratio of ends from which on an axis is logarithmic


@styled
def survey_figure(
    seen: Mapping[str, Float64[np.ndarray, " galaxy"]],
    cutouts: Sequence[Cutout],
    trained: Mapping[str, Range] | None = None,
) -> Figure:
    """Histograms of what galaxies are like, with the ends of what was trained on, and stamps."""
    rows = -(-len(seen) // PANELS)
    stamps = list(cutouts)[:STAMPS]
    lines = -(-len(stamps) // PANELS)
    figure = Figure(figsize=(2.0 * PANELS, 1.75 * rows + 2.0 * lines), layout="constrained")
    grid = figure.subplots(
        rows + lines, PANELS, squeeze=False, height_ratios=[1.75] * rows + [2.0] * lines
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (name, values) in zip(grid[:rows].flat, seen.items(), strict=False):
        axes.set_axis_on()
        draw_quantity(axes, name, values, None if trained is None else trained.get(name))
    for axes, cutout in zip(grid[rows:].flat, stamps, strict=False):
        axes.set_axis_on()
        draw_image(axes, in_noise(cutout))
        if cutout.pixel_scale is not None:
            draw_scale_bar(axes, cutout.shape, cutout.pixel_scale)
    return figure


def draw_quantity(
    axes: Axes, name: str, values: Float64[np.ndarray, " galaxy"], trained: Range | None
) -> None:
    """A histogram; what lies beyond the ends of training has another colour."""
    known = values[np.isfinite(values)]
    axes.set(title=name, yticks=[])
    axes.spines["left"].set_visible(False)
    if not known.size:
        axes.text(0.5, 0.5, "not known", ha="center", color=MUTED, transform=axes.transAxes)
        return
    low, high = float(known.min()), float(known.max())
    logarithmic = low > 0 and high > 1 and high / low > LOGARITHMIC  # shares are linear
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = (np.geomspace if logarithmic else np.linspace)(low, high, BINS + 1)
    counts, _ = np.histogram(known, edges)
    axes.stairs(counts, edges, fill=True, color=LINE, alpha=0.85)
    if trained is not None:
        beyond = (edges[1:] <= trained[0]) | (edges[:-1] >= trained[1])
        shown = np.where(beyond, counts, 0)
        axes.stairs(shown, edges, fill=True, color=OUTLINE)
        for end in trained:
            if low < end < high:
                axes.axvline(end, color=OUTLINE, lw=1.1, ls="--")
    if logarithmic:
        axes.set_xscale("log")
        subdivided = (1, 2, 5) if high / low < DECADES else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=subdivided))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        few_ticks(axes.xaxis)
    axes.set_ylim(0, max(1, int(counts.max())) * ROOM)
