"""How a sky of PSFs and noises is drawn: what stands between a galaxy and its image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.symmetry import Symmetry
from gampen.rendering.noise import correlate, noise_variance
from gampen.rendering.psf import Composite, Kolmogorov, Moffat, PixelPSF, PointSpreadFunction
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
class Optics:
    """What galaxies are seen through.

    `psf_fwhm` [pixel] and the share of light within it, NaN where that is not known, as they truly
    are; how much `finer` than the pixel it must be rendered.
    """

    psf: PointSpreadFunction
    psf_fwhm: Float[Tensor, " galaxy"]
    concentration: Float[Tensor, " galaxy"]
    finer: int = 1

    @classmethod
    def draw(cls, draw: Draw, survey: SurveySettings, stars: Stars | None = None) -> Optics:
        """One of the survey's for each galaxy: of its families, or of its images of PSFs."""
        if stars is not None:
            return stars.draw(draw)
        fwhm, finer = draw_widths(draw, survey)
        psf = draw_psf(draw, survey, fwhm)
        return cls(psf, fwhm, psf.light_within(fwhm), finer)

    def turned(self, symmetry: Symmetry) -> Optics:
        """The same in another orientation."""
        return replace(self, psf=self.psf.turned(symmetry))


@dataclass(frozen=True, eq=False)
class Stars:
    """Images of a survey's PSFs, with what is measured of each.

    On the pixels of the data, of an odd number of them, the peak in the middle one. `psf_fwhm`
    [pixel]; `concentration`: NaN where an image does not reach far enough to tell.
    """

    image: Float[Tensor, "star size size"]
    psf_fwhm: Float[Tensor, " star"]
    concentration: Float[Tensor, " star"]

    def draw(self, draw: Draw) -> Optics:
        """One for each galaxy, each as likely."""
        star = torch.randint(len(self.image), (draw.galaxies,), generator=draw.generator)
        return Optics(PixelPSF(self.image[star]), self.psf_fwhm[star], self.concentration[star])


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

    def photons(
        self, draw: Draw, light: Float[Tensor, "galaxy height width"]
    ) -> Float[Tensor, "galaxy height width"]:
        """The noise of the light's own photons alone."""
        deviation = (light.clamp(min=0) / self.gain[:, None, None]).sqrt()
        return deviation * draw.normal(1.0, *light.shape[1:])

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
