"""Parameters and their spaces: bounds, scaling, and the text from which a space comes back."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace, space_of
from gampen.settings import ParameterSettings, Scaling, Wave
from strategies import numbers, spaces
from tiny import RUN


@given(spaces, st.data())
def test_values_lie_within_the_bounds_and_lead_back(space, data):
    points = data.draw(numbers((4, len(space)), -5, 5))
    values = space.constrain(points)
    for parameter, column in zip(space, values.unbind(-1), strict=True):
        assert parameter.low is None or bool((column > parameter.low).all())
        assert parameter.high is None or bool((column < parameter.high).all())
    torch.testing.assert_close(space.unconstrain(values), points, rtol=1e-9, atol=1e-9)


@given(spaces, st.data())
def test_the_log_slope_is_the_log_determinant_of_the_jacobian(space, data):
    point = data.draw(numbers((len(space),), -4, 4))
    jacobian = torch.autograd.functional.jacobian(space.constrain, point)
    torch.testing.assert_close(space.log_slope(point), torch.linalg.slogdet(jacobian)[1])


@given(spaces)
def test_a_space_comes_back_from_its_text(space):
    assert ParameterSpace.from_json(space.to_json()) == space


def test_text_of_anything_else_is_refused():
    for text in ("", "[]", "{}", "[1]", '[{"name": "x"}]', '[{"name": "x", "scaling": "odd"}]'):
        with pytest.raises(UsageError):
            ParameterSpace.from_json(text)


def test_the_physical_map_multiplies_lengths_and_fluxes():
    space = ParameterSpace((*MORPHOLOGY, Parameter("shift", scaling=Scaling.LENGTH)))
    points = torch.tensor([[0.3, -0.2, 5.0, 2.0], [0.0, 1.0, 3.0, -1.0]], dtype=torch.float64)
    pixel_scale = torch.tensor([0.168, 0.2], dtype=torch.float64)
    sky_sigma = torch.tensor([0.03, 12.0], dtype=torch.float64)
    slope, offset = space.physical_map(pixel_scale, sky_sigma)
    inside, outside = space.constrain(points), space.constrain(slope * points + offset)
    factors = torch.stack([torch.ones(2), pixel_scale, sky_sigma, pixel_scale], dim=-1)
    torch.testing.assert_close(outside, inside * factors)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "not a name"},
        {"name": "x", "high": 1},
        {"name": "x", "low": 2, "high": 2},
        {"name": "x", "low": 1, "scaling": Scaling.LENGTH},
        {"name": "x", "low": 0, "high": 1, "scaling": Scaling.FLUX},
        {"name": "x", "low": -1, "wave": Wave.SINE},
        {"name": "x", "scaling": Scaling.LENGTH, "wave": Wave.COSINE},
    ],
)
def test_a_parameter_that_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError):
        Parameter(**wrong)


def test_an_empty_space_and_repeated_names_are_refused():
    for parameters in ((), (Parameter("x"), Parameter("x", low=0))):
        with pytest.raises(UsageError):
            ParameterSpace(parameters)


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(UsageError, match="bulge_to_total, effective_radius, flux"):
        MORPHOLOGY.index("ellipticity")


def test_a_selection_keeps_the_order_given():
    assert MORPHOLOGY.select(["flux", "bulge_to_total"]).names == ("flux", "bulge_to_total")


def test_the_radius_is_in_arcsec_and_the_ratio_is_bounded():
    ratio, radius, _ = MORPHOLOGY
    assert (ratio.low, ratio.high, radius.unit) == (0, 1, "arcsec")
    assert math.isclose(float(ratio.bijection.forward(torch.tensor(0.0))), 0.5)


def test_the_first_length_is_found_where_there_is_one():
    assert MORPHOLOGY.first_length == 1
    assert MORPHOLOGY.select(["flux", "bulge_to_total"]).first_length is None
    assert MORPHOLOGY.select(["flux", "effective_radius"]).first_length == 1


def test_a_run_names_its_parameters_built_in_or_its_own():
    own = {"age": ParameterSettings(low=0, unit="Gyr")}
    space = space_of(replace(RUN, parameters=("flux", "age"), parameter=own))
    assert space == ParameterSpace((MORPHOLOGY.parameters[2], Parameter("age", 0, unit="Gyr")))
    assert space_of(RUN) == MORPHOLOGY


def test_a_parameter_that_nobody_told_of_is_refused():
    with pytest.raises(UsageError, match=r"\[parameter.NAME\].*got age"):
        space_of(replace(RUN, parameters=("flux", "age")))


COSINE, SINE = Parameter("c", wave=Wave.COSINE), Parameter("s", wave=Wave.SINE)
OTHER = Parameter("x", low=0)


def test_a_space_knows_where_its_pairs_are():
    space = ParameterSpace((OTHER, COSINE, SINE))
    assert space.pairs == (1,)
    assert ParameterSpace.from_json(space.to_json()) == space
    assert MORPHOLOGY.pairs == ()


@pytest.mark.parametrize("wrong", [(COSINE,), (SINE, COSINE), (COSINE, OTHER, SINE), (OTHER, SINE)])
def test_half_of_a_pair_is_refused_by_name(wrong):
    with pytest.raises(UsageError, match="sine must directly follow the cosine"):
        ParameterSpace(wrong)


def test_half_of_a_pair_that_is_chosen_alone_is_a_number_like_any_other():
    space = ParameterSpace((OTHER, COSINE, SINE))
    assert space.select(["s", "x"]).pairs == ()
    assert space.select(["c", "s", "x"]).pairs == (0,)


def test_a_space_that_was_written_before_there_were_pairs_is_read():
    text = '[{"name": "x", "low": 0, "high": null, "unit": "", "scaling": "none", "ucd": "", '
    assert "wave" not in MORPHOLOGY.to_json()
    assert ParameterSpace.from_json(text + '"description": ""}]').parameters == (OTHER,)
