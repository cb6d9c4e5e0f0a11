"""How an image lies on the sky: where east and north point at its centre.

A plain gnomonic projection is worked out by hand (Calabretta & Greisen 2002,
doi:10.1051/0004-6361:20021077), any other by astropy, which takes a hundred times as long.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from gampen.cutouts import CardValue, Cutout
from gampen.storage.celestial import on_the_sky, unit_vectors
from gampen.storage.headers import CARD_LENGTH, Cards
from gampen.storage.wcs import FIRST_PV_CARDS, SIP_CARDS, pixel_matrix

Directions = Float64[np.ndarray, "2 2"]
EQUATORIAL = ("", "ICRS", "FK5")
"""Systems whose north at the equinox of 2000 is that of ICRS to far below an arcsecond."""

SYSTEM_CARDS = ("RADESYS", "RADECSYS")
EPOCH_CARDS = ("EQUINOX", "EPOCH")
USUAL = {"LONPOLE": 180.0, **dict.fromkeys(EPOCH_CARDS, 2000.0)}
NOT_KNOWN = np.full((2, 2), np.nan)


def directions(cutout: Cutout) -> Directions:
    """How far a step along x or y (columns) leads east or north (rows), at an image's centre.

    [radian / pixel], by the world coordinates, distortions and all; NaN where there are none of the
    sky.
    """
    if "CTYPE1" not in cutout.wcs:
        return NOT_KNOWN
    centre = (cutout.shape[1] - 1) / 2, (cutout.shape[0] - 1) / 2
    cards = as_cards(cutout.wcs)
    if is_plain(cards):
        return gnomonic(cards, *centre)
    try:
        return by_steps(cutout.wcs, *centre)
    except Exception:  # noqa: BLE001 - astropy and wcslib raise a dozen kinds
        return NOT_KNOWN


def as_cards(values: Mapping[str, CardValue]) -> Cards:
    """Values by keyword as the cards of a header."""
    told = {k: f"'{v}'" if isinstance(v, str) else str(v) for k, v in values.items()}
    lines = (f"{keyword:<8}= {value}".ljust(CARD_LENGTH) for keyword, value in told.items())
    return Cards("".join(line[:CARD_LENGTH] for line in lines).encode("latin-1", "replace"))


def is_plain(cards: Cards) -> bool:
    """Whether a header is of a gnomonic projection of ICRS, without distortions and turns."""
    numbers = [cards.number(name) for name in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    return (
        (cards.text("CTYPE1"), cards.text("CTYPE2")) == ("RA---TAN", "DEC--TAN")
        and pixel_matrix(cards) is not None
        and None not in numbers
        and abs(numbers[1] or 0.0) < 90
        and all(cards.text(name) in EQUATORIAL for name in SYSTEM_CARDS)
        and all(cards.number(name) in (None, usual) for name, usual in USUAL.items())
        and not any(name in cards for name in (*SIP_CARDS, *FIRST_PV_CARDS))
    )


def gnomonic(cards: Cards, x: float, y: float) -> Directions:
    """The directions at a place [pixel, from 0] of a plain gnomonic projection.

    A place of the tangent plane is the sum of the pole's unit vector and of steps along east and
    north there, of which the direction is the position on the sky. What a step adds to its length
    is across neither east nor north.
    """
    matrix = np.radians(np.reshape(np.array(pixel_matrix(cards), dtype=np.float64), (2, 2)))
    origin = [cards.number(f"CRPIX{axis}") or 0.0 for axis in (1, 2)]
    ra, dec = (cards.number(f"CRVAL{axis}") or 0.0 for axis in (1, 2))
    pole, plane = frame(ra, dec)
    place = pole + (matrix @ (np.array([x, y]) + 1 - origin)) @ plane
    length = np.linalg.norm(place)
    longitude = np.degrees(np.arctan2(place[1], place[0]))
    latitude = np.degrees(np.arcsin(place[2] / length))
    _, there = frame(float(longitude), float(latitude))
    found: np.ndarray = there @ plane.T @ matrix / length
    return found


def frame(ra: float, dec: float) -> tuple[Float64[np.ndarray, " 3"], Float64[np.ndarray, "2 3"]]:
    """The unit vector of a position [deg], and those of east and north there."""
    longitude = np.radians(ra)
    east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    position = unit_vectors(np.array([ra]), np.array([dec]))[0]
    return position, np.stack([east, np.cross(position, east)])


def by_steps(cards: Mapping[str, CardValue], x: float, y: float) -> Directions:
    """The directions at a place [pixel, from 0] of any projection, by steps of half a pixel."""
    from astropy.io import fits
    from astropy.wcs import WCS

    across = x + np.array([0.0, -0.5, 0.5, 0.0, 0.0])
    up = y + np.array([0.0, 0.0, 0.0, -0.5, 0.5])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        wcs = WCS(fits.Header(dict(cards)), naxis=2)
        ra, dec = on_the_sky(wcs, across, up)
    left, right, below, above = unit_vectors(ra, dec)[1:]
    _, there = frame(float(ra[0]), float(dec[0]))
    found: np.ndarray = there @ np.stack([right - left, above - below], axis=-1)
    return found
