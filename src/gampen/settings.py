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


@dataclass(frozen=True)
class SurveySettings:
    """A sky survey as a pixel grid, a PSF, a noise and a zero point."""

    name: str
    pixel_scale: float  # [arcsec / pixel]
    zero_point: float  # [mag]
    psf_fwhm: Range  # [arcsec], uniform
    psf_beta: Range  # Moffat slope, uniform
    sky_sigma: Range  # [image units / pixel], log-uniform
    gain: Range  # [electron / image unit], log-uniform

    def __post_init__(self) -> None:
        """Refuse lengths, noises and slopes that no survey has."""
        positive = ("pixel_scale", "psf_fwhm", "sky_sigma", "gain")
        allowed = dict.fromkeys(positive, ABOVE_ZERO)
        allowed |= {"psf_beta": MOFFAT_SLOPE, "zero_point": ANY}
        check_ranges(f"survey {self.name}", self, allowed)


@dataclass(frozen=True)
class PriorSettings:
    """The distribution of target galaxies: a Sersic bulge and a Sersic disk with one centre."""

    magnitude: Range = (18.0, 22.5)  # [mag], uniform
    effective_radius: Range = (0.3, 3.5)  # [arcsec], log-uniform: the galaxy's half-light radius
    bulge_to_total: Range = (0.02, 0.98)  # uniform
    bulge_index: Range = (3.0, 5.0)  # uniform
    disk_index: Range = (0.8, 1.2)  # uniform
    radius_ratio: Range = (0.15, 1.0)  # effective radius of bulge over disk, log-uniform
    bulge_axis_ratio: Range = (0.4, 1.0)  # uniform
    disk_axis_ratio: Range = (0.2, 1.0)  # uniform
    twist: float = 20.0  # [degree], standard deviation of the bulge's angle about the disk's
    offset: float = 1.0  # [pixel], uniform within this of the centre, along each axis

    def __post_init__(self) -> None:
        """Refuse galaxies that cannot be, or that the renderer's table does not reach."""
        allowed = dict.fromkeys(("effective_radius", "radius_ratio"), ABOVE_ZERO)
        allowed |= dict.fromkeys(("bulge_axis_ratio", "disk_axis_ratio"), AXIS_RATIO)
        allowed |= dict.fromkeys(("bulge_index", "disk_index"), SERSIC_INDEX)
        allowed |= dict.fromkeys(("twist", "offset"), NOT_NEGATIVE)
        check_ranges("prior", self, {**allowed, "magnitude": ANY, "bulge_to_total": BULGE_TO_TOTAL})


@dataclass(frozen=True)
class SceneSettings:
    """What surrounds the target: frame, neighbours, sky residual and what is known of the PSF."""

    sizes: tuple[int, ...] = (143,)  # [pixel] side of the square frame, each equally likely
    neighbour_share: float = 0.7  # share of frames with at least one neighbour
    extra_neighbours: float = 1.0  # mean of the Poisson number beyond the first
    neighbour_magnitude: Range = (-1.0, 4.0)  # [mag] fainter than the target, uniform
    neighbour_radius: Range = (0.05, 1.2)  # [arcsec], log-uniform; the smallest are stars
    neighbour_index: Range = (0.6, 4.5)  # uniform
    neighbour_axis_ratio: Range = (0.25, 1.0)  # uniform
    neighbour_distance: float = 1.0  # least distance: this many [arcsec] and this many disk radii
    sky_residual: float = 0.1  # [sky sigma], standard deviation of a constant left in the sky
    psf_error: float = 0.02  # relative standard deviation of the PSF width that is told
    psf_unknown_share: float = 0.1  # share of frames whose PSF width is not told
    masked_share: float = 0.0  # share of frames with bad pixels: discs, or all beyond a circle
    mask_radius: Range = (2.0, 10.0)  # [pixel] of a masked disc, uniform
    padding: float = 2.0  # of the renderer's grid

    def __post_init__(self) -> None:
        """Refuse frames without pixels, shares beyond one and lengths below zero."""
        shares = ("neighbour_share", "psf_unknown_share", "masked_share")
        allowed = dict.fromkeys(shares, SHARE)
        lengths = ("extra_neighbours", "neighbour_distance", "sky_residual", "psf_error")
        allowed |= dict.fromkeys((*lengths, "mask_radius"), NOT_NEGATIVE)
        allowed |= {"neighbour_magnitude": ANY, "neighbour_radius": ABOVE_ZERO}
        allowed |= {"neighbour_index": SERSIC_INDEX, "neighbour_axis_ratio": AXIS_RATIO}
        check_ranges("scene", self, {**allowed, "padding": (1.0, math.inf)})
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
    widths: tuple[int, ...] = (32, 64, 128)  # channels after each halving
    blocks: int = 1  # residual blocks at each width
    hidden: int = 256  # units in each layer of the head
    components: int = 4  # Gaussians in the mixture
    dropout: float = 1e-3  # rate in the head's hidden layers

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        if self.components < 1 or self.blocks < 0 or not self.widths:
            raise UsageError("network: components, blocks and widths must be 1, 0 and one or more")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"network: dropout must be in [0, 1); got {self.dropout}")
        if self.crop_size % 2 ** len(self.widths):
            raise UsageError(
                f"network: crop_size must be a multiple of {2 ** len(self.widths)}; "
                f"got {self.crop_size}"
            )


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is fitted."""

    steps: int = 10_000
    batch_size: int = 64
    learning_rate: float = 2e-3  # peak of the one-cycle schedule
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    average_decay: float = 0.999  # of the exponential moving average of the weights
    steps_per_epoch: int = 500
    validation_galaxies: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse counts below one, rates that are not positive and seeds below zero."""
        counts = ("steps", "batch_size", "steps_per_epoch", "validation_galaxies")
        least = {**dict.fromkeys(counts, 1), "seed": 0, "weight_decay": 0, "average_decay": 0}
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
