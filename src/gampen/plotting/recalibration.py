"""What a recalibration changed: coverage before and after, beside what chance alone does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gampen.plotting.style import INK, MUTED, RULE, SERIES, styled, words_of

PERFECT = "a perfect posterior, 95 %"
LEAST_REACH = 0.05
TICKS = (0.1, 0.3, 0.5, 0.7, 0.9)  # none at an end, where the next panel begins
JOINT = ((INK, (0, (1, 1.5))), (INK, "-"), (SERIES[3], "-"))  # before, after, by the table

Band = Float[np.ndarray, "2 level"]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Shares of truths inside the region of each level: of each parameter, and jointly.

    `joint` holds the curves before, after, and with the levels that the table gives. The bands are
    the shares between which perfect posteriors would lie: marginals, joint ones, and these by a
    table, which itself comes from galaxies by chance.
    """

    levels: Float[np.ndarray, " level"]
    names: Sequence[str]
    before: Float[np.ndarray, "parameter level"]
    after: Float[np.ndarray, "parameter level"]
    joint: Mapping[str, Float[np.ndarray, " level"]]
    marginal_band: Band
    joint_band: Band
    table_band: Band


@styled
def recalibration_figure(drawn: Drawn) -> Figure:
    """Coverage less its level: of each parameter before and after, and of the joint regions."""
    figure = Figure(figsize=(8.7, 2.9), layout="constrained")
    before, after, joint = figure.subplots(1, 3, sharex=True, sharey=True)
    sides = (before, drawn.before, "before"), (after, drawn.after, "after")
    for axes, covered, title in sides:
        _begin(axes, drawn.levels, drawn.marginal_band, title)
        for place, (name, shares) in enumerate(zip(drawn.names, covered, strict=True)):
            colour, label = SERIES[place % len(SERIES)], words_of(name)
            axes.plot(drawn.levels, shares - drawn.levels, color=colour, lw=1.4, label=label)
    _shade(joint, drawn.levels, drawn.table_band, alpha=0.4)
    _begin(joint, drawn.levels, drawn.joint_band, "joint regions")
    for (name, shares), (colour, style) in zip(drawn.joint.items(), JOINT, strict=True):
        joint.plot(drawn.levels, shares - drawn.levels, color=colour, ls=style, lw=1.4, label=name)
    _finish(figure, drawn, (before, after, joint))
    return figure


def _begin(axes: Axes, levels: Float[np.ndarray, " level"], band: Band, title: str) -> None:
    """A line at zero, and the band of a perfect posterior."""
    axes.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    _shade(axes, levels, band, label=PERFECT)
    axes.set(title=title, xlabel="probability of the interval", xlim=(0, 1))
    axes.set_xticks(TICKS)


def _shade(
    axes: Axes, levels: Float[np.ndarray, " level"], band: Band, label: str = "", alpha: float = 1.0
) -> None:
    """A band about the levels."""
    low, high = band - levels
    axes.fill_between(levels, low, high, color=RULE, lw=0, label=label or None, alpha=alpha)


def _finish(figure: Figure, drawn: Drawn, panels: tuple[Axes, Axes, Axes]) -> None:
    """Axes in percent, as much room above as below, and the legends."""
    lines = (*drawn.before, *drawn.after, *drawn.joint.values())
    farthest = max(float(np.abs(shares - drawn.levels).max()) for shares in lines)
    reach = max(LEAST_REACH, 1.15 * farthest)
    panels[0].set(ylabel="share of truths inside - probability", ylim=(-reach, reach))
    panels[0].xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    panels[0].yaxis.set_major_formatter(
        lambda share, _: f"{100 * share:.3g} %".replace("-", "\N{MINUS SIGN}")
    )
    panels[2].set(xlabel="level of the joint region")
    panels[2].legend(handles=panels[2].lines[1:], loc="best")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
