"""Settings of simulations: surveys, the prior of galaxies, and scenes.

Each field's comment says by what law a value is drawn between the ends of its range.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gampen.errors import UsageError
from gampen.settings.populations import (
    PARTS,
    PROFILE,
    CatalogueSettings,
    HistogramSettings,
)
from gampen.settings.ranges import (
    ABOVE_ZERO,
    ANY,
    AXIS_RATIO,
    BULGE_TO_TOTAL,
    MOFFAT_SLOPE,
    NOISE_CORRELATION,
    NOT_NEGATIVE,
    SERSIC_INDEX,
    SHARE,
    SMALLEST_FRAME,
    Range,
    check_ranges,
)


class PsfFamily(Enum):
    """Families of PSFs that a survey's may be of."""

    MOFFAT = "moffat"
    KOLMOGOROV = "kolmogorov"
    WINGED = "winged"  # a Moffat core with a wider Moffat around it, as telescopes in space have


@dataclass(frozen=True)
class SurveySettings:
    """A sky survey as a pixel grid, a PSF, a noise and a zero point."""

    name: str  # by which it is told of
    pixel_scale: float  # [arcsec / pixel]
    zero_point: float  # [mag]
    psf_fwhm: Range  # [arcsec], log-uniform
    psf_beta: Range  # Moffat slope, uniform
    sky_sigma: Range  # [image units / pixel], log-uniform
    gain: Range  # [electron / image unit], log-uniform
    psf_families: tuple[PsfFamily, ...] = (PsfFamily.MOFFAT,)  # each equally likely
    wing_share: Range = (0.05, 0.25)  # of the light of a winged PSF, uniform
    wing_width: Range = (2.5, 6.0)  # FWHM of the wings over that of the core, log-uniform
    noise_correlation: Range = (0.0, 0.0)  # a of the kernel [a, 1, a] along each axis, uniform
    psf_images: tuple[str, ...] = ()  # files (`psf/*.fits`): one for each galaxy, in place of laws
    sky_images: tuple[str, ...] = ()  # files (`sky/*.fits`) with blank places to put galaxies into
    sky_covered: float = (
        0.0  # share of such a place that sources may cover, beyond its middle third
    )

    def __post_init__(self) -> None:
        """Refuse lengths, noises and slopes that no survey has."""
        positive = ("pixel_scale", "psf_fwhm", "sky_sigma", "gain", "wing_width")
        allowed = dict.fromkeys(positive, ABOVE_ZERO)
        allowed |= {"psf_beta": MOFFAT_SLOPE, "zero_point": ANY, "wing_share": SHARE}
        allowed |= {"noise_correlation": NOISE_CORRELATION, "sky_covered": SHARE}
        check_ranges(f"survey {self.name}", self, allowed)
        if not self.psf_families:
            raise UsageError(f"survey {self.name}: psf_families must be one or more; got none")


class Brightness(Enum):
    """In what the brightness of target galaxies is uniform."""

    MAGNITUDE = "magnitude"
    FLUX = "flux"  # between the fluxes of the magnitudes
    SIGNAL_TO_NOISE = "signal_to_noise"  # in its logarithm


class GalaxyModel(Enum):
    """What target galaxies are made of."""

    BULGE_AND_DISK = "bulge_and_disk"
    SERSIC = "sersic"  # one Sersic profile, of `index` and `axis_ratio`

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is known of each galaxy and may be a parameter."""
        whole = ("effective_radius", "flux")
        profile = ("index", "axis_ratio", "elongation_1", "elongation_2")
        if self is GalaxyModel.SERSIC:
            return (*whole, "semi_major_axis", *profile)
        of_parts = ("flux", "effective_radius", *profile)
        parts = tuple(f"{part}_{name}" for part in ("bulge", "disk") for name in of_parts)
        return ("bulge_to_total", *whole, *parts)


@dataclass(frozen=True)
class PriorSettings:
    """The distribution of target galaxies: a Sersic bulge and a Sersic disk with one centre.

    Or one Sersic profile, if `model` says so; what is said of the parts then counts for nothing.
    Brightness is uniform in magnitude, in flux, or in the logarithm of the signal-to-noise ratio
    (`gampen.photometry.signal_to_noise`). Radii are drawn within those limits that their own frame
    and PSF leave.
    """

    magnitude: Range = (18.0, 22.5)  # [mag], by `brightness`
    signal_to_noise: Range = (10.0, 3000.0)  # log-uniform, where `brightness` says so
    brightness: Brightness = Brightness.MAGNITUDE
    effective_radius: Range = (0.3, 3.5)  # [arcsec], log-uniform: the galaxy's half-light radius
    radius_over_psf: float = 0.0  # the least radius, in FWHM of the PSF
    radius_over_frame: float = 1.0  # the largest radius, in sides of the frame
    bulge_to_total: Range = (0.02, 0.98)  # uniform
    bulge_index: Range = (3.0, 5.0)  # uniform
    disk_index: Range = (0.8, 1.2)  # uniform
    radius_ratio: Range = (0.15, 1.0)  # effective radius of bulge over disk, log-uniform
    bulge_axis_ratio: Range = (0.4, 1.0)  # uniform
    disk_axis_ratio: Range = (0.2, 1.0)  # uniform
    twist: float = 20.0  # [degree], standard deviation of the bulge's angle about the disk's
    offset: float = 1.0  # [pixel] from the frame's centre at most, uniform, in any direction
    model: GalaxyModel = GalaxyModel.BULGE_AND_DISK
    index: Range = (0.5, 6.0)  # of a single profile, uniform
    axis_ratio: Range = (0.15, 1.0)  # of a single profile, uniform
    catalogue: CatalogueSettings | None = None  # galaxies to draw from, in place of those laws
    histograms: tuple[HistogramSettings, ...] = ()  # of single quantities, in place of their laws

    def __post_init__(self) -> None:
        """Refuse galaxies that cannot be, or that the renderer's table does not reach."""
        allowed = dict.fromkeys(("effective_radius", "radius_ratio"), ABOVE_ZERO)
        allowed |= dict.fromkeys(("bulge_axis_ratio", "disk_axis_ratio", "axis_ratio"), AXIS_RATIO)
        allowed |= dict.fromkeys(("bulge_index", "disk_index", "index"), SERSIC_INDEX)
        allowed |= dict.fromkeys(("twist", "offset", "radius_over_psf"), NOT_NEGATIVE)
        allowed |= dict.fromkeys(("signal_to_noise", "radius_over_frame"), ABOVE_ZERO)
        check_ranges("prior", self, {**allowed, "magnitude": ANY, "bulge_to_total": BULGE_TO_TOTAL})
        self._check_populations()

    @property
    def of_catalogue(self) -> tuple[str, ...]:
        """The quantities that a catalogue gives."""
        return () if self.catalogue is None else tuple(self.catalogue.columns)

    def histogram(self, quantity: str) -> HistogramSettings | None:
        """That of a quantity, if there is one."""
        return next((found for found in self.histograms if found.quantity == quantity), None)

    def _check_populations(self) -> None:
        """Refuse quantities that are told twice, have no galaxies, or are not of the model."""
        told = [*self.of_catalogue, *(found.quantity for found in self.histograms)]
        twice = sorted({name for name in told if told.count(name) > 1})
        if twice:
            raise UsageError(f"prior: {twice[0]} must have one law; got more: leave one out")
        strange = {*(PARTS if self.model is GalaxyModel.SERSIC else PROFILE)} & {*told}
        if strange:
            raise UsageError(
                f"prior: catalogue and histograms must be of what the model {self.model.value!r} "
                f"has; got {', '.join(sorted(strange))}"
            )
        if "magnitude" in told and self.brightness is not Brightness.MAGNITUDE:
            raise UsageError(
                f"prior: brightness must be 'magnitude' where magnitudes have a law of their own; "
                f"got {self.brightness.value!r}"
            )
        for found in self.histograms:
            low, high = getattr(self, found.quantity)
            bins = zip(found.edges, found.edges[1:], found.counts, strict=False)
            if not any(start < high and stop > low and count for start, stop, count in bins):
                raise UsageError(
                    f"prior: the histogram of {found.quantity} must have galaxies within its "
                    f"range, {low:g} to {high:g}; it has none"
                )


@dataclass(frozen=True)
class SceneSettings:
    """What surrounds the target: frame, neighbours, sky residual and what is known of the PSF."""

    sizes: tuple[int, ...] = (143,)  # [pixel] side of the square frame, each equally likely
    neighbour_share: float = 0.7  # share of frames with at least one neighbour
    extra_neighbours: float = 1.0  # mean of the Poisson number beyond the first
    neighbour_magnitude: Range = (-1.0, 4.0)  # [mag] fainter than the target, uniform
    neighbour_radius: Range = (0.1, 3.0)  # [FWHM of the PSF], log-uniform; the smallest are stars
    neighbour_index: Range = (0.6, 4.5)  # uniform
    neighbour_axis_ratio: Range = (0.25, 1.0)  # uniform
    neighbour_distance: float = 1.0  # the least, in the target's radius as the PSF widens it
    near_share: float = 0.3  # of neighbours: log-uniform in distance; others anywhere in the frame
    sky_residual: float = 0.05  # [sky sigma], standard deviation of a constant left in the sky
    psf_error: float = 0.02  # relative standard deviation of the PSF width that is told
    psf_unknown_share: float = 0.1  # share of frames whose PSF width is not told
    concentration_error: float = 0.01  # standard deviation of the PSF's concentration as told
    concentration_unknown_share: float = (
        0.4  # share of frames whose PSF's concentration is not told
    )
    masked_share: float = 0.0  # share of frames with bad pixels: discs, or all beyond a circle
    mask_radius: Range = (0.5, 10.0)  # [pixel] of a masked disc, log-uniform; the smallest are dead
    dead_columns: float = 0.2  # share of frames with bad pixels in which a column is dead

    def __post_init__(self) -> None:
        """Refuse frames without pixels, shares beyond one and lengths below zero."""
        shares = ("neighbour_share", "near_share", "psf_unknown_share", "masked_share")
        more = ("dead_columns", "concentration_unknown_share")
        allowed = dict.fromkeys((*shares, *more), SHARE)
        lengths = ("extra_neighbours", "sky_residual", "psf_error", "concentration_error")
        allowed |= dict.fromkeys(lengths, NOT_NEGATIVE)
        positive = ("neighbour_distance", "neighbour_radius", "mask_radius")
        allowed |= dict.fromkeys(positive, ABOVE_ZERO) | {"neighbour_magnitude": ANY}
        allowed |= {"neighbour_index": SERSIC_INDEX, "neighbour_axis_ratio": AXIS_RATIO}
        check_ranges("scene", self, allowed)
        if not self.sizes or min(self.sizes) < SMALLEST_FRAME:
            raise UsageError(
                f"scene: sizes must be one or more, of at least {SMALLEST_FRAME} pixels; "
                f"got {self.sizes}"
            )


class Measure(Enum):
    """What may be measured of simulated galaxies, beside what they are made of."""

    CONCENTRATION = "concentration"
    ASYMMETRY = "asymmetry"
    SMOOTHNESS = "smoothness"
    GINI = "gini"
    M20 = "m20"


@dataclass(frozen=True)
class SimulationSettings:
    """Surveys, galaxies and scenes: all that a simulation needs, but its seed."""

    survey: SurveySettings
    prior: PriorSettings = field(default_factory=PriorSettings)
    scene: SceneSettings = field(default_factory=SceneSettings)
    measure: tuple[Measure, ...] = ()  # by statmorph, as columns beside the truths
