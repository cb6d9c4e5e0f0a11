"""Surveys are as their papers say, within what the renderer can draw."""

import pytest

from gampen.errors import UsageError
from gampen.simulation.surveys import SURVEYS, survey


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey_is_found_by_its_name(name):
    assert survey(name).name == name


@pytest.mark.parametrize("found", SURVEYS.values(), ids=lambda found: found.name)
def test_surveys_are_sane(found):
    assert 0.04 < found.pixel_scale < 0.5
    assert 0 <= found.zero_point < 32
    assert 1.5 <= found.psf_fwhm[0] / found.pixel_scale < found.psf_fwhm[1] / found.pixel_scale < 8
    for electrons in [s * g for s in found.sky_sigma for g in found.gain]:
        assert 5 < electrons < 300
    for limits in (found.psf_fwhm, found.psf_beta, found.sky_sigma, found.gain):
        assert limits[0] < limits[1] < 10 * limits[0]


def test_an_unknown_survey_is_refused_with_those_that_are_known():
    with pytest.raises(UsageError, match=r"hsc_wide_i.*got 'sdss'"):
        survey("sdss")
