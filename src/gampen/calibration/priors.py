"""What is known of an isolated galaxy before its image is seen: a law for all coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.calibration.laws import Known, Law, LogOfUniform, Uniform, UniformShare, normal, uniform
from gampen.photometry import signal_to_noise
from gampen.rendering.coordinates import COORDINATES
from gampen.rendering.exposures import Exposure
from gampen.settings import Brightness, PriorSettings, Range, SceneSettings, SurveySettings

HALF_TURN = 90.0  # [degree] to either side: an angle is known only up to half a turn
_PLACE = {name: place for place, name in enumerate(COORDINATES)}


@dataclass(frozen=True)
class Priors:
    """The distribution of isolated galaxies, and of what their exposures leave open.

    Galaxies are those of the settings, in pixels of `pixel_scale` [arcsec] and image units of
    `zero_point` [mag]. A deviation of nought, or a range of no width, says that a quantity is known
    exactly; that the PSF's width is not known at all is said by a large `psf_error`.
    """

    galaxies: PriorSettings = field(default_factory=PriorSettings)
    pixel_scale: float = 1.0
    zero_point: float = 0.0
    sky_residual: float = SceneSettings.sky_residual  # [sky sigma], normal
    psf_error: float = SceneSettings.psf_error  # of the ln of the width, normal
    psf_slope: Range = (3.0, 3.0)  # of a Moffat, uniform; of no width where it is known

    @classmethod
    def of(cls, prior: PriorSettings, survey: SurveySettings, scene: SceneSettings) -> Priors:
        """What a simulation with these settings draws from, its PSFs' slopes taken as known."""
        scales = survey.pixel_scale, survey.zero_point
        return cls(prior, *scales, scene.sky_residual, scene.psf_error)

    @cached_property
    def laws(self) -> dict[str, Law]:
        """The laws of those coordinates that have one of their own; of `angle` from a reference."""
        galaxies = self.galaxies
        low, high = galaxies.radius_ratio
        laws = {
            "bulge_to_total": _share(galaxies.bulge_to_total),
            "radius_ratio": uniform((math.log(low), math.log(high))),
            "angle": Uniform(-HALF_TURN, HALF_TURN),
            "twist": normal(galaxies.twist),
            "sky": normal(self.sky_residual),
            "psf_fwhm": normal(self.psf_error),
            "psf_slope": uniform(self.psf_slope),
        }
        same = ("bulge_index", "disk_index", "bulge_axis_ratio", "disk_axis_ratio")
        return laws | {name: uniform(getattr(galaxies, name)) for name in same}

    @cached_property
    def brightness(self) -> Law:
        """The law of ln flux, or of ln signal-to-noise if galaxies are drawn by that."""
        if self.galaxies.brightness is Brightness.SIGNAL_TO_NOISE:
            low, high = self.galaxies.signal_to_noise
            return uniform((math.log(low), math.log(high)))
        faint, bright = (10 ** (0.4 * (self.zero_point - m)) for m in self.galaxies.magnitude[::-1])
        if self.galaxies.brightness is Brightness.FLUX and faint < bright:
            return LogOfUniform(faint, bright)
        return uniform((math.log(faint), math.log(bright)))

    def deviations(self, exposure: Exposure) -> Float[Tensor, "galaxy coordinate"]:
        """The standard deviation of each coordinate, all else being known."""
        variances = {name: law.variance for name, law in self.laws.items()}
        variances["flux"] = self.brightness.variance
        variances |= dict.fromkeys("xy", self.galaxies.offset**2 / 6)
        row = [variances.get(name, 0.0) for name in COORDINATES]
        found = torch.tensor(row, dtype=torch.float64).sqrt().repeat(len(exposure), 1)
        least, most = self._radius_limits(exposure.psf_fwhm.to(torch.float64).log(), exposure)
        found[:, _PLACE["effective_radius"]] = (most - least) / math.sqrt(12)
        return found

    def log_density(
        self,
        points: Float[Tensor, "galaxy walker coordinate"],
        exposure: Exposure,
        angle: Float[Tensor, " galaxy"],
    ) -> Float[Tensor, "galaxy walker"]:
        """ln of the density up to a constant, disks being within half a turn around `angle`."""
        of = dict(zip(COORDINATES, points.unbind(-1), strict=True))
        of["angle"] = of["angle"] - angle[:, None]
        terms = [law.log_density(of[name]) for name, law in self.laws.items()]
        terms += [self._place_density(of), *self._size_densities(of, exposure)]
        return torch.stack(terms).sum(dim=0)

    def _place_density(self, of: dict[str, Tensor]) -> Tensor:
        """The centre's: of uniform distance in any direction, so falling as one over distance."""
        if self.galaxies.offset == 0:
            return torch.zeros_like(of["x"])
        distance = torch.hypot(of["x"], of["y"])
        return (
            -distance.clamp(min=1e-6).log().masked_fill(distance > self.galaxies.offset, torch.inf)
        )

    def _size_densities(self, of: dict[str, Tensor], exposure: Exposure) -> tuple[Tensor, Tensor]:
        """Those of ln radius and of ln flux: both may depend on the PSF, the latter on radius."""
        fwhm = exposure.psf_fwhm[:, None].log() + of["psf_fwhm"]
        least, most = self._radius_limits(fwhm, exposure)
        outside = (of["effective_radius"] < least) | (of["effective_radius"] > most)
        radius = -(most - least).log().masked_fill(outside, torch.inf)
        brightness = of["flux"]
        if self.galaxies.brightness is Brightness.SIGNAL_TO_NOISE:
            sigma = exposure.sky_sigma[:, None].expand_as(fwhm)
            seen = (of["flux"].exp(), of["effective_radius"].exp(), fwhm.exp(), sigma)
            brightness = signal_to_noise(*(part.flatten() for part in seen)).log().view_as(fwhm)
        return radius, self.brightness.log_density(brightness)

    def _radius_limits(self, log_fwhm: Tensor, exposure: Exposure) -> tuple[Tensor, Tensor]:
        """ln of the limits [pixel] that PSF and frame leave of the range of radii."""
        low, high = (math.log(r / self.pixel_scale) for r in self.galaxies.effective_radius)
        most = min(high, math.log(self.galaxies.radius_over_frame * exposure.shape[1]))
        least = log_fwhm + math.log(max(self.galaxies.radius_over_psf, 1e-9))
        # where they cross, the radius is the lower one
        least = least.clamp(min=low)
        return least, torch.maximum(least + 1e-6, torch.full_like(least, most))


def _share(limits: Range) -> Law:
    return UniformShare(*limits) if limits[0] < limits[1] else Known()
