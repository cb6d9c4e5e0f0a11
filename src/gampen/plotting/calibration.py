"""Is the posterior true? Coverage and rank plots, with what a perfect posterior would scatter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gampen.plotting.style import MUTED, RULE, SERIES, styled, words_of

TWO_SIGMA = 2.0


@styled
def coverage_figure(
    levels: Float[np.ndarray, " level"],
    covered: Float[np.ndarray, "parameter level"],
    names: Sequence[str],
    band: Float[np.ndarray, "2 level"],
) -> Figure:
    """The share of truths inside the interval of each level, and its deviation from the level.

    `band` holds the low and high share between which a perfect posterior would lie.
    """
    figure = Figure(figsize=(4.2, 5.0), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    above.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    below.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    label = "a perfect posterior, 95 %"
    above.fill_between(levels, band[0], band[1], color=RULE, linewidth=0, label=label)
    below.fill_between(levels, band[0] - levels, band[1] - levels, color=RULE, linewidth=0)
    for name, shares, colour in zip(names, covered, _colours(len(names)), strict=True):
        above.plot(levels, shares, color=colour, linewidth=1.4, label=words_of(name))
        below.plot(levels, shares - levels, color=colour, linewidth=1.4)
    above.set(ylabel="share of truths inside", ylim=(0, 1), xlim=(0, 1))
    below.set(ylabel="deviation", xlabel="probability of the interval")
    reach = max(0.05, 1.15 * float(np.abs(covered - levels).max()))
    below.set_ylim(-reach, reach)
    for axes in (above, below):
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    below.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    above.legend(loc="upper left")
    return figure


@styled
def ranks_figure(
    ranks: Float[np.ndarray, "galaxy parameter"], names: Sequence[str], bins: int = 20
) -> Figure:
    """Histograms of the truths' probability integral transforms, flat where a posterior is true.

    A hollow in the middle says overconfident, a hill cautious, a slope biased. The band is what
    counts scatter by (two standard deviations of the binomial).
    """
    figure = Figure(figsize=(2.5 * len(names), 2.3), layout="constrained")
    row = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name, values, colour in zip(row, names, ranks.T, _colours(len(names)), strict=True):
        _draw_ranks(axes, values[np.isfinite(values)], bins, colour)
        axes.set(title=words_of(name), xlabel="rank of the truth", xlim=(0, 1), xticks=[0, 0.5, 1])
    row[0].set_ylabel("density")
    row[0].set_ylim(bottom=0)
    return figure


def _draw_ranks(axes: Axes, values: Float[np.ndarray, " galaxy"], bins: int, colour: str) -> None:
    """One histogram against its band."""
    spread = TWO_SIGMA * math.sqrt((bins - 1) / max(1, len(values)))
    axes.axhspan(1 - spread, 1 + spread, color=RULE, linewidth=0)
    axes.axhline(1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    counts, edges = np.histogram(values, bins=bins, range=(0, 1))
    axes.stairs(counts * bins / max(1, len(values)), edges, color=colour, linewidth=1.4)


def _colours(number: int) -> list[str]:
    """As many colours as there are lines, beginning anew after six."""
    return [SERIES[index % len(SERIES)] for index in range(number)]
