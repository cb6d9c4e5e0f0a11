"""Which HDU is what: the image of the chosen band, its mask, its variance and its PSF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Bool, Shaped

from gampen.cutouts import NO_MAP
from gampen.errors import GalaxyError
from gampen.storage.hdus import Hdu
from gampen.storage.headers import Cards, bands

Band = int | str | None
"""A plane's number from 0, a band's name, or nothing chosen."""

BAD_MASK_PLANES = ("BAD", "SAT", "CR", "NO_DATA", "UNMASKEDNAN")
"""Planes of a Rubin or HSC mask whose pixels mean nothing; DETECTED, say, means there is light."""


class Role(Enum):
    """What the pixels of an HDU are."""

    IMAGE = "image"
    MASK = "mask"
    VARIANCE = "variance"
    WEIGHT = "weight"
    NOISE = "noise"
    PSF = "psf"
    OTHER = "other"


ROLES_BY_NAME = {
    Role.IMAGE: ("IMAGE", "SCI", "PRIMARY", "DATA", "COADD"),
    Role.MASK: ("MASK", "DQ", "FLAGS", "MSK"),
    Role.VARIANCE: ("VARIANCE", "VAR"),
    Role.WEIGHT: ("INVVAR", "IVAR", "WEIGHT", "WHT"),
    Role.NOISE: ("ERR", "RMS", "SIGMA", "UNCERT", "STD"),
    Role.PSF: ("PSF",),
}
BESIDE = (Role.MASK, Role.VARIANCE, Role.WEIGHT, Role.NOISE, Role.PSF)
ROLES = {name: role for role, names in ROLES_BY_NAME.items() for name in names}


@dataclass(frozen=True, eq=False)
class Planes:
    """The planes of one cutout: an image, the bad pixels, and a PSF where the file has one."""

    image: Shaped[np.ndarray, " ..."]
    bad: Bool[np.ndarray, " ..."]
    psf: Shaped[np.ndarray, " ..."] | None
    headers: tuple[Cards, ...]


def role_of(hdu: Hdu) -> Role:
    """What an HDU holds, from EXTNAME, EXTTYPE or IMAGETYP, or from its mask cards."""
    if hdu.cards.mask_planes:
        return Role.MASK
    for card in ("EXTNAME", "EXTTYPE", "IMAGETYP"):
        name = hdu.cards.text(card).upper()
        if name in ROLES:
            return ROLES[name]
        if name and card == "EXTNAME" and name != "COMPRESSED_IMAGE":
            return Role.OTHER
    return Role.IMAGE


def choose_planes(
    hdus: tuple[Hdu, ...], band: Band = None, images_are: tuple[Role, ...] = (Role.IMAGE,)
) -> Planes:
    """The planes of the chosen band; `GalaxyError` where there is no image or no single choice."""
    filled = [(role_of(hdu), hdu) for hdu in hdus if hdu.array is not None]
    images = [hdu for role, hdu in filled if role in images_are]
    images = images or [hdu for role, hdu in filled if role is Role.OTHER]
    if not images:
        raise GalaxyError("the file must hold an image; it has none")
    chosen, plane = choose_image(images, band, hdus[0].cards)
    image = plane_of(chosen, plane)
    headers = (chosen.cards,) if chosen is hdus[0] else (chosen.cards, hdus[0].cards)
    beside = [(role, hdu) for role, hdu in filled if role in BESIDE and is_beside(hdu, chosen)]
    maps = [bad_pixels(hdu, plane, image.shape) for role, hdu in beside if role is not Role.PSF]
    psfs = [plane_of(hdu, plane) for role, hdu in beside if role is Role.PSF]
    return Planes(image, union(maps), psfs[0] if psfs else None, headers)


def choose_image(images: list[Hdu], band: Band, primary: Cards) -> tuple[Hdu, int]:
    """The HDU and the number of its plane that hold a band."""
    if planes_in(images[0]) > 1:
        names = bands((images[0].cards, primary))
        return images[0], choose(band, names, planes_in(images[0]))
    if len(images) > 1:
        names = tuple(name for hdu in images for name in bands((hdu.cards,))[:1])
        if len(names) == len(images) and len(set(names)) == len(names):
            return images[choose(band, names, len(images))], 0
    elif band is None:
        return images[0], 0
    single = bands((images[0].cards, primary))[:1]
    return images[choose(band, single, 1)], 0


def choose(band: Band, names: tuple[str, ...], count: int) -> int:
    """The number of the chosen plane among `count`; `GalaxyError` where the choice fails."""
    listed = f"{count} ({', '.join(names)})" if names else str(count)
    if band is None and count == 1:
        return 0
    if band is None:
        raise GalaxyError(
            f"a band must be chosen where a file holds several; it holds {listed}: say --band"
        )
    if isinstance(band, int):
        if not 0 <= band < count:
            raise GalaxyError(f"band must be from 0 to {count - 1}; got {band}")
        return band
    matches = [plane for plane, name in enumerate(names[:count]) if same_band(name, band)]
    if matches:
        return matches[0]
    if count == 1 and not names:
        return 0
    raise GalaxyError(f"band must be one that the file names; got {band!r}, the file has {listed}")


def same_band(name: str, wanted: str) -> bool:
    """Whether a header's band is the wanted one: 'HSC-I' is 'I' and 'i', 'i2' is not 'i'."""
    last = re.split(r"[-_. ]", name.strip())[-1]
    return wanted.strip().lower() in (name.strip().lower(), last.lower())


def planes_in(hdu: Hdu) -> int:
    """The number of images in an HDU, along its first axis once axes of length one are dropped."""
    shape = squeezed(hdu).shape
    return 1 if len(shape) < 3 else shape[0]


def plane_of(hdu: Hdu, plane: int) -> Shaped[np.ndarray, ...]:
    """One image of an HDU."""
    array = squeezed(hdu)
    if array.ndim > 3:
        raise GalaxyError(f"an image must have two or three axes; got {array.ndim}")
    return array[min(plane, len(array) - 1)] if array.ndim == 3 else array


def squeezed(hdu: Hdu) -> Shaped[np.ndarray, ...]:
    """The pixels of an HDU without leading axes of length one."""
    array = np.empty((0, 0)) if hdu.array is None else hdu.array
    while array.ndim > 2 and len(array) == 1:
        array = array[0]
    return array


def is_beside(hdu: Hdu, image: Hdu) -> bool:
    """Whether an HDU may describe an image: it is another one, and not of another band."""
    own, other = bands((hdu.cards,)), bands((image.cards,))
    return hdu is not image and (not own or not other or own == other)


def bad_pixels(hdu: Hdu, plane: int, shape: tuple[int, ...]) -> Bool[np.ndarray, "height width"]:
    """The pixels that a mask, variance, weight or noise plane calls bad."""
    role = role_of(hdu)
    values = plane_of(hdu, plane)
    if values.shape != shape:
        raise GalaxyError(
            f"{role.value} and image must have one shape; got {values.shape} and {shape}"
        )
    if role is Role.MASK:
        return masked(values, hdu.cards)
    with np.errstate(invalid="ignore"):
        good: Bool[np.ndarray, "height width"] = np.isfinite(values) & (values > 0)
    return ~good


def masked(
    values: Shaped[np.ndarray, "height width"], cards: Cards
) -> Bool[np.ndarray, "height width"]:
    """The bad pixels of a mask: bad planes where MP_ cards name them, else all but zeros."""
    if not cards.mask_planes:
        return np.asarray(values != 0)
    bits = [cards.number(f"MP_{name}") for name in BAD_MASK_PLANES]
    wanted = sum({1 << int(bit) for bit in bits if bit is not None and 0 <= bit < 63})
    with np.errstate(invalid="ignore"):
        numbers = values.astype(np.int64)
    # A mask of real numbers may hold what is none; such a pixel is not known to be good.
    return np.asarray(((numbers & wanted) != 0) | ~np.isfinite(values))


def union(
    maps: Sequence[Bool[np.ndarray, "height width"]],
) -> Bool[np.ndarray, " ..."]:
    """The pixels that are bad in any map; an empty array where there is no map."""
    return np.asarray(np.logical_or.reduce(maps)) if maps else NO_MAP
