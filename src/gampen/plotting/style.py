"""How every picture looks, how numbers are written in it, and how it is saved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gampen.errors import UsageError
from gampen.storage.atomic import whole_file

INK = "#1f2933"
MUTED = "#66727f"
RULE = "#d9dee3"
LINE = "#0b4f7d"
WITHIN_68 = "#8fbcdb"
WITHIN_95 = "#d4e6f1"
OUTLINE = "#e0590b"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, told apart by colour-blind readers as well."""

# The font that comes with matplotlib, so that a picture is the same on every machine.
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "mathtext.default": "regular",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "svg.hashsalt": "gampen",
}
styled = rc_context(STYLE)
"""Decorates a function that draws: the style holds inside it and nowhere else."""

NAMES = {"bulge_to_total": "bulge-to-total ratio"}
"""The words for parameters whose name does not read as such."""

# What a writer would stamp into the file by itself, so that equal pictures are equal files.
STAMPS: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}


def few_ticks(axis: Axis) -> None:
    """Leave a few round numbers on an axis."""
    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def words_of(name: str) -> str:
    """A parameter's name as it is written in a sentence."""
    return NAMES.get(name, name.replace("_", " "))


def interval_text(interval: tuple[float, float], median: float) -> str:
    """A median with its asymmetric interval, with two digits of the smaller error."""
    below, above = median - interval[0], interval[1] - median
    error = min(below, above)
    if not (math.isfinite(error) and error > 0):
        return f"{median:.4g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return rf"${median:.{digits}f}^{{+{above:.{digits}f}}}_{{-{below:.{digits}f}}}$"


def save(figure: Figure, path: Path) -> None:
    """Write a picture whole or not at all; equal pictures make equal files.

    The ending of `path` decides the format: `UsageError` unless it is .png, .pdf or .svg.
    """
    stamps = STAMPS.get(path.suffix.lower())
    if stamps is None:
        raise UsageError(f"a picture must end in .png, .pdf or .svg; got {path.name!r}")
    with rc_context(STYLE), whole_file(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower()[1:], metadata=stamps)
