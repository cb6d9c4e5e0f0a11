"""Calibration plots show the numbers they were given."""

import numpy as np
import pytest

from arms import CAUTIOUS, arm, known_columns
from gampen.calibration.battery import Battery
from gampen.calibration.coverage import GRID
from gampen.plotting.calibration import battery_figure, coverage_figure, ranks_figure

LEVELS = np.linspace(0.1, 0.9, 9)
BAND = np.stack([LEVELS - 0.02, LEVELS + 0.02])


def test_a_coverage_line_and_its_deviation_are_drawn_for_each_parameter():
    covered = np.stack([LEVELS, LEVELS**2])
    above, below = coverage_figure(LEVELS, covered, ["bulge_to_total", "flux"], BAND).axes
    drawn = {line.get_label(): line.get_ydata() for line in above.lines[1:]}
    assert drawn["bulge-to-total ratio"] == pytest.approx(LEVELS)
    assert drawn["flux"] == pytest.approx(LEVELS**2)
    assert below.lines[2].get_ydata() == pytest.approx(LEVELS**2 - LEVELS)


def test_the_largest_deviation_is_inside_the_axis():
    covered = np.clip(LEVELS[None] + 0.3, 0, 1)
    _, below = coverage_figure(LEVELS, covered, ["flux"], BAND).axes
    assert below.get_ylim()[1] > 0.3


def test_ranks_of_a_true_posterior_lie_inside_the_band_and_others_do_not():
    draws = np.random.default_rng(4).uniform(size=(4000, 1))
    for ranks, fits in ((draws, True), (draws**2, False), (0.5 + (draws - 0.5) / 2, False)):
        (axes,) = ranks_figure(ranks, ["flux"]).axes
        heights = axes.patches[-1].get_data().values
        box = axes.patches[0].get_extents().transformed(axes.transData.inverted())
        inside = (heights > box.y0) & (heights < box.y1)
        # 20 bins, each outside with 5 %: five or more outside are once in 600 true posteriors.
        assert (inside.sum() >= 16) == fits


def test_galaxies_without_a_rank_are_left_out():
    ranks = np.array([[0.1], [np.nan], [0.9]])
    (axes,) = ranks_figure(ranks, ["flux"], bins=2).axes
    assert axes.patches[-1].get_data().values.tolist() == [1, 1]


def test_a_battery_is_drawn_with_what_chance_and_a_release_allow():
    posterior, truth = arm(CAUTIOUS, 400)
    battery = Battery.of(posterior, truth, known_columns(posterior))
    first, *others = battery_figure(battery).axes
    drawn = {line.get_label(): line.get_ydata() for line in first.lines}
    assert drawn["joint"] == pytest.approx(battery.together.joint - GRID)
    assert drawn["TARP"] == pytest.approx(battery.together.tarp - GRID)
    assert [axes.get_xlabel() for axes in others] == ["flux", "nothing"]
    for axes, binned in zip(others, battery.bins.values(), strict=True):
        assert axes.lines[1].get_ydata() == pytest.approx(binned.deviation[1])
        limit = battery.checks[f"worst_bin_{axes.get_xlabel()}"].threshold
        assert limit in [line.get_ydata()[0] for line in axes.lines]
        assert axes.get_ylim()[1] > max(limit, np.abs(binned.deviation).max())


def test_a_battery_without_columns_is_one_panel():
    posterior, truth = arm(CAUTIOUS, 30)
    assert len(battery_figure(Battery.of(posterior, truth, {})).axes) == 1


def test_categories_are_points_above_their_names_and_shown_bins_have_no_limit():
    posterior, truth = arm(CAUTIOUS, 60)
    field = np.where(np.arange(60) < 40, "wide", "a field of a long name")
    battery = Battery.of(posterior, truth, {"field": field})
    judged, shown = battery_figure(battery, battery.bins).axes[1:]
    for axes in (judged, shown):
        assert [text.get_text() for text in axes.get_xticklabels()] == ["wide", "a field of …"]
        assert axes.lines[0].get_linestyle() == "None"
    assert (judged.get_title(), shown.get_title()) == ("", "by the truths: not judged")
    assert len(judged.lines) == len(shown.lines) + 2


def test_a_column_over_several_decades_has_a_logarithmic_axis():
    posterior, truth = arm(CAUTIOUS, 60)
    columns = {"wide": np.logspace(0, 3, 60), "narrow": np.linspace(1, 2, 60)}
    _, wide, narrow = battery_figure(Battery.of(posterior, truth, columns)).axes
    assert (wide.get_xscale(), narrow.get_xscale()) == ("log", "linear")
