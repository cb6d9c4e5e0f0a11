"""Surveys as data: what the sky of each looks like to a network.

Hyper Suprime-Cam Wide (Aihara et al. 2018, doi:10.1093/pasj/psx066; 2022,
doi:10.1093/pasj/psab122): 0.168 arcsec pixels, zero point 27.0. Seeing and sky noise are ranges
over the survey, chosen wide.
"""

from __future__ import annotations

from dataclasses import replace

from gampen.errors import UsageError
from gampen.settings import SurveySettings

HSC_WIDE_I = SurveySettings(
    name="hsc_wide_i",
    pixel_scale=0.168,
    zero_point=27.0,
    psf_fwhm=(0.5, 0.9),
    psf_beta=(2.5, 4.5),
    sky_sigma=(0.02, 0.045),
    gain=(1000.0, 4000.0),
)
HSC_WIDE_R = replace(HSC_WIDE_I, name="hsc_wide_r", psf_fwhm=(0.55, 1.0), sky_sigma=(0.015, 0.035))
HSC_WIDE_G = replace(HSC_WIDE_I, name="hsc_wide_g", psf_fwhm=(0.6, 1.1), sky_sigma=(0.01, 0.025))

SURVEYS = {survey.name: survey for survey in (HSC_WIDE_G, HSC_WIDE_R, HSC_WIDE_I)}


def survey(name: str) -> SurveySettings:
    """The survey of that name; `UsageError` where there is none."""
    if name not in SURVEYS:
        raise UsageError(f"survey must be one of {', '.join(SURVEYS)}; got {name!r}")
    return SURVEYS[name]
