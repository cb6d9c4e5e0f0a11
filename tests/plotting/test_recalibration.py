"""The picture of a recalibration shows the numbers it was given."""

import numpy as np
import pytest

from gampen.plotting.recalibration import Drawn, recalibration_figure

LEVELS = np.linspace(0.1, 0.9, 9)
BAND = np.stack([LEVELS - 0.02, LEVELS + 0.02])
WIDE = np.stack([LEVELS - 0.03, LEVELS + 0.03])


def drawn(farthest=0.1):
    joint = {"before": LEVELS - farthest, "after": LEVELS + 0.01, "by the table": LEVELS}
    before, after = np.stack([LEVELS, LEVELS**2]), np.stack([LEVELS, LEVELS])
    return Drawn(LEVELS, ("bulge_to_total", "flux"), before, after, joint, BAND, BAND, WIDE)


def test_the_deviations_before_and_after_and_of_joint_regions_are_drawn():
    before, after, joint = recalibration_figure(drawn()).axes
    assert [axes.get_title() for axes in (before, after, joint)] == [
        "before",
        "after",
        "joint regions",
    ]
    lines = {line.get_label(): line.get_ydata() for line in before.lines[1:]}
    assert lines["bulge-to-total ratio"] == pytest.approx(0 * LEVELS)
    assert lines["flux"] == pytest.approx(LEVELS**2 - LEVELS)
    assert after.lines[2].get_ydata() == pytest.approx(0 * LEVELS)
    shown = {line.get_label(): line.get_ydata() for line in joint.lines[1:]}
    assert list(shown) == ["before", "after", "by the table"]
    assert shown["before"] == pytest.approx(np.full(9, -0.1))
    names = [text.get_text() for text in joint.get_legend().get_texts()]
    assert names == ["before", "after", "by the table"]


@pytest.mark.parametrize("farthest", [0.001, 0.3])
def test_the_largest_deviation_is_inside_all_axes(farthest):
    for axes in recalibration_figure(drawn(farthest)).axes:
        low, high = axes.get_ylim()
        assert low == -high
        assert high > max(farthest, 0.25)


def test_small_deviations_are_not_blown_up():
    flat = drawn(0.001)
    small = Drawn(LEVELS, ("flux",), LEVELS[None], LEVELS[None], flat.joint, BAND, BAND, WIDE)
    assert recalibration_figure(small).axes[0].get_ylim()[1] == pytest.approx(0.05)


def test_bands_are_drawn_about_zero_and_that_of_the_table_is_behind():
    before, _, joint = recalibration_figure(drawn()).axes
    heights = [band.get_datalim(joint.transData).y1 for band in joint.collections]
    assert heights == pytest.approx([0.03, 0.02])
    assert len(before.collections) == 1
