"""Surveys as data: what the sky of each looks like to a network.

Pixel scales and zero points are those of the surveys' own coadded images. Seeing, noise and gain
are ranges over the survey, chosen wide; where noise is correlated by resampling or drizzling, so it
is here. Sources: Hyper Suprime-Cam Wide (Aihara et al. 2022, doi:10.1093/pasj/psab122); DES (Abbott
et al. 2021, doi:10.3847/1538-4365/ac00b3); LSST (Ivezic et al. 2019, doi:10.3847/1538-4357/ab042c);
KiDS (Kuijken et al. 2019, doi:10.1051/0004-6361/201834918); Legacy Surveys (Dey et al. 2019,
doi:10.3847/1538-3881/ab089d); Euclid VIS (Cropper et al. 2024, arXiv:2405.13492); HST ACS COSMOS
(Koekemoer et al. 2007, doi:10.1086/520086).
"""

from __future__ import annotations

from dataclasses import replace

from gampen.errors import UsageError
from gampen.settings import PsfFamily, SurveySettings

GROUND = (PsfFamily.MOFFAT, PsfFamily.KOLMOGOROV)

HSC_WIDE_I = SurveySettings(
    name="hsc_wide_i",
    pixel_scale=0.168,
    zero_point=27.0,
    psf_fwhm=(0.5, 0.9),
    psf_beta=(2.5, 4.5),
    sky_sigma=(0.02, 0.045),
    gain=(1000.0, 4000.0),
    psf_families=GROUND,
    noise_correlation=(0.05, 0.25),
)
HSC_WIDE_R = replace(HSC_WIDE_I, name="hsc_wide_r", psf_fwhm=(0.55, 1.0), sky_sigma=(0.015, 0.035))
HSC_WIDE_G = replace(HSC_WIDE_I, name="hsc_wide_g", psf_fwhm=(0.6, 1.1), sky_sigma=(0.01, 0.025))
DES_R = SurveySettings(
    name="des_r",
    pixel_scale=0.263,
    zero_point=30.0,
    psf_fwhm=(0.8, 1.2),
    psf_beta=(2.5, 4.5),
    sky_sigma=(1.6, 3.2),
    gain=(8.0, 30.0),
    psf_families=GROUND,
    noise_correlation=(0.05, 0.3),
)
LSST_R = SurveySettings(
    name="lsst_r",
    pixel_scale=0.2,
    zero_point=31.4,  # nJy
    psf_fwhm=(0.6, 1.0),
    psf_beta=(2.5, 4.5),
    sky_sigma=(1.0, 4.0),
    gain=(6.0, 30.0),
    psf_families=GROUND,
    noise_correlation=(0.0, 0.25),
)
KIDS_R = SurveySettings(
    name="kids_r",
    pixel_scale=0.2,
    zero_point=0.0,
    psf_fwhm=(0.55, 0.85),
    psf_beta=(2.5, 4.5),
    sky_sigma=(1.2e-12, 2.5e-12),
    gain=(2.5e13, 8e13),
    psf_families=GROUND,
    noise_correlation=(0.1, 0.35),
)
LEGACY_R = SurveySettings(
    name="legacy_r",
    pixel_scale=0.262,
    zero_point=22.5,  # nanomaggies
    psf_fwhm=(0.9, 1.5),
    psf_beta=(2.5, 4.5),
    sky_sigma=(0.004, 0.011),
    gain=(4000.0, 15000.0),
    psf_families=GROUND,
    noise_correlation=(0.0, 0.25),
)
EUCLID_VIS = SurveySettings(
    name="euclid_vis",
    pixel_scale=0.1,
    zero_point=24.6,
    psf_fwhm=(0.155, 0.19),
    psf_beta=(3.0, 6.0),
    sky_sigma=(0.0012, 0.002),
    gain=(6000.0, 20000.0),
    psf_families=(PsfFamily.WINGED,),
    noise_correlation=(0.1, 0.3),
)
HST_ACS_I = SurveySettings(
    name="hst_acs_i",
    pixel_scale=0.05,
    zero_point=25.94,
    psf_fwhm=(0.085, 0.12),
    psf_beta=(2.5, 6.0),
    sky_sigma=(0.004, 0.009),
    gain=(1500.0, 6000.0),
    psf_families=(PsfFamily.WINGED,),
    noise_correlation=(0.2, 0.45),
)

SURVEYS = {
    survey.name: survey
    for survey in (
        *(HSC_WIDE_G, HSC_WIDE_R, HSC_WIDE_I),
        *(DES_R, LSST_R, KIDS_R, LEGACY_R, EUCLID_VIS, HST_ACS_I),
    )
}


def survey(name: str) -> SurveySettings:
    """The survey of that name; `UsageError` where there is none."""
    if name not in SURVEYS:
        raise UsageError(f"survey must be one of {', '.join(SURVEYS)}; got {name!r}")
    return SURVEYS[name]
