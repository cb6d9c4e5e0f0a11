"""The posterior of one galaxy on a page, and of a few galaxies on a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.parameters import Parameter
from gampen.plotting.curves import Curve, Surface, joint_surface, marginal_curve
from gampen.plotting.images import DrawnCrop, draw_cutout, draw_image
from gampen.plotting.style import (
    INK,
    LINE,
    MUTED,
    OUTLINE,
    WITHIN_68,
    WITHIN_95,
    few_ticks,
    styled,
)
from gampen.posterior import Posterior
from gampen.settings import Scaling


@styled
def posterior_page(
    cutout: Cutout, crop: DrawnCrop, posterior: Posterior, galaxy: int = 0
) -> Figure:
    """One galaxy: its cutout, its crop, every marginal and joint density, and what is unusual."""
    parameters = [as_measured(parameter, cutout) for parameter in posterior.space]
    curves = {known.name: marginal_curve(posterior, galaxy, known) for known in parameters}
    size = 1.0 + 1.9 * len(curves)
    figure = Figure(figsize=(size + 2.9, size), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[2.7, size], squeeze=False)[0]
    above, middle, below = left.subplots(3, 1, height_ratios=[1, 1, 0.5])
    left.suptitle(cutout.object_id, x=0.04, ha="left", fontsize=11, fontweight="bold")
    draw_cutout(above, cutout, crop)
    above.set_title("cutout", color=MUTED)
    draw_crop(middle, crop)
    middle.set_title("learned crop", color=MUTED)
    _write_facts(below, cutout)
    _draw_corner(right, posterior, galaxy, curves)
    return figure


@styled
def demo_sheet(cutouts: Cutouts, crops: Sequence[DrawnCrop], posterior: Posterior) -> Figure:
    """A few galaxies, one a row: its cutout, its crop, and the marginals of its parameters."""
    names, rows = posterior.space.names, len(cutouts)
    ratios = [0.9, 0.9, *[1.35] * len(names)]
    figure = Figure(figsize=(1.6 * sum(ratios), 0.3 + 1.65 * rows), layout="constrained")
    grid = figure.subplots(rows, 2 + len(names), squeeze=False, width_ratios=ratios)
    for galaxy, (cutout, crop, row) in enumerate(zip(cutouts, crops, grid, strict=True)):
        draw_cutout(row[0], cutout, crop)
        row[0].set_ylabel(cutout.object_id, color=MUTED, fontsize=7)
        draw_crop(row[1], crop)
        for parameter, axes in zip(posterior.space, row[2:], strict=True):
            known = as_measured(parameter, cutout)
            draw_marginal(axes, marginal_curve(posterior, galaxy, known))
            if parameter.high is not None:
                axes.set_xlim(parameter.low, parameter.high)
    grid[0, 0].set_title("cutout", color=MUTED)
    grid[0, 1].set_title("learned crop", color=MUTED)
    return figure


def as_measured(parameter: Parameter, cutout: Cutout) -> Parameter:
    """The parameter, in pixels if it is a length and the image's pixel scale is unknown."""
    if parameter.scaling is Scaling.LENGTH and cutout.pixel_scale is None:
        return replace(parameter, unit="pixel")
    return parameter


def draw_crop(axes: Axes, crop: DrawnCrop) -> None:
    """Show a crop in a frame of the outline's colour."""
    draw_image(axes, crop.pixels)
    for spine in axes.spines.values():
        spine.set(color=OUTLINE, linewidth=1.3)


def draw_marginal(axes: Axes, curve: Curve) -> None:
    """A marginal density over its 95 % and 68 % equal-tailed intervals, and its median."""
    for (low, high), colour in ((curve.interval_95, WITHIN_95), (curve.interval_68, WITHIN_68)):
        inside = (curve.values >= low) & (curve.values <= high)
        axes.fill_between(curve.values, curve.density, where=inside, color=colour, linewidth=0)
    axes.plot(curve.values, curve.density, color=LINE, linewidth=1.2)
    height = float(np.interp(curve.median, curve.values, curve.density))
    axes.vlines(curve.median, 0, height, color=INK, linewidth=0.9)
    axes.set_title(curve.summary)
    axes.set(xlabel=curve.label, yticks=[], xlim=curve.limits, ylim=(0, 1.08 * curve.density.max()))
    axes.spines["left"].set_visible(False)
    few_ticks(axes.xaxis)


def _draw_joint(axes: Axes, surface: Surface, medians: tuple[float, float]) -> None:
    """The regions that hold 95 % and 68 % of a joint density, and the two medians."""
    bounds = [surface.bound_95, surface.bound_68]
    filled = [*bounds, 1.01 * float(surface.density.max())]
    plane = (surface.x, surface.y, surface.density)
    axes.contourf(*plane, levels=filled, colors=[WITHIN_95, WITHIN_68])
    axes.contour(*plane, levels=bounds, colors=LINE, linewidths=0.9)
    axes.axvline(medians[0], color=INK, linewidth=0.6)
    axes.axhline(medians[1], color=INK, linewidth=0.6)
    few_ticks(axes.xaxis)
    few_ticks(axes.yaxis)


def _draw_corner(
    figure: SubFigure, posterior: Posterior, galaxy: int, curves: dict[str, Curve]
) -> None:
    """The marginals on the diagonal, the joint densities below it, labels at the outer edges."""
    grid = figure.subplots(len(curves), len(curves), squeeze=False)
    for axes, curve in zip(grid.diagonal(), curves.values(), strict=True):
        draw_marginal(axes, curve)
    for (column, x), (row, y) in combinations(enumerate(curves), 2):
        surface = joint_surface(posterior, galaxy, {x: curves[x], y: curves[y]})
        _draw_joint(grid[row, column], surface, (curves[x].median, curves[y].median))
        grid[column, row].set_axis_off()
    for axes, curve in zip(grid[1:, 0], list(curves.values())[1:], strict=True):
        axes.set_ylabel(curve.label)
    for axes, curve in zip(grid[-1], curves.values(), strict=True):
        axes.set_xlabel(curve.label)
    for axes in grid[:-1].flat:
        axes.set(xlabel="")
        axes.tick_params(labelbottom=False)
    for axes in grid[1:, 1:].flat:
        axes.tick_params(labelleft=False)
    figure.align_labels()


def _write_facts(axes: Axes, cutout: Cutout) -> None:
    """What the shades mean, what is known of the image, and the names of its flags."""
    axes.set_axis_off()
    known = {
        "pixel {:.3f}″": cutout.pixel_scale,
        "PSF {:.2f} pixels": cutout.psf_fwhm,
        "zero point {:.2f}": cutout.zero_point,
    }
    facts = [text.format(value) for text, value in known.items() if value is not None]
    flags = [str(flag.name).lower().replace("_", " ") for flag in Flag if flag in cutout.flags]
    lines = ["dark 68 %, light 95 %, line median", *facts, *(f"flag: {flag}" for flag in flags)]
    axes.text(0.02, 0.98, "\n".join(lines), va="top", color=MUTED, fontsize=7.5, linespacing=1.5)
