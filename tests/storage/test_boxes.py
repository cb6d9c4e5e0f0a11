"""Facts about boxes of pixels: astropy's own cutting agrees."""

import numpy as np
import pytest
from astropy.nddata import NoOverlapError, extract_array, overlap_slices
from hypothesis import given
from hypothesis import strategies as st

from gampen.storage.boxes import TIE, Box, depths

IMAGE = np.arange(30 * 40, dtype=np.float64).reshape(30, 40)
# Quarters of a pixel are exact in binary, so that halves are ties for astropy too.
places = st.integers(-200, 360).map(lambda quarters: quarters / 4)


@given(places, places, st.integers(1, 70))
def test_a_box_is_the_one_that_astropy_cuts(x, y, side):
    box = Box.around(x, y, side)
    assert -0.5 < x - box.column - (side - 1) / 2 <= 0.5
    assert -0.5 < y - box.row - (side - 1) / 2 <= 0.5
    found = box.inside(IMAGE.shape)
    try:
        large, _ = overlap_slices(IMAGE.shape, (side, side), (y, x), mode="partial")
    except NoOverlapError:
        assert found.pixels == 0
        return
    np.testing.assert_array_equal(found.of(IMAGE), IMAGE[large])
    expected = extract_array(IMAGE, (side, side), (y, x), mode="partial", fill_value=np.nan)
    np.testing.assert_array_equal(box.padded(found.of(IMAGE), IMAGE.shape, np.nan), expected)


@pytest.mark.parametrize("side", [20, 21])
def test_what_arithmetic_leaves_over_does_not_decide_between_two_boxes(side):
    tie = 15 + side / 2 - side // 2
    boxes = {Box.around(tie + error, tie, side) for error in (-1e-9, 0.0, 1e-9, 0.9 * TIE)}
    assert boxes == {Box.around(tie, tie, side)}
    assert Box.around(tie + 2 * TIE, tie, side) not in boxes


def test_halves_go_to_lower_rows_and_columns():
    # Of an odd side the middle is a pixel's centre, of an even one a corner of pixels.
    assert Box.around(10.5, 20.5, 5).first == (18, 8)
    assert Box.around(10.0, 20.0, 4).first == (18, 8)
    assert Box.around(10.51, 20.49, 5).first == (18, 9)


def test_depth_is_the_distance_to_the_nearest_outer_edge():
    x, y = np.array([0.0, -0.5, 19.5, 39.5, -3.0]), np.array([15.0, 15.0, 14.5, 14.5, 40.0])
    np.testing.assert_allclose(depths(x, y, (30, 40)), [0.5, 0.0, 15.0, 0.0, -10.5])
