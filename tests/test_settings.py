"""Settings refuse nonsense with one line."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.settings import (
    NetworkSettings,
    PriorSettings,
    SceneSettings,
    SurveySettings,
    TrainingSettings,
)
from gampen.simulation.surveys import HSC_WIDE_I

NONSENSE = [
    (HSC_WIDE_I, "pixel_scale", 0.0),
    (HSC_WIDE_I, "zero_point", float("nan")),
    (HSC_WIDE_I, "psf_fwhm", (0.0, 0.5)),
    (HSC_WIDE_I, "psf_beta", (1.0, 3.0)),
    (HSC_WIDE_I, "sky_sigma", (0.05, 0.02)),
    (HSC_WIDE_I, "gain", (-1.0, 3.0)),
    (PriorSettings(), "magnitude", (22.0, 18.0)),
    (PriorSettings(), "effective_radius", (0.0, 3.0)),
    (PriorSettings(), "bulge_to_total", (0.0, 1.0)),
    (PriorSettings(), "bulge_index", (3.0, 8.0)),
    (PriorSettings(), "disk_axis_ratio", (0.0, 1.0)),
    (PriorSettings(), "twist", -1.0),
    (SceneSettings(), "sizes", ()),
    (SceneSettings(), "sizes", (4,)),
    (SceneSettings(), "neighbour_share", 1.1),
    (SceneSettings(), "neighbour_index", (0.2, 4.0)),
    (SceneSettings(), "sky_residual", float("inf")),
    (SceneSettings(), "near_share", -0.1),
    (SceneSettings(), "dead_columns", 2.0),
    (HSC_WIDE_I, "noise_correlation", (0.0, 0.5)),
    (HSC_WIDE_I, "psf_families", ()),
    (PriorSettings(), "signal_to_noise", (0.0, 10.0)),
    (PriorSettings(), "radius_over_psf", -0.3),
    (TrainingSettings(), "observations", 0),
    (NetworkSettings(), "views", (0.5,)),
    (NetworkSettings(), "views", (1.0, 1.5)),
    (NetworkSettings(), "stem_stride", 0),
    (NetworkSettings(), "components", 0),
    (NetworkSettings(), "dropout", 1.0),
    (NetworkSettings(), "crop_size", 60),
    (TrainingSettings(), "steps", 0),
    (TrainingSettings(), "batch_size", -3),
]


@pytest.mark.parametrize(("settings", "name", "value"), NONSENSE)
def test_nonsense_is_refused_with_one_line(settings, name, value):
    with pytest.raises(UsageError, match=name) as refusal:
        replace(settings, **{name: value})
    message = str(refusal.value)
    assert "\n" not in message
    assert "must be" in message


RANGES = [
    (settings, field.name)
    for settings in (HSC_WIDE_I, PriorSettings(), SceneSettings())
    for field in fields(settings)
    if field.type == "Range"
]


@given(st.sampled_from(RANGES), st.floats(0, 1), st.floats(0, 1))
def test_any_part_of_a_range_is_a_range(place, start, stop):
    settings, name = place
    low, high = getattr(settings, name)
    ends = [low + (high - low) * share for share in sorted((start, stop))]
    changed = replace(settings, **{name: tuple(ends)})
    assert getattr(changed, name) == tuple(ends)
    if ends[0] < ends[1]:
        with pytest.raises(UsageError, match="low end first"):
            replace(settings, **{name: tuple(reversed(ends))})


def test_a_survey_says_its_own_name():
    with pytest.raises(UsageError, match="survey mine: pixel_scale must be above 0; got -1"):
        SurveySettings("mine", -1.0, 27.0, (0.5, 0.9), (2.5, 4.5), (0.02, 0.04), (1.0, 2.0))
