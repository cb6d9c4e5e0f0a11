"""The posterior of an isolated galaxy by brute force: its likelihood, sampled by Markov chains.

What a network's posterior is held against, where nothing but its own training could make the two
differ: the same light model, noise and priors as the simulator's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gampen.calibration.limit import least_covariance
from gampen.calibration.markov_chains import Ensemble, stretch_moves
from gampen.calibration.priors import Priors
from gampen.errors import UsageError
from gampen.rendering.coordinates import COORDINATES, bulge_and_disk
from gampen.rendering.exposures import Exposure, Whitening, sloped, widened
from gampen.rendering.render import render

PIXELS_AT_ONCE = 2**18
HALVINGS = 60
_ANGLE, _SKY, _WIDTH, _SLOPE = (
    COORDINATES.index(name) for name in ("angle", "sky", "psf_fwhm", "psf_slope")
)


@dataclass(frozen=True)
class GalaxyDensity:
    """ln of the posterior density of each galaxy's coordinates, up to a constant.

    `angle` [degree] is within half a turn of any angle of the disk that is looked at. The
    likelihood is the normal one of the exposure's correlated noise, whose variance follows the
    model's own light.
    """

    images: Float[Tensor, "galaxy height width"]
    exposure: Exposure
    priors: Priors
    angle: Float[Tensor, " galaxy"]
    whitening: Whitening

    @classmethod
    def of(
        cls,
        images: Float[Tensor, "galaxy height width"],
        exposure: Exposure,
        priors: Priors,
        angle: Float[Tensor, " galaxy"],
    ) -> GalaxyDensity:
        """The density given these images."""
        images = images.to(exposure.sky_sigma.dtype)
        return cls(images, exposure, priors, angle, Whitening.of(exposure))

    @torch.no_grad()
    def __call__(
        self, points: Float64[Tensor, "galaxy walker coordinate"]
    ) -> Float64[Tensor, "galaxy walker"]:
        """The density at walkers' points; only those that the prior allows are rendered."""
        density = self.priors.log_density(points, self.exposure, self.angle)
        galaxies, walkers = density.isfinite().nonzero(as_tuple=True)
        height, width = self.exposure.shape
        size = max(1, PIXELS_AT_ONCE // (height * width * self.exposure.oversampling**2))
        for start in range(0, len(galaxies), size):
            galaxy, walker = galaxies[start : start + size], walkers[start : start + size]
            density[galaxy, walker] += self.log_likelihood(points[galaxy, walker], galaxy)
        return density

    def log_likelihood(
        self, points: Float64[Tensor, "point coordinate"], galaxies: Int[Tensor, " point"]
    ) -> Float64[Tensor, " point"]:
        """ln of the probability of each point's galaxy's image, up to a constant."""
        seen = self.exposure.take(galaxies)
        points = points.to(seen.sky_sigma.dtype)
        psf = seen.psf
        if self.priors.laws["psf_slope"].variance:
            psf = sloped(psf, points[:, _SLOPE])
        if self.priors.laws["psf_fwhm"].variance:
            psf = widened(psf, points[:, _WIDTH])
        light = render(bulge_and_disk(points), psf, seen.shape, oversampling=seen.oversampling)
        variance = seen.variance(light)
        sky = (points[:, _SKY] * seen.sky_sigma)[:, None, None]
        noise = (self.images[galaxies] - light - sky) / variance.sqrt()
        white = self.whitening.take(galaxies)(noise[:, None], seen.bad)
        missed = white.square().flatten(1).sum(dim=1, dtype=torch.float64)
        spread = variance.log().masked_fill(seen.bad, 0).flatten(1).sum(dim=1, dtype=torch.float64)
        return -0.5 * (missed + spread)


def sample_galaxies(
    density: GalaxyDensity,
    start: Float64[Tensor, "galaxy coordinate"],
    walkers: int,
    generator: torch.Generator,
) -> Iterator[Ensemble]:
    """Steps of Markov chains, without end, from around `start`, such as the truth."""
    free = int((density.priors.deviations(density.exposure)[0] > 0).sum())
    around = starting_points(density, start, walkers, generator)
    return stretch_moves(density, around, free, generator)


def starting_points(
    density: GalaxyDensity,
    start: Float64[Tensor, "galaxy coordinate"],
    walkers: int,
    generator: torch.Generator,
) -> Float64[Tensor, "galaxy walker coordinate"]:
    """Draws from the normal of the least covariance at `start`.

    One that the prior forbids is brought closer, until it is allowed; `UsageError` where `start` is
    not.
    """
    covariance = least_covariance(start, density.exposure, density.priors)
    deviation = covariance.diagonal(dim1=1, dim2=2).sqrt().clamp(min=1e-30)
    scaled = covariance / (deviation[:, :, None] * deviation[:, None, :])
    size, axes = torch.linalg.eigh(scaled)
    shape = (len(start), walkers, start.shape[1])
    white = torch.randn(shape, generator=generator, dtype=torch.float64)
    step = (white * size.clamp(min=0).sqrt()[:, None]) @ axes.mT * deviation[:, None]
    for _ in range(HALVINGS):
        points: Tensor = start[:, None] + step
        allowed = density.priors.log_density(points, density.exposure, density.angle).isfinite()
        if bool(allowed.all()):
            return points
        step = torch.where(allowed[..., None], step, step / 2)
    raise UsageError("chains must start where the prior allows; got a point outside of its ranges")
