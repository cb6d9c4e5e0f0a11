"""Cutouts: images of any size that know what they are, and the flags that say what is unusual.

Pixels are 0-indexed with integer centres, arrays `[row, column]`; the galaxy sits in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np
from jaxtyping import Bool, Float64, Int32, Shaped

from gampen.errors import GalaxyError
from gampen.pixels import clean_pixels

ZERO_POINTS = (-100.0, 100.0)
"""[AB mag] A number outside of these is not a zero point, but a sign that none is known."""

CORE_RADIUS = 3
"""[pixel] Half-width of the central box in which one bad pixel is worth a flag of its own."""

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


def core(plane: Shaped[np.ndarray, "height width"]) -> Shaped[np.ndarray, "side side"]:
    """The central box of an image, `CORE_RADIUS` pixels each way."""
    row, column = (side // 2 for side in plane.shape)
    rows, columns = (slice(at - CORE_RADIUS, at + CORE_RADIUS + 1) for at in (row, column))
    return plane[rows, columns]


def numbers(values: Iterable[float | None]) -> Float64[np.ndarray, " galaxy"]:
    """The values as float64, NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
