"""Draws of galaxies from their prior: bulges, disks and neighbours, in pixels and image units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.photometry import signal_to_noise
from gampen.rendering.sersic import Sersic, half_light_radius
from gampen.settings import (
    LOGARITHMIC,
    Brightness,
    GalaxyModel,
    PriorSettings,
    Range,
    SceneSettings,
    SimulationSettings,
    SurveySettings,
)
from gampen.simulation.histograms import Cumulative

Known = Mapping[str, Float[Tensor, " galaxy"]]
"""What a catalogue says of each galaxy, by quantity; radii in arcsec."""

UNKNOWN: Known = {}


@dataclass(frozen=True)
class Draw:
    """A source of seeded numbers for a fixed number of galaxies."""

    galaxies: int
    generator: torch.Generator

    def share(self, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Numbers uniform between 0 and 1."""
        return torch.rand((self.galaxies, *shape), generator=self.generator)

    def uniform(self, limits: Range, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Numbers uniform between the limits."""
        low, high = limits
        return low + (high - low) * self.share(*shape)

    def log_uniform(self, limits: Range, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Numbers whose logarithm is uniform between those of the limits."""
        low, high = limits
        return self.uniform((math.log(low), math.log(high)), *shape).exp()

    def log_uniform_between(
        self, low: Float[Tensor, " galaxy *any"], high: Float[Tensor, " galaxy *any"]
    ) -> Float[Tensor, " galaxy *any"]:
        """Numbers log-uniform between limits of each galaxy's own; the lower one where they cross.

        One number for each entry of the limits.
        """
        span = (high / low).clamp(min=1).log()
        return low * (span * self.share(*span.shape[1:])).exp()

    def normal(self, sigma: float, *shape: int) -> Float[Tensor, " galaxy *any"]:
        """Normal numbers with mean zero."""
        return sigma * torch.randn((self.galaxies, *shape), generator=self.generator)


def magnitude_to_flux(magnitude: Tensor, zero_point: float) -> Tensor:
    """Flux [image units] of an AB magnitude."""
    return 10 ** (0.4 * (zero_point - magnitude))


@dataclass(frozen=True)
class Aperture:
    """What a galaxy is seen through: FWHM of the PSF [pixel] and side of the frame [pixel]."""

    psf_fwhm: Float[Tensor, " galaxy"]
    size: int


def draw_value(draw: Draw, prior: PriorSettings, name: str, known: Known) -> Tensor:
    """A quantity of each galaxy: as it is known, by its histogram, or by the law of its range."""
    if name in known:
        return known[name]
    limits, histogram = getattr(prior, name), prior.histogram(name)
    if histogram is not None:
        share = draw.share()
        low, high = (torch.full_like(share, end, dtype=torch.float64) for end in limits)
        return Cumulative.of(histogram).between(low, high, share)
    return draw.log_uniform(limits) if name in LOGARITHMIC else draw.uniform(limits)


def draw_targets(
    draw: Draw, prior: PriorSettings, radius: Float[Tensor, " galaxy"], known: Known = UNKNOWN
) -> Sersic:
    """The profiles of each galaxy, of flux one in all.

    They are scaled together so that the galaxy's half-light radius is the one given.
    """
    single = prior.model is GalaxyModel.SERSIC
    shape = (draw_profile if single else draw_bulge_and_disk)(draw, prior, known)
    scale = (radius / half_light_radius(shape))[:, None]
    return replace(shape, effective_radius=shape.effective_radius * scale)


def draw_profile(draw: Draw, prior: PriorSettings, known: Known = UNKNOWN) -> Sersic:
    """One profile a galaxy, of flux one and semi-major axis one."""
    angle = draw.uniform((0.0, 180.0))
    x, y = _within_disc(draw, prior.offset)
    index, axis_ratio = (draw_value(draw, prior, name, known) for name in ("index", "axis_ratio"))
    one = torch.ones_like(angle)
    columns = (one, one, index, axis_ratio, angle, x, y)
    return Sersic(*(column[:, None] for column in columns))


def draw_bulge_and_disk(draw: Draw, prior: PriorSettings, known: Known = UNKNOWN) -> Sersic:
    """Bulge (component 0) and disk (component 1) of each galaxy, the disk's semi-major axis one."""

    def value(name: str) -> Tensor:
        return draw_value(draw, prior, name, known)

    bulge = value("bulge_to_total")
    angle = draw.uniform((0.0, 180.0))
    x, y = _within_disc(draw, prior.offset)
    return Sersic(
        flux=torch.stack([bulge, 1 - bulge], dim=1),
        effective_radius=_pair(value("radius_ratio"), torch.ones_like(bulge)),
        index=_pair(value("bulge_index"), value("disk_index")),
        axis_ratio=_pair(value("bulge_axis_ratio"), value("disk_axis_ratio")),
        angle=_pair(angle + draw.normal(prior.twist), angle),
        x=_pair(x, x),
        y=_pair(y, y),
    )


def radius_limits(
    prior: PriorSettings, survey: SurveySettings, aperture: Aperture
) -> tuple[Float[Tensor, " galaxy"], Float[Tensor, " galaxy"]]:
    """What PSF and frame leave of the prior's range of radii [pixel]."""
    low, high = (limit / survey.pixel_scale for limit in prior.effective_radius)
    least = (prior.radius_over_psf * aperture.psf_fwhm).clamp(min=low)
    return least, torch.full_like(least, min(high, prior.radius_over_frame * aperture.size))


def draw_radius(
    draw: Draw, prior: PriorSettings, survey: SurveySettings, aperture: Aperture
) -> Float[Tensor, " galaxy"]:
    """Half-light radii [pixel], log-uniform or by their histogram, within their limits."""
    least, most = radius_limits(prior, survey, aperture)
    histogram, scale = prior.histogram("effective_radius"), survey.pixel_scale
    if histogram is None:
        return draw.log_uniform_between(least, most)
    limits = least * scale, torch.maximum(least, most) * scale
    return Cumulative.of(histogram).between(*limits, draw.share()) / scale


def draw_flux(
    draw: Draw,
    settings: SimulationSettings,
    radius: Float[Tensor, " galaxy"],
    psf_fwhm: Float[Tensor, " galaxy"],
    sky_sigma: Float[Tensor, " galaxy"],
) -> Float[Tensor, " galaxy"]:
    """Fluxes [image units] of targets: uniform in magnitude, flux or ln S/N, or by a histogram."""
    prior, zero_point = settings.prior, settings.survey.zero_point
    if prior.brightness is Brightness.SIGNAL_TO_NOISE:
        of_unit_flux = signal_to_noise(torch.ones_like(radius), radius, psf_fwhm, sky_sigma)
        return draw.log_uniform(prior.signal_to_noise) / of_unit_flux
    if prior.brightness is Brightness.FLUX:
        limits = torch.tensor(prior.magnitude[::-1], dtype=torch.float64)
        faintest, brightest = magnitude_to_flux(limits, zero_point).tolist()
        return draw.uniform((faintest, brightest))
    return magnitude_to_flux(draw_value(draw, prior, "magnitude", UNKNOWN), zero_point)


def draw_neighbours(
    draw: Draw,
    target: Sersic,
    scene: SceneSettings,
    aperture: Aperture,
    radius: Float[Tensor, " galaxy"],
) -> Sersic:
    """Sersic neighbours of each target, beyond the least distance; absent ones without flux."""
    number = _neighbour_numbers(draw, scene)
    places = max(1, int(number.max()))
    fainter = draw.uniform(scene.neighbour_magnitude, places)
    reach = torch.hypot(radius, aperture.psf_fwhm / 2)[:, None]
    x, y = _neighbour_places(draw, scene, aperture.size, scene.neighbour_distance * reach, places)
    clear = torch.hypot(x, y) >= scene.neighbour_distance * reach * (1 - 1e-6)
    present = (torch.arange(places) < number[:, None]) & clear
    return Sersic(
        flux=torch.where(present, 10 ** (-0.4 * fainter), 0.0),
        effective_radius=draw.log_uniform(scene.neighbour_radius, places)
        * aperture.psf_fwhm[:, None],
        index=draw.uniform(scene.neighbour_index, places),
        axis_ratio=draw.uniform(scene.neighbour_axis_ratio, places),
        angle=draw.uniform((0.0, 180.0), places),
        x=x + target.x[:, :1],
        y=y + target.y[:, :1],
    )


def _neighbour_places(
    draw: Draw, scene: SceneSettings, size: int, least: Float[Tensor, "galaxy 1"], places: int
) -> tuple[Float[Tensor, "galaxy place"], Float[Tensor, "galaxy place"]]:
    """Offsets [pixel] from the target: some anywhere in the frame, some ever closer to it."""
    x, y = (draw.uniform((-size / 2, size / 2), places) for _ in "xy")
    limits = least.expand(-1, places), torch.full((1, 1), size / 2).expand(len(least), places)
    distance, angle = draw.log_uniform_between(*limits), draw.uniform((0.0, 2 * math.pi), places)
    near = draw.share(places) < scene.near_share
    return (
        torch.where(near, distance * angle.cos(), x),
        torch.where(near, distance * angle.sin(), y),
    )


def _neighbour_numbers(draw: Draw, scene: SceneSettings) -> Float[Tensor, " galaxy"]:
    any_at_all = draw.share() < scene.neighbour_share
    rates = torch.full((draw.galaxies,), scene.extra_neighbours)
    extra = torch.poisson(rates, generator=draw.generator)
    return torch.where(any_at_all, 1 + extra, 0.0)


def _within_disc(
    draw: Draw, radius: float
) -> tuple[Float[Tensor, " galaxy"], Float[Tensor, " galaxy"]]:
    """Offsets in any direction, their lengths uniform up to `radius`."""
    distance, angle = draw.uniform((0.0, radius)), draw.uniform((0.0, 2 * math.pi))
    return distance * angle.cos(), distance * angle.sin()


def _pair(first: Float[Tensor, " galaxy"], second: Float[Tensor, " galaxy"]) -> Tensor:
    return torch.stack([first, second], dim=1)
