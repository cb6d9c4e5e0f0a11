"""The page of an evaluation: one file that needs no other, no script and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from gampen import __version__
from gampen.calibration.coverage import LEVELS, coverage, null_band
from gampen.calibration.evaluation import Evaluation
from gampen.plotting import wording
from gampen.plotting.calibration import battery_figure, coverage_figure, ranks_figure
from gampen.plotting.inline import inline_svg
from gampen.plotting.style import words_of

PLOTTED_LEVELS = np.linspace(0.02, 0.98, 49)
CAPTIONS = {
    "coverage": (
        "The share of truths inside the interval of each probability, and its deviation. The band "
        "holds 95 % of perfect posteriors of as many galaxies."
    ),
    "ranks": (
        "Where the truths lie in their posteriors: flat is true, a hollow overconfident, a hill "
        "cautious, a slope biased."
    ),
    "battery": (
        "Coverage less its level, of joint regions and bin by bin. Bands hold 95 % of perfect "
        "posteriors; beyond a dotted line a check fails."
    ),
}


def pictures(evaluation: Evaluation) -> dict[str, Figure]:
    """The pictures of an evaluation, by name."""
    calibration, battery = evaluation.calibration, evaluation.battery
    covered = coverage(calibration.ranks, PLOTTED_LEVELS)
    band = null_band(int(calibration.known.min()), PLOTTED_LEVELS)
    return {
        "coverage": coverage_figure(PLOTTED_LEVELS, covered, calibration.names, band),
        "ranks": ranks_figure(calibration.ranks, calibration.names),
        "battery": battery_figure(battery, evaluation.shown),
    }


def evaluation_page(
    evaluation: Evaluation,
    drawn: Mapping[str, Figure],
    flags: Mapping[str, Sequence[str]],
) -> str:
    """The page as HTML; `drawn` are the pictures, `flags` the names of each worst galaxy's."""
    return _template().render(
        evaluation=evaluation,
        checks=list(evaluation.battery.checks.items()),
        version=__version__,
        headline="Nothing speaks against these posteriors"
        if evaluation.passed
        else "These posteriors are not true",
        verdict=wording.verdict(evaluation),
        found=wording.found(evaluation),
        advice=wording.advice(evaluation),
        left_out=wording.left_out(evaluation),
        levels=[f"{100 * level:.2f} %" for level in LEVELS],
        pictures=[(name, CAPTIONS[name], inline_svg(drawn[name], name)) for name in drawn],
        flags=flags,
    )


@cache
def _template() -> Template:
    """The template, which the package carries, and the words that it uses."""
    environment = Environment(
        loader=PackageLoader("gampen", "plotting/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=lambda name: words_of(name).replace("psf fwhm", "PSF FWHM"),
        asked=wording.asked,
        codes=_codes,
        phrase=wording.phrase_of,
        number=_number,
        percent=lambda share: f"{100 * share:.2f} %".replace("-", "\N{MINUS SIGN}"),
    )
    return environment.get_template("evaluation.html")


def _codes(text: str) -> Markup:
    """Text whose parts between backquotes are code."""
    parts = [escape(part) for part in text.split("`")]
    pairs = [Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts)]
    return Markup("").join(pairs)


def _number(value: float, digits: int = 3) -> str:
    """A number with so many digits and a proper minus."""
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")
