"""Numbers are written with the digits they deserve, and equal pictures make equal files."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from gampen.errors import UsageError
from gampen.plotting.style import interval_text, save, styled


@styled
def picture() -> Figure:
    figure = Figure()
    figure.subplots().plot([0, 1], [0, 1])
    return figure


@pytest.mark.parametrize(
    ("interval", "median", "text"),
    [
        ((0.31, 0.70), 0.52, r"$0.52^{+0.18}_{-0.21}$"),
        ((0.91, 1.057), 0.98, r"$0.980^{+0.077}_{-0.070}$"),
        ((723.0, 800.0), 762.0, r"$762^{+38}_{-39}$"),
        ((1.0, 1.0), 1.0, "1"),
    ],
)
def test_an_interval_has_two_digits_of_its_smaller_error(interval, median, text):
    assert interval_text(interval, median) == text


@pytest.mark.parametrize("ending", [".png", ".pdf", ".svg"])
def test_equal_pictures_make_equal_files(tmp_path, ending):
    paths = [tmp_path / f"{name}{ending}" for name in ("one", "two")]
    for path in paths:
        save(picture(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_file_of_unknown_ending_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(UsageError, match=r"\.png, \.pdf or \.svg; got 'picture\.jpg'"):
        save(picture(), tmp_path / "picture.jpg")
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_the_callers_settings_alone(tmp_path):
    before = dict(mpl.rcParams)
    save(picture(), tmp_path / "picture.png")
    assert dict(mpl.rcParams) == before
