"""How a sky of PSFs and noises is drawn: what stands between a galaxy and its image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.rendering.noise import correlate, noise_variance
from gampen.rendering.psf import Composite, Kolmogorov, Moffat
from gampen.settings import PsfFamily, SurveySettings
from gampen.simulation.priors import Draw

WELL_SAMPLED = 2.5  # [pixel] FWHM below which a PSF carries frequencies beyond the pixel's own
WING_SLOPE = 3.0  # of the Moffat that wings are


def draw_widths(draw: Draw, survey: SurveySettings) -> tuple[Float[Tensor, " galaxy"], int]:
    """Log-uniform FWHM [pixel], and how much finer than the pixel they must be rendered.

    All of a draw are either well sampled or not, so that only those that need it cost more.
    """
    low, high = (width / survey.pixel_scale for width in survey.psf_fwhm)
    edge = min(max(WELL_SAMPLED, low), high)
    fine_share = math.log(edge / low) / math.log(high / low) if high > low else float(low < edge)
    chance = float(torch.rand((), generator=draw.generator))
    fine = chance < fine_share or high < WELL_SAMPLED
    return draw.log_uniform((low, edge) if fine else (edge, high)), 2 if fine else 1


def draw_psf(draw: Draw, survey: SurveySettings, fwhm: Float[Tensor, " galaxy"]) -> Composite:
    """A PSF of one of the survey's families for each galaxy."""
    families = torch.randint(
        len(survey.psf_families), (draw.galaxies,), generator=draw.generator
    ).tolist()
    kinds = [survey.psf_families[family] for family in families]
    seeing = torch.tensor([float(kind is PsfFamily.KOLMOGOROV) for kind in kinds])
    winged = torch.tensor([float(kind is PsfFamily.WINGED) for kind in kinds])
    wings = winged * draw.uniform(survey.wing_share)
    core = Moffat(fwhm, draw.uniform(survey.psf_beta))
    around = Moffat(fwhm * draw.log_uniform(survey.wing_width), torch.full_like(fwhm, WING_SLOPE))
    weights = torch.stack([seeing, 1 - seeing - wings, wings], dim=1)
    return Composite((Kolmogorov(fwhm), core, around), weights)


@dataclass(frozen=True)
class Noise:
    """Sky noise and photons: `sky_sigma` [image units], `gain` [electron / image unit].

    `correlation` is the strength of `gampen.rendering.noise.correlate`.
    """

    sky_sigma: Float[Tensor, " galaxy"]
    gain: Float[Tensor, " galaxy"]
    correlation: Float[Tensor, " galaxy"]

    @classmethod
    def draw(cls, draw: Draw, survey: SurveySettings) -> Noise:
        """One of the survey's for each galaxy."""
        return cls(
            draw.log_uniform(survey.sky_sigma),
            draw.log_uniform(survey.gain),
            draw.uniform(survey.noise_correlation),
        )

    def variance(
        self, light: Float[Tensor, "galaxy height width"]
    ) -> Float[Tensor, "galaxy height width"]:
        """The variance of each pixel under this light."""
        return noise_variance(light, self.sky_sigma, self.gain)

    def on(
        self, draw: Draw, light: Float[Tensor, "galaxy height width"]
    ) -> Float[Tensor, "galaxy height width"]:
        """The light with noise on it.

        That of photons is drawn from a normal: it matters only where they are thousands.
        """
        height, width = light.shape[1:]
        white = draw.normal(1.0, height + 2, width + 2)
        return torch.addcmul(light, correlate(white, self.correlation), self.variance(light).sqrt())
