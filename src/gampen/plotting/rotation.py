"""A posterior against the angle by which its galaxy is turned: as a plot, and moving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from gampen.calibration.rotation import Stability
from gampen.cutouts import Cutouts
from gampen.parameters import Parameter
from gampen.plotting.curves import Curve, marginal_curve
from gampen.plotting.images import DrawnCrop, draw_cutout
from gampen.plotting.posteriors import as_measured, draw_crop, draw_marginal
from gampen.plotting.style import INK, LINE, MUTED, RULE, STYLE, WITHIN_68, styled, words_of
from gampen.posterior import Posterior
from gampen.storage.atomic import whole_file

FRAMES_A_SECOND = 10
DOTS = 72  # [1 / inch] of an animation, which has many frames
HEADROOM = 1.1


@styled
def rotation_plot(
    angles: Sequence[float], stability: Stability, parameters: Sequence[Parameter]
) -> Figure:
    """The median and the 68 % band of each parameter against the angle.

    A second half of the turns, where there is one, is of the mirrored galaxy, and drawn as a line.
    """
    number = len(angles)
    figure = Figure(figsize=(5.2, 0.5 + 1.5 * len(parameters)), layout="constrained")
    rows = figure.subplots(len(parameters), 1, squeeze=False, sharex=True)[:, 0]
    for place, (axes, parameter) in enumerate(zip(rows, parameters, strict=True)):
        low, middle, high = (
            values[:, place] for values in (stability.low, stability.medians, stability.high)
        )
        axes.fill_between(angles, low[:number], high[:number], color=WITHIN_68, linewidth=0)
        axes.axhline(float(middle.mean()), color=RULE, linewidth=0.8)
        axes.plot(angles, middle[:number], color=LINE, linewidth=1.3, label="turned")
        if len(middle) > number:
            axes.plot(angles, middle[number:], color=INK, lw=0.9, ls=":", label="and mirrored")
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        axes.set_ylabel(f"{words_of(parameter.name)}{unit}")
        moved, in_sigma = stability.largest[parameter.name]
        relative = stability.relative[place]
        size = f"{100 * moved:.1f} %" if relative else f"{moved:.3f}"
        axes.set_title(f"moves {size} at most, {in_sigma:.2f} sigma", color=MUTED, loc="right")
    rows[0].legend(loc="upper left", ncols=2)
    rows[-1].set(xlabel="turned by [degree]", xlim=(min(angles), max(angles)))
    rows[-1].xaxis.set_major_locator(MultipleLocator(45))
    return figure


def save_animation(
    cutouts: Cutouts, crops: Sequence[DrawnCrop], posterior: Posterior, path: Path
) -> None:
    """Write a GIF whole or not at all: one frame a turn, with crop and marginals beside it."""
    with rc_context(STYLE), whole_file(path) as temporary:
        stage = Stage.of(cutouts, crops, posterior)
        animation = FuncAnimation(stage.figure, stage.draw, frames=len(cutouts))
        # the ending tells the writer what to write
        moving = temporary.with_suffix(".gif")
        try:
            animation.save(moving, writer=PillowWriter(fps=FRAMES_A_SECOND), dpi=DOTS)
            moving.replace(temporary)
        finally:
            moving.unlink(missing_ok=True)


@dataclass(frozen=True)
class Stage:
    """What an animation is drawn on, and all turns of its galaxy.

    `limits` of each parameter's axis hold for all turns, so that what moves is the posterior.
    """

    figure: Figure
    axes: tuple[Axes, ...]
    cutouts: Cutouts
    crops: Sequence[DrawnCrop]
    curves: tuple[tuple[Curve, ...], ...]

    @classmethod
    def of(cls, cutouts: Cutouts, crops: Sequence[DrawnCrop], posterior: Posterior) -> Stage:
        """The stage of the turns of one galaxy."""
        parameters = [as_measured(parameter, cutouts[0]) for parameter in posterior.space]
        curves = [
            tuple(marginal_curve(posterior, turn, parameter, 160) for turn in range(len(cutouts)))
            for parameter in parameters
        ]
        ratios = [1.0, 1.0, *[1.15] * len(parameters)]
        figure = Figure(figsize=(1.7 * sum(ratios), 1.95), layout="constrained")
        axes = figure.subplots(1, len(ratios), width_ratios=ratios)
        return cls(figure, tuple(axes), cutouts, crops, tuple(curves))

    def draw(self, turn: int) -> None:
        """One frame."""
        for axes in self.axes:
            axes.clear()
        draw_cutout(self.axes[0], self.cutouts[turn], self.crops[turn])
        self.axes[0].set_title("cutout", color=MUTED)
        draw_crop(self.axes[1], self.crops[turn])
        self.axes[1].set_title("learned crop", color=MUTED)
        for axes, curves in zip(self.axes[2:], self.curves, strict=True):
            axes.plot(*_all_of(curves), color=RULE, linewidth=0.6)
            draw_marginal(axes, curves[turn])
            axes.set_xlim(*_span(curves))
            axes.set_ylim(0, HEADROOM * max(float(curve.density.max()) for curve in curves))


def _span(curves: Sequence[Curve]) -> tuple[float, float]:
    """An axis that holds every 95 % interval, and half as much again, as far as there is any."""
    low = min(curve.interval_95[0] for curve in curves)
    high = max(curve.interval_95[1] for curve in curves)
    ends = zip(*(curve.limits for curve in curves), strict=True)
    first, last = (side(values) for side, values in zip((min, max), ends, strict=True))
    margin = (high - low) / 4
    return max(low - margin, first), min(high + margin, last)


def _all_of(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray]:
    """The curves of all turns, end to end with gaps between them."""
    gap = [np.nan]
    values = np.concatenate([np.append(curve.values, gap) for curve in curves])
    return values, np.concatenate([np.append(curve.density, gap) for curve in curves])
