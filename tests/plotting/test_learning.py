"""The picture of a learning curve shows the numbers it was given."""

import numpy as np
import pytest

from gampen.plotting.learning import LEVEL, Learned, Way, learning_figure

NUMBERS = (100, 1000)
NLL = np.array([[1.0, 2.0], [0.5, np.nan]])
COVERED = np.array([[[0.7, 0.6], [0.66, 0.64]], [[0.69, 0.68], [np.nan, np.nan]]])


@pytest.fixture
def figure():
    ways = (Way("one", NLL, COVERED), Way("other", NLL + 1, COVERED - 0.1))
    without = Way("as it is", np.array([[3.0]]), np.array([[[0.5, 0.4]]]))
    names = ("bulge_to_total", "flux")
    return learning_figure(Learned(NUMBERS, names, ways, without, room=0.03))


def test_seeds_are_dots_and_lines_go_through_their_means(figure):
    surprise = figure.axes[0]
    lines = {line.get_label(): line.get_ydata() for line in surprise.lines}
    assert lines["one"] == pytest.approx([1.5, 0.5])
    assert lines["other"] == pytest.approx([2.5, 1.5])
    assert list(lines["as it is"]) == [3.0, 3.0]
    dots = surprise.collections[0].get_offsets()
    assert np.ma.filled(dots[:3], np.nan).tolist() == [[100, 1.0], [100, 2.0], [1000, 0.5]]


def test_coverage_is_drawn_less_its_level_on_one_axis(figure):
    ratio, flux = figure.axes[1:]
    assert [axes.get_title() for axes in (ratio, flux)] == ["bulge-to-total ratio", "flux"]
    assert ratio.lines[2].get_ydata() == pytest.approx([0.68 - LEVEL, 0.69 - LEVEL])
    assert flux.lines[1].get_ydata()[0] == pytest.approx(0.4 - LEVEL)
    assert ratio.get_ylim() == flux.get_ylim()
    assert ratio.get_ylim()[0] < 0.4 - LEVEL


def test_every_number_of_labels_has_its_tick(figure):
    figure.canvas.draw()
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert ticks == ["100", "1,000"]
