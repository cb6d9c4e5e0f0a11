"""Settings of a run, as frozen dataclasses: what a run file may say, with its defaults.

Ranges are `(low, high)` pairs; each field's comment says by what law a value is drawn between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from gampen.errors import UsageError

Range = tuple[float, float]
Bounds = tuple[float, float]

# A range may begin at the lower bound of what is allowed; the least number stands for "above 0".
ABOVE_ZERO: Bounds = (math.ulp(0.0), math.inf)
NOT_NEGATIVE: Bounds = (0.0, math.inf)
ANY: Bounds = (-math.inf, math.inf)
SHARE: Bounds = (0.0, 1.0)
AXIS_RATIO: Bounds = (0.05, 1.0)
BULGE_TO_TOTAL: Bounds = (1e-6, 1 - 1e-6)  # at 0 and 1 its logarithmic odds are infinite
SERSIC_INDEX: Bounds = (0.5, 6.0)  # the renderer's table
MOFFAT_SLOPE: Bounds = (1.2, 12.0)  # the renderer's table
NOISE_CORRELATION: Bounds = (0.0, 0.49)  # from 1/2 on some frequencies hold no noise at all
SMALLEST_FRAME = 16  # [pixel]


def check_ranges(kind: str, settings: object, allowed: dict[str, Bounds]) -> None:
    """`UsageError` for a range or a number that is out of its bounds, or a range upside down."""
    for name, (least, most) in allowed.items():
        value = getattr(settings, name)
        low, high = value if isinstance(value, tuple) else (value, value)
        if not (least <= low <= high <= most and math.isfinite(low) and math.isfinite(high)):
            bounds = "above 0" if (least, most) == ABOVE_ZERO else f"from {least:g} to {most:g}"
            order = ", its low end first" if isinstance(value, tuple) else ""
            raise UsageError(f"{kind}: {name} must be {bounds}{order}; got {value}")


class CropFreedom(Enum):
    """What the spatial transformer may do to the frame."""

    FIXED = "fixed"
    ZOOM = "zoom"
    ZOOM_SHIFT = "zoom_shift"
    AFFINE = "affine"


class CropPixels(Enum):
    """What the pixels of a crop on disk are: those that the network sees, or the image's own."""

    RESAMPLED = "resampled"
    ORIGINAL = "original"


class PsfFamily(Enum):
    """Families of PSFs that a survey's may be of."""

    MOFFAT = "moffat"
    KOLMOGOROV = "kolmogorov"
    WINGED = "winged"  # a Moffat core with a wider Moffat around it, as telescopes in space have


@dataclass(frozen=True)
class SurveySettings:
    """A sky survey as a pixel grid, a PSF, a noise and a zero point."""

    name: str
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

    def __post_init__(self) -> None:
        """Refuse lengths, noises and slopes that no survey has."""
        positive = ("pixel_scale", "psf_fwhm", "sky_sigma", "gain", "wing_width")
        allowed = dict.fromkeys(positive, ABOVE_ZERO)
        allowed |= {"psf_beta": MOFFAT_SLOPE, "zero_point": ANY, "wing_share": SHARE}
        allowed |= {"noise_correlation": NOISE_CORRELATION}
        check_ranges(f"survey {self.name}", self, allowed)
        if not self.psf_families:
            raise UsageError(f"survey {self.name}: psf_families must be one or more; got none")


class Brightness(Enum):
    """In what the brightness of target galaxies is uniform."""

    MAGNITUDE = "magnitude"
    FLUX = "flux"  # between the fluxes of the magnitudes
    SIGNAL_TO_NOISE = "signal_to_noise"  # in its logarithm


@dataclass(frozen=True)
class PriorSettings:
    """The distribution of target galaxies: a Sersic bulge and a Sersic disk with one centre.

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

    def __post_init__(self) -> None:
        """Refuse galaxies that cannot be, or that the renderer's table does not reach."""
        allowed = dict.fromkeys(("effective_radius", "radius_ratio"), ABOVE_ZERO)
        allowed |= dict.fromkeys(("bulge_axis_ratio", "disk_axis_ratio"), AXIS_RATIO)
        allowed |= dict.fromkeys(("bulge_index", "disk_index"), SERSIC_INDEX)
        allowed |= dict.fromkeys(("twist", "offset", "radius_over_psf"), NOT_NEGATIVE)
        allowed |= dict.fromkeys(("signal_to_noise", "radius_over_frame"), ABOVE_ZERO)
        check_ranges("prior", self, {**allowed, "magnitude": ANY, "bulge_to_total": BULGE_TO_TOTAL})


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


@dataclass(frozen=True)
class SimulationSettings:
    """Surveys, galaxies and scenes: all that a simulation needs, but its seed."""

    survey: SurveySettings
    prior: PriorSettings = field(default_factory=PriorSettings)
    scene: SceneSettings = field(default_factory=SceneSettings)


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of the network."""

    crop: CropFreedom = CropFreedom.ZOOM
    crop_size: int = 64  # [pixel] side of the crop that the convolutions see
    views: tuple[float, ...] = (1.0,)  # shares of the crop's side: itself, and its middle again
    stem_stride: int = 2  # of the first convolution; each further width halves the map
    widths: tuple[int, ...] = (32, 64, 128)  # channels of each width
    blocks: int = 1  # residual blocks at each width
    hidden: int = 256  # units in each layer of the head
    components: int = 4  # Gaussians in the mixture
    dropout: float = 1e-3  # rate in the head's hidden layers
    map_dropout: float = 0.0  # rate before every convolution but the first, as in the original

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        if self.components < 1 or self.blocks < 0 or not self.widths:
            raise UsageError("network: components, blocks and widths must be 1, 0 and one or more")
        for name in ("dropout", "map_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"network: {name} must be in [0, 1); got {getattr(self, name)}")
        if (
            self.stem_stride < 1
            or self.views[:1] != (1.0,)
            or not all(0 < share <= 1 for share in self.views)
        ):
            raise UsageError(
                "network: stem_stride must be at least 1, views shares of the crop of which the "
                f"first is 1; got {self.stem_stride} and {self.views}"
            )
        if self.crop_size % self.shrinkage:
            raise UsageError(
                f"network: crop_size must be a multiple of {self.shrinkage}; got {self.crop_size}"
            )

    @property
    def shrinkage(self) -> int:
        """The crop's side over that of the last map."""
        return int(self.stem_stride * 2 ** (len(self.widths) - 1))


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is fitted."""

    steps: int = 10_000
    batch_size: int = 64
    simulations: int = 0  # that are drawn, then shown again and again; nought: new ones each step
    observations: int = 1  # of each rendered scene: in other brightness, noise and orientation
    learning_rate: float = 2e-3  # peak of the one-cycle schedule
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    average_decay: float = 0.999  # of the exponential moving average of the weights
    steps_per_epoch: int = 500
    validation_galaxies: int = 1024
    crop_pull: float = 0.0  # weight of ln^2 of a crop's side over the wanted number of radii
    frozen: tuple[str, ...] = ()  # parts of the network that stay as they start
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse counts below one, rates that are not positive and seeds below zero."""
        counts = ("steps", "batch_size", "observations", "steps_per_epoch", "validation_galaxies")
        least = {
            **dict.fromkeys(counts, 1),
            "seed": 0,
            "weight_decay": 0,
            "average_decay": 0,
            "crop_pull": 0,
        }
        for name, low in least.items():
            if getattr(self, name) < low:
                raise UsageError(f"training: {name} must be at least {low}; got {vars(self)[name]}")
        if min(self.learning_rate, self.gradient_clip, 1 - self.average_decay) <= 0:
            raise UsageError(
                "training: learning_rate and gradient_clip must be above 0, average_decay below 1; "
                f"got {self.learning_rate}, {self.gradient_clip} and {self.average_decay}"
            )


@dataclass(frozen=True)
class RunSettings:
    """A whole training run: `gampen train run.toml`."""

    simulation: SimulationSettings
    network: NetworkSettings = field(default_factory=NetworkSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
