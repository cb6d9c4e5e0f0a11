"""Cutouts: images of any size that know what they are, and the flags that say what is unusual.

Pixels are 0-indexed with integer centres, arrays `[row, column]`; the galaxy sits in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Shaped

from gampen.errors import GalaxyError

SMALLEST_SIDE = 16
"""[pixel] A cutout with a shorter side has no sky to measure its noise in."""

LARGEST_SIDE = 4096
"""[pixel] No galaxy is that wide: an image with a longer side is a field, not a cutout."""

ZERO_POINTS = (-100.0, 100.0)
"""[AB mag] A number outside of these is not a zero point, but a sign that none is known."""

CORE_RADIUS = 3
"""[pixel] Half-width of the central box in which one bad pixel is worth a flag of its own."""

SMALLEST_GOOD_SHARE = 0.25
"""Of a cutout's pixels; with fewer there is more guessed than seen."""

CardValue = str | int | float | bool
"""A value of a FITS header card."""


class Flag(IntFlag):
    """What is unusual about a galaxy, as one bit mask; bits keep their meaning for ever."""

    UNREADABLE = 1
    MASKED_PIXELS = 2
    MASKED_CORE = 4
    PSF_UNKNOWN = 8
    PSF_OUT_OF_RANGE = 16
    PIXEL_SCALE_UNKNOWN = 32
    ZERO_POINT_UNKNOWN = 64
    SIZE_OUT_OF_RANGE = 128
    NOT_POSITIVE = 256
    UNUSUAL = 512
    OUT_OF_DISTRIBUTION = 1024
    NETWORK_IN_DOUBT = 2048
    POINT_SOURCE = 4096
    BLENDED = 8192
    IRREGULAR = 16384
    OFF_CENTRE = 32768
    PSF_DOUBTFUL = 65536
    TRAIL = 131072
    SATURATED = 262144
    NOISE_DOUBTFUL = 524288
    AT_EDGE = 1048576
    UNRESOLVED = 2097152
    TOO_FAINT = 4194304
    MODEL_MISFIT = 8388608

    @property
    def description(self) -> str:
        """What one flag means, in a line."""
        return FLAG_DESCRIPTIONS[self]


FLAG_DESCRIPTIONS: Mapping[Flag, str] = {
    Flag.UNREADABLE: "no posterior: the cutout could not be used; status says why",
    Flag.MASKED_PIXELS: "some pixels are bad: masked, not finite or without variance",
    Flag.MASKED_CORE: f"a bad pixel lies within {CORE_RADIUS} pixels of the centre",
    Flag.PSF_UNKNOWN: "the width of the PSF is not known; the posterior is wider for it",
    Flag.PSF_OUT_OF_RANGE: "the PSF is narrower or wider than any the estimator was trained on",
    Flag.PIXEL_SCALE_UNKNOWN: "the pixel scale is not known; lengths are in pixels, not arcsec",
    Flag.ZERO_POINT_UNKNOWN: "the zero point is not known; there is no magnitude",
    Flag.SIZE_OUT_OF_RANGE: "the cutout is smaller or larger than any the estimator was trained on",
    Flag.NOT_POSITIVE: "there is no positive flux at the centre",
    Flag.UNUSUAL: "no noise to measure, or a sky that was not subtracted",
    Flag.OUT_OF_DISTRIBUTION: "the image is unlike all that the estimator was trained on",
    Flag.NETWORK_IN_DOUBT: "the network's own doubt is an unusual share of the uncertainty",
    Flag.POINT_SOURCE: "looks like a star",
    Flag.BLENDED: "another source overlaps the galaxy or outshines it",
    Flag.IRREGULAR: "arms, clumps or other structure that bulge and disk do not have",
    Flag.OFF_CENTRE: "the galaxy is not in the middle of the cutout",
    Flag.PSF_DOUBTFUL: "the light does not look as the PSF that was told would have it",
    Flag.TRAIL: "a trail or streak crosses the cutout",
    Flag.SATURATED: "the core is cut off at one level",
    Flag.NOISE_DOUBTFUL: "noise or sky differ across the cutout",
    Flag.AT_EDGE: "some of the galaxy lies outside of the cutout or on bad pixels",
    Flag.UNRESOLVED: "the galaxy may be smaller than any that this PSF lets one measure",
    Flag.TOO_FAINT: "fainter than any galaxy that the estimator was trained on",
    Flag.MODEL_MISFIT: "the image that the posterior expects does not fit the data",
}


def describe_flags() -> dict[str, str]:
    """Each flag's bit value and name with its one-line meaning, for the metadata of a catalogue."""
    return {f"{int(flag)} {flag.name}": flag.description for flag in Flag}


FLOAT32 = np.dtype(np.float32)
NO_FLAGS = Flag(0)
NO_MAP = np.zeros((0, 0), dtype=bool)
OWN_FLAGS = (
    *(Flag.MASKED_PIXELS, Flag.MASKED_CORE),
    *(Flag.PSF_UNKNOWN, Flag.PIXEL_SCALE_UNKNOWN, Flag.ZERO_POINT_UNKNOWN),
)
"""The flags that follow from a cutout's own fields."""
OWN_BITS = sum(int(flag) for flag in OWN_FLAGS)
# As whole numbers: combining flags one by one takes longer than reading a small file.
MASKED_PIXELS, MASKED_CORE = int(Flag.MASKED_PIXELS), int(Flag.MASKED_CORE)
UNKNOWN_BITS = (
    ("psf_fwhm", int(Flag.PSF_UNKNOWN)),
    ("pixel_scale", int(Flag.PIXEL_SCALE_UNKNOWN)),
    ("zero_point", int(Flag.ZERO_POINT_UNKNOWN)),
)
RANGES = {"zero_point": ZERO_POINTS, "ra": (-360.0, 360.0), "dec": (-90.0, 90.0)}
"""What a number must lie between: [AB mag] and [deg]."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """One galaxy's image and what is known about it.

    `pixels` become finite native float32, in the file's own units; where `bad` is set they mean
    nothing, and those that are not finite are always bad. `psf_fwhm` [pixel] is the full width at
    half maximum of the PSF before the pixels widen it, `psf_concentration` the share of its light
    within one such width of its centre (0.94 for a Gaussian, less with wings), `pixel_scale`
    [arcsec / pixel], `zero_point` the AB magnitude of one image unit, `ra` and `dec` [deg]; each is
    None where unknown. `wcs` holds world-coordinate cards. `sky_sigma` [image units] is filled by
    whoever measures it. The flags that the other fields call for are kept up to date.

    `GalaxyError` where the array cannot be a galaxy's image.
    """

    pixels: Shaped[np.ndarray, " ..."]
    bad: Bool[np.ndarray, " ..."] = field(default_factory=lambda: NO_MAP)
    object_id: str = ""
    file_name: str = ""
    psf_fwhm: float | None = None
    psf_concentration: float | None = None
    pixel_scale: float | None = None
    zero_point: float | None = None
    ra: float | None = None
    dec: float | None = None
    wcs: Mapping[str, CardValue] = field(default_factory=dict)
    flags: Flag = NO_FLAGS
    sky_sigma: float | None = None

    def __post_init__(self) -> None:
        """Find bad pixels, check the content and raise the flags that follow."""
        image, unusable, whole = clean_pixels(self.pixels, self.bad)
        object.__setattr__(self, "pixels", image)
        object.__setattr__(self, "bad", unusable)
        check_facts(self)
        flags = Flag(int(self.flags) & ~OWN_BITS | self._own_bits(whole))
        object.__setattr__(self, "flags", flags)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [pixel]."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def _own_bits(self, whole: bool) -> int:
        """The flags that the cutout's own fields call for; it is whole where no pixel is bad."""
        bits = sum([bit for name, bit in UNKNOWN_BITS if getattr(self, name) is None])
        if not whole:
            bits |= MASKED_PIXELS | (MASKED_CORE if core(self.bad).any() else 0)
        return bits


def check_facts(cutout: Cutout) -> None:
    """Refuse, with a `GalaxyError`, what cannot be true of any image."""
    for name in ("pixel_scale", "psf_fwhm"):
        value = getattr(cutout, name)
        if value is not None and not 0 < value < math.inf:
            raise GalaxyError(f"{name} must be a positive number; got {value}")
    share = cutout.psf_concentration
    if share is not None and not 0 < share <= 1:
        raise GalaxyError(f"psf_concentration must be above 0 and at most 1; got {share}")
    for name, (low, high) in RANGES.items():
        value = getattr(cutout, name)
        if value is not None and not low <= value <= high:
            raise GalaxyError(f"{name} must be from {low:g} to {high:g}; got {value}")


@dataclass(frozen=True)
class Rejection:
    """A galaxy without a usable cutout: a row of the results that says why in `reason`."""

    object_id: str
    file_name: str
    reason: str
    ra: float | None = None
    dec: float | None = None

    @property
    def flags(self) -> Flag:
        """`UNREADABLE`."""
        return Flag.UNREADABLE


Entry = Cutout | Rejection
"""What reading a galaxy brings."""


@dataclass(frozen=True)
class Cutouts:
    """Cutouts of any sizes, in order."""

    members: tuple[Cutout, ...]

    @classmethod
    def of(cls, members: Iterable[Cutout]) -> Cutouts:
        """The cutouts of any iterable."""
        return cls(tuple(members))

    def __len__(self) -> int:
        """The number of cutouts."""
        return len(self.members)

    def __iter__(self) -> Iterator[Cutout]:
        """The cutouts, in order."""
        return iter(self.members)

    def __getitem__(self, galaxy: int) -> Cutout:
        """One cutout."""
        return self.members[galaxy]

    def take(self, galaxies: Iterable[int]) -> Cutouts:
        """The chosen cutouts, in the order chosen."""
        return Cutouts(tuple(self.members[int(galaxy)] for galaxy in galaxies))

    @property
    def object_ids(self) -> tuple[str, ...]:
        """The cutouts' object ids."""
        return tuple(cutout.object_id for cutout in self.members)

    @property
    def psf_fwhms(self) -> Float64[np.ndarray, " galaxy"]:
        """Full width at half maximum of each PSF [pixel], NaN where unknown."""
        return numbers(cutout.psf_fwhm for cutout in self.members)

    @property
    def pixel_scales(self) -> Float64[np.ndarray, " galaxy"]:
        """Each pixel scale [arcsec / pixel], NaN where unknown."""
        return numbers(cutout.pixel_scale for cutout in self.members)

    @property
    def unit_scales(self) -> Float64[np.ndarray, " galaxy"]:
        """A pixel in the unit of posteriors' lengths: arcsec, or the pixel where none is known."""
        found: np.ndarray = np.nan_to_num(self.pixel_scales, nan=1.0)
        return found

    @property
    def zero_points(self) -> Float64[np.ndarray, " galaxy"]:
        """Each zero point [AB mag], NaN where unknown."""
        return numbers(cutout.zero_point for cutout in self.members)

    @property
    def flags(self) -> Int32[np.ndarray, " galaxy"]:
        """Each cutout's flags as a bit mask."""
        return np.array([int(cutout.flags) for cutout in self.members], dtype=np.int32)


def clean_pixels(
    pixels: Shaped[np.ndarray, " ..."], bad: Bool[np.ndarray, " ..."]
) -> tuple[Float32[np.ndarray, "height width"], Bool[np.ndarray, "height width"], bool]:
    """Finite native float32 pixels, the map of bad ones, and whether there are none.

    `GalaxyError` where nothing is left.
    """
    if pixels.ndim != 2 or min(pixels.shape) < SMALLEST_SIDE or max(pixels.shape) > LARGEST_SIDE:
        size = " x ".join(str(side) for side in pixels.shape) or "a single number"
        small = pixels.ndim != 2 or min(pixels.shape) < SMALLEST_SIDE
        side = SMALLEST_SIDE if small else LARGEST_SIDE
        raise GalaxyError(
            f"a cutout must be an image of at {'least' if small else 'most'} {side} x {side} "
            f"pixels; got {size}"
        )
    if bad.size and bad.shape != pixels.shape:
        raise GalaxyError(f"mask and image must have one shape; got {bad.shape}, {pixels.shape}")
    if pixels.dtype.itemsize == FLOAT32.itemsize and pixels.dtype.kind == FLOAT32.kind:
        image = pixels.astype(FLOAT32, copy=False)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            image = pixels.astype(FLOAT32)
    # A single pixel that is not finite shows in one of these two.
    lowest, highest = np.minimum.reduce(image, None), np.maximum.reduce(image, None)
    if bad.size or not (math.isfinite(lowest) and math.isfinite(highest)):
        return masked_pixels(image, bad)
    check_contrast(lowest, highest)
    return image, np.zeros(image.shape, dtype=bool), True


def masked_pixels(
    image: Float32[np.ndarray, "height width"], bad: Bool[np.ndarray, " ..."]
) -> tuple[Float32[np.ndarray, "height width"], Bool[np.ndarray, "height width"], bool]:
    """The image with zeros where it is not finite, the map of bad pixels, whether there are none."""
    unusable = ~np.isfinite(image)
    if unusable.any():
        image = np.where(unusable, np.float32(0), image)
    if bad.size:
        unusable |= bad
    whole = not unusable.any()
    good = image if whole else image[~unusable]
    if good.size < SMALLEST_GOOD_SHARE * image.size:
        raise GalaxyError(
            f"at least {SMALLEST_GOOD_SHARE:.0%} of a cutout's pixels must be good; "
            f"got {good.size / image.size:.0%}: the others are masked or not finite"
        )
    check_contrast(good.min(), good.max())
    return image, unusable, whole


def check_contrast(lowest: np.float32, highest: np.float32) -> None:
    """Refuse, with a `GalaxyError`, an image whose good pixels are all alike."""
    if lowest == highest:
        raise GalaxyError(f"a cutout must have contrast; all good pixels are {lowest:g}")


def core(plane: Shaped[np.ndarray, "height width"]) -> Shaped[np.ndarray, "side side"]:
    """The central box of an image, `CORE_RADIUS` pixels each way."""
    row, column = (side // 2 for side in plane.shape)
    rows, columns = (slice(at - CORE_RADIUS, at + CORE_RADIUS + 1) for at in (row, column))
    return plane[rows, columns]


def numbers(values: Iterable[float | None]) -> Float64[np.ndarray, " galaxy"]:
    """The values as float64, NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
