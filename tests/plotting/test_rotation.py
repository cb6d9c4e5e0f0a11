"""A plot of turns shows every parameter, and an animation every turn on the same axes."""

import numpy as np

from gampen.calibration.rotation import Stability
from gampen.cutouts import Cutouts
from gampen.plotting.images import DrawnCrop
from gampen.plotting.rotation import Stage, rotation_plot, save_animation

CROP = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])


def crops_of(cutouts: Cutouts) -> list[DrawnCrop]:
    return [DrawnCrop.of(cutout, CROP) for cutout in cutouts]


def test_a_plot_has_a_panel_a_parameter_with_the_medians(posterior):
    stability = Stability.of(posterior)
    figure = rotation_plot([0.0, 180.0], stability, list(posterior.space))
    assert len(figure.axes) == len(posterior.space)
    for axes, medians in zip(figure.axes, stability.medians.T, strict=True):
        drawn = [line.get_ydata() for line in axes.lines if line.get_label() == "turned"]
        assert np.array_equal(drawn[0], medians)
        assert "sigma" in axes.get_title(loc="right")


def test_mirrored_turns_have_a_line_of_their_own(posterior):
    both = posterior.select([0, 1, 0, 1])
    figure = rotation_plot([0.0, 180.0], Stability.of(both), list(posterior.space))
    assert "and mirrored" in [line.get_label() for line in figure.axes[0].lines]


def test_axes_stay_where_they_are_while_a_galaxy_turns(posterior, cutouts):
    stage = Stage.of(cutouts, crops_of(cutouts), posterior)
    limits = []
    for turn in range(2):
        stage.draw(turn)
        limits.append([(axes.get_xlim(), axes.get_ylim()) for axes in stage.axes[2:]])
    assert limits[0] == limits[1]
    assert len(limits[0]) == len(posterior.space)


def test_an_animation_is_written_whole_and_alone(posterior, cutouts, tmp_path):
    save_animation(cutouts, crops_of(cutouts), posterior, tmp_path / "turn.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["turn.gif"]
