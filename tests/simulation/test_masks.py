"""Masks as surveys make them."""

import math
from dataclasses import replace

import pytest
import torch

from gampen.settings import SceneSettings
from gampen.simulation.masks import CLEAR_CENTRE, FOOTPRINT_SHARE, draw_masks
from gampen.simulation.priors import Draw

GALAXIES, SIZE = 1000, 40


def masks(seed=0, size=SIZE, **scene):
    """Masks of many frames."""
    draw = Draw(GALAXIES, torch.Generator().manual_seed(seed))
    return draw_masks(draw, replace(SceneSettings(masked_share=1.0), **scene), size)


def from_centre(size=SIZE):
    """Distance [pixel] of each pixel from the centre of the frame."""
    place = torch.arange(size) - (size - 1) / 2
    return torch.hypot(place[:, None], place[None, :])


@pytest.mark.parametrize("size", [24, 41])
def test_the_centre_is_always_clear(size):
    bad = masks(size=size, mask_radius=(20.0, 30.0))
    assert bad.any()
    assert not bad[:, from_centre(size) <= CLEAR_CENTRE].any()


def test_no_frame_is_masked_where_none_is_asked_for():
    assert not masks(masked_share=0.0).any()


def test_the_share_of_masked_frames_is_the_one_asked_for():
    share = masks(masked_share=0.3, mask_radius=(9.0, 10.0)).flatten(1).any(dim=1).float().mean()
    # nearly every disc of this size leaves a mark on the frame
    assert abs(share.item() - 0.3) < 4 * math.sqrt(0.3 * 0.7 / GALAXIES) + 0.003


def test_footprints_leave_only_a_circle():
    bad = masks(seed=1, mask_radius=(1e-3, 1e-3), dead_columns=0.0)
    footprints = bad.flatten(1).any(dim=1)
    share = footprints.float().mean().item()
    assert abs(share - FOOTPRINT_SHARE) < 4 * math.sqrt(FOOTPRINT_SHARE * 0.7 / GALAXIES)
    assert bad[footprints][:, from_centre() > SIZE / 2].all()
    assert not bad[:, from_centre() < SIZE / 4].any()


def test_dead_columns_are_as_many_as_asked_for():
    bad = masks(seed=3, mask_radius=(1e-3, 1e-3), dead_columns=0.4)
    whole = bad[:, 0].sum(dim=1)
    columns = (whole == 1) & (bad.sum(dim=(1, 2)) <= SIZE)
    expected = 0.4 * (1 - FOOTPRINT_SHARE)
    assert abs(columns.float().mean().item() - expected) < 4 * math.sqrt(0.25 / GALAXIES)


def test_discs_grow_with_their_radius():
    small, large = (masks(seed=2, mask_radius=(r, r)).float().mean() for r in (2.0, 8.0))
    assert small < large
