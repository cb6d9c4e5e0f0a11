"""Is the posterior true? Coverage and rank plots, with what a perfect posterior would scatter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter

from gampen.calibration.battery import Battery
from gampen.calibration.bins import BinnedCoverage
from gampen.calibration.coverage import GRID, null_band
from gampen.calibration.together import Together
from gampen.plotting.style import INK, MUTED, OUTLINE, RULE, SERIES, few_ticks, styled, words_of

TWO_SIGMA = 2.0
PANELS = 3  # side by side
LONGEST, ROOM = 12, 26  # letters of a category's name, and of all that stand side by side
LOGARITHMIC, WIDE = 20, 300  # factors spanned from which a column has a logarithmic axis


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


@styled
def battery_figure(
    battery: Battery, shown: Mapping[str, BinnedCoverage] = MappingProxyType({})
) -> Figure:
    """Coverage less its level: of joint regions and TARP at all levels, of marginals bin by bin.

    Bands hold 95 % of perfect posteriors at each level or bin; dotted lines are the limits that
    none of a panel's points may lie outside of. `shown` are bins that are not judged.
    """
    panels: list[Callable[[Axes], None]] = []
    if battery.together:
        panels.append(partial(_draw_joint_coverage, battery=battery, together=battery.together))
    for name, binned in battery.bins.items():
        limit = battery.checks[f"worst_bin_{name}"].threshold
        panels.append(partial(_draw_bins, name=name, binned=binned, battery=battery, limit=limit))
    for name, binned in shown.items():
        panels.append(partial(_draw_bins, name=name, binned=binned, battery=battery, limit=None))
    return _panels(panels, bool(battery.bins or shown))


def _panels(panels: Sequence[Callable[[Axes], None]], lines: bool) -> Figure:
    """A figure of so many panels, under a legend of the last one's lines where there are any."""
    count = max(1, len(panels))
    rows, columns = math.ceil(count / PANELS), min(PANELS, count)
    figure = Figure(figsize=(2.9 * columns, 0.4 + 2.3 * rows), layout="constrained")
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, draw in zip(places, panels, strict=False):
        draw(axes)
    for axes in places[len(panels) :]:
        axes.remove()
    if lines:
        handles, labels = places[len(panels) - 1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _draw_joint_coverage(axes: Axes, battery: Battery, together: Together) -> None:
    """The deviations of the joint coverage and of TARP from each level."""
    band = null_band(int(battery.complete.sum()), GRID) - GRID
    axes.fill_between(GRID, band[0], band[1], color=RULE, linewidth=0)
    for name, covered, style in (("joint", together.joint, "-"), ("TARP", together.tarp, "--")):
        axes.plot(GRID, covered - GRID, style, color=INK, linewidth=1.4, label=name)
    axes.set(xlabel="level of the joint region", ylabel="coverage - level", xlim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    _finish(axes, battery.checks["joint_coverage"].threshold)
    axes.legend(loc="best", ncols=2)


def _draw_bins(
    axes: Axes, name: str, binned: BinnedCoverage, battery: Battery, limit: float | None
) -> None:
    """The deviation of each parameter's coverage in each bin."""
    spread = TWO_SIGMA * binned.noise.max(axis=0)
    if binned.categorical:
        axes.bar(binned.middle, 2 * spread, 0.8, -spread, color=RULE, linewidth=0)
        _name_categories(axes, binned)
    else:
        axes.fill_between(binned.middle, -spread, spread, color=RULE, linewidth=0)
        _spread_decades(axes, binned)
    style = "o" if binned.categorical else "o-"
    colours = _colours(len(battery.names))
    for parameter, row, colour in zip(battery.names, binned.deviation, colours, strict=True):
        axes.plot(binned.middle, row, style, color=colour, lw=1.0, ms=3, label=words_of(parameter))
    axes.set(ylabel="coverage - 68.27 %", xlabel=words_of(name).replace("psf fwhm", "PSF FWHM"))
    if limit is None:
        axes.set_title("by the truths: not judged")
    _finish(axes, limit)


def _name_categories(axes: Axes, binned: BinnedCoverage) -> None:
    """The names of categories below their points, cut short where they are long."""
    names = [text if len(text) <= LONGEST else text[: LONGEST - 1] + "…" for text in binned.labels]
    slant = 0 if len("".join(names)) < ROOM else 60
    axes.set_xticks(binned.middle, names, rotation=slant, ha="right" if slant else "center")
    axes.set_xlim(-0.6, len(names) - 0.4)


def _spread_decades(axes: Axes, binned: BinnedCoverage) -> None:
    """A logarithmic axis for a column over several decades."""
    low, high = float(binned.middle.min()), float(binned.middle.max())
    if 0 < LOGARITHMIC * low < high:
        axes.set_xscale("log")
        subs = (1.0,) if high > WIDE * low else (1.0, 3.0)
        axes.xaxis.set(major_locator=LogLocator(subs=subs), minor_formatter=NullFormatter())
        axes.xaxis.set_major_formatter("{x:g}")


def _finish(axes: Axes, limit: float | None) -> None:
    """A line at zero, dotted ones at the limits, and as much room above as below, in percent."""
    axes.axhline(0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    for side in () if limit is None else (-limit, limit):
        axes.axhline(side, color=OUTLINE, linewidth=0.8, linestyle=":")
    reach = max(1.3 * (limit or 0.0), *(abs(edge) for edge in axes.get_ylim()))
    axes.set_ylim(-reach, reach)
    few_ticks(axes.yaxis)
    axes.yaxis.set_major_formatter(
        lambda share, _: f"{100 * share:.3g} %".replace("-", "\N{MINUS SIGN}")
    )


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
