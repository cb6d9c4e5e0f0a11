"""A learning curve: how good estimators are that were made from so many labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from gampen.plotting.style import MUTED, RULE, SERIES, styled, words_of

LEVEL = 0.6827
ROOM = 1.15  # of the vertical axes, beyond the furthest point
DOT, FAINT = 9.0, 0.45


@dataclass(frozen=True, eq=False)
class Way:
    """One way to come to an estimator: its surprise and coverage by number of labels and seed.

    NaN where it was not measured.
    """

    name: str
    nll: Float[np.ndarray, "number seed"]
    covered: Float[np.ndarray, "number seed parameter"]


@dataclass(frozen=True, eq=False)
class Learned:
    """What is drawn: ways by number of labels, and an estimator that saw none.

    A perfect posterior's coverage lies within `room` of the level.
    """

    numbers: Sequence[int]
    names: Sequence[str]
    ways: Sequence[Way]
    without: Way
    room: float


@styled
def learning_figure(learned: Learned) -> Figure:
    """The surprise and the coverage of each parameter by number of labels: seeds and their mean."""
    figure = Figure(figsize=(9.2, 2.9), layout="constrained")
    parameters = len(learned.names)
    axes = figure.subplots(1, 1 + parameters, width_ratios=[1.6, *[1.0] * parameters])
    _surprise(axes[0], learned)
    for place, name in enumerate(learned.names):
        _coverage(axes[1 + place], learned, place)
        axes[1 + place].set_title(words_of(name))
    _alike(list(axes[1:]), learned)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _surprise(axes: Axes, learned: Learned) -> None:
    """Negative log-likelihoods; better is lower."""
    axes.axhline(float(learned.without.nll.mean()), color=MUTED, lw=1.2, ls=(0, (4, 3)))
    axes.lines[0].set_label(learned.without.name)
    for way, colour in zip(learned.ways, SERIES, strict=False):
        _points(axes, learned.numbers, way.nll, colour, way.name)
    axes.set(title="surprise at the truth", ylabel="negative log-likelihood [nat]")
    _labels(axes, learned.numbers)


def _coverage(axes: Axes, learned: Learned, parameter: int) -> None:
    """Coverage less its level; the band is that of perfect posteriors."""
    axes.axhspan(-learned.room, learned.room, color=RULE, lw=0)
    axes.axhline(0, color=MUTED, lw=0.8)
    without = float(learned.without.covered[..., parameter].mean()) - LEVEL
    axes.axhline(without, color=MUTED, lw=1.2, ls=(0, (4, 3)))
    for way, colour in zip(learned.ways, SERIES, strict=False):
        _points(axes, learned.numbers, way.covered[..., parameter] - LEVEL, colour, way.name)
    _labels(axes, learned.numbers)


def _points(
    axes: Axes,
    numbers: Sequence[int],
    values: Float[np.ndarray, "number seed"],
    colour: str,
    name: str,
) -> None:
    """Each seed as a dot, and a line through the means."""
    known = np.isfinite(values).any(axis=1)
    places = np.array(numbers, dtype=float)
    means = [float(np.nanmean(row)) for row in values[known]]
    axes.plot(places[known], means, color=colour, lw=1.4, label=name)
    spread = np.repeat(places, values.shape[1])
    axes.scatter(spread, values.ravel(), s=DOT, color=colour, alpha=FAINT, lw=0, zorder=3)


def _labels(axes: Axes, numbers: Sequence[int]) -> None:
    """A logarithmic axis with a tick at each number."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(numbers)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda number, _: f"{number:,.0f}")
    axes.tick_params(axis="x", rotation=45)
    axes.set_xlabel("labels")


def _alike(panels: Sequence[Axes], learned: Learned) -> None:
    """The same axis of coverage, in percent, for all parameters."""
    values = [way.covered.ravel() - LEVEL for way in (*learned.ways, learned.without)]
    reach = ROOM * float(np.nanmax(np.abs(np.concatenate(values))))
    for axes in panels:
        axes.set_ylim(-max(reach, learned.room), max(reach, learned.room))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.tick_params(labelleft=axes is panels[0])
    panels[0].set_ylabel("share inside less 68.27 %")
