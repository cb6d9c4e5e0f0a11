"""The same galaxy in several posteriors: from other images, under other priors, by others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gampen.errors import UsageError
from gampen.plotting.curves import EDGE, unit_of
from gampen.plotting.style import INK, SERIES, few_ticks, styled, words_of
from gampen.posterior import Posterior
from gampen.probability.marginals import Marginal

MAGNITUDE = "magnitude"
POINTS = 500
SHADE = 0.15  # opacity of what lies below a curve
WIDTH, HEIGHT = 2.9, 2.4  # [inch] of a panel


@styled
def comparison_figure(
    posteriors: Mapping[str, Posterior],
    names: Sequence[str] = (),
    truth: Mapping[str, float] | None = None,
) -> Figure:
    """The marginals of one galaxy in each of some posteriors, laid over each other.

    `posteriors` are of one galaxy each, by the words of the legend. A panel a parameter: those of
    `names`, among which `magnitude` may be, or all that the posteriors share. A vertical line is
    the `truth`, where it is given. `UsageError` where a posterior is of more galaxies than one, or
    there is nothing to draw.
    """
    if not all(len(posterior) == 1 for posterior in posteriors.values()):
        raise UsageError("each posterior must be of one galaxy; choose it by posterior.select")
    panels = list(names) or shared_names(list(posteriors.values()))
    if not panels:
        raise UsageError("there must be a parameter that all posteriors have; got none")
    figure = Figure(figsize=(WIDTH * len(panels), HEIGHT), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, name in zip(row, panels, strict=True):
        for place, posterior in enumerate(posteriors.values()):
            _draw(axes, _marginal(posterior, name), SERIES[place % len(SERIES)])
        _finish(axes, _label(next(iter(posteriors.values())), name), (truth or {}).get(name))
    lines = row[0].get_lines()[: len(posteriors)]
    figure.legend(lines, list(posteriors), loc="outside upper center", ncols=len(posteriors))
    return figure


def shared_names(posteriors: Sequence[Posterior]) -> list[str]:
    """The parameters that all posteriors have, in the order of the first."""
    names = posteriors[0].space.names if posteriors else ()
    return [name for name in names if all(name in other.space.names for other in posteriors)]


def _marginal(posterior: Posterior, name: str) -> Marginal:
    """The marginal of a parameter, or of the magnitude."""
    return posterior.magnitude() if name == MAGNITUDE else posterior[name]


def _label(posterior: Posterior, name: str) -> str:
    """A quantity's name and unit."""
    if name == MAGNITUDE:
        return "magnitude [mag]"
    unit = unit_of(posterior.space.parameters[posterior.space.index(name)])
    return f"{words_of(name)} [{unit}]" if unit else words_of(name)


def _draw(axes: Axes, marginal: Marginal, colour: str) -> None:
    """One density, from the first to the last 0.05 % of its probability."""
    first, last = (float(marginal.ppf(level)) for level in (EDGE, 1 - EDGE))
    values = torch.linspace(first, last, POINTS, dtype=torch.float64)
    density = marginal.pdf(values[:, None])[:, 0]
    axes.fill_between(values.numpy(), density.numpy(), color=colour, alpha=SHADE, linewidth=0)
    axes.plot(values.numpy(), density.numpy(), color=colour, linewidth=1.4)


def _finish(axes: Axes, label: str, truth: float | None) -> None:
    """The truth, the label, and no scale of densities, which areas of one make superfluous."""
    if truth is not None:
        axes.axvline(truth, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.set(xlabel=label, yticks=[])
    axes.set_ylim(bottom=0)
    axes.spines["left"].set_visible(False)
    few_ticks(axes.xaxis)
