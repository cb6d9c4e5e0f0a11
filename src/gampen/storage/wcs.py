"""World coordinates from header cards, by hand: the pixel scale, the centre, and cards to write.

Calabretta & Greisen 2002, doi:10.1051/0004-6361:20021327. Pixels are 0-indexed here and
1-indexed in the cards.
"""

from __future__ import annotations

import math

from gampen.cutouts import CardValue
from gampen.storage.headers import Cards

ARCSEC_PER_DEGREE = 3600.0
DEGREES_PER_UNIT = {"": 1.0, "deg": 1.0, "arcmin": 1 / 60, "arcsec": 1 / ARCSEC_PER_DEGREE}
SCALE_CARDS = ("PIXSCALE", "PIXELSCL", "PIXSCAL1", "SECPIX")
PLAUSIBLE_DEGREES = (1e-8, 0.1)
WCS_CARDS = (
    *("WCSAXES", "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"),
    *("CD1_1", "CD1_2", "CD2_1", "CD2_2", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "CDELT1", "CDELT2"),
    *("CROTA1", "CROTA2", "LONPOLE", "LATPOLE", "RADESYS", "RADECSYS", "EQUINOX", "EPOCH"),
)
HIGHEST_SIP_ORDER = 9
SIP_POWERS = tuple(
    f"{p}_{q}" for p in range(HIGHEST_SIP_ORDER + 1) for q in range(HIGHEST_SIP_ORDER + 1 - p)
)
SIP_CARDS = {
    f"{map_}_ORDER": (f"{map_}_ORDER", f"{map_}_DMAX", *(f"{map_}_{pq}" for pq in SIP_POWERS))
    for map_ in ("A", "B", "AP", "BP")
}
"""The cards of each distortion map (Shupe et al. 2005, ASP Conf. 347, 491), by its first."""

FIRST_PV_CARDS = tuple(f"PV{axis}_{term}" for axis in (1, 2) for term in range(5))
PV_CARDS = tuple(f"PV{axis}_{term}" for axis in (1, 2) for term in range(40))
"""A projection's own parameters; every projection that has any has one of the first."""

Matrix = tuple[float, float, float, float]
"""Degrees per pixel: d(first)/dx, d(first)/dy, d(second)/dx, d(second)/dy."""


def wcs_cards(cards: Cards) -> dict[str, CardValue]:
    """The world-coordinate cards that a header holds, SIP distortions and PV parameters too."""
    return dict(cards.chosen(wcs_keywords(cards)))


def wcs_keywords(cards: Cards) -> tuple[str, ...]:
    """The keywords of the cards that may say something of a header's world coordinates."""
    further = [keywords for first, keywords in SIP_CARDS.items() if first in cards]
    if any(keyword in cards for keyword in FIRST_PV_CARDS):
        further.append(PV_CARDS)
    return WCS_CARDS + tuple(keyword for keywords in further for keyword in keywords)


def pixel_matrix(cards: Cards) -> Matrix | None:
    """Degrees per pixel, from CD, PC and CDELT, or CDELT and CROTA2; None for an odd unit."""
    unit = DEGREES_PER_UNIT.get(cards.text("CUNIT1").lower())
    if unit is None:
        return None
    cd = [cards.number(keyword) for keyword in ("CD1_1", "CD1_2", "CD2_1", "CD2_2")]
    if cd != [None] * 4:
        values = [(term or 0.0) * unit for term in cd]
        return values[0], values[1], values[2], values[3]
    steps = [cards.number("CDELT1"), cards.number("CDELT2")]
    first, second = (unit if step is None else step * unit for step in steps)
    pc = _rotation(cards)
    return first * pc[0], first * pc[1], second * pc[2], second * pc[3]


def _rotation(cards: Cards) -> Matrix:
    """The PC matrix, or that of CROTA2 (with steps of one size) where there is none."""
    defaults = {"1_1": 1.0, "1_2": 0.0, "2_1": 0.0, "2_2": 1.0}
    if not any(f"PC{axes}" in cards for axes in defaults):
        angle = math.radians(cards.number("CROTA2") or 0.0)
        ratio = (cards.number("CDELT2") or 1.0) / (cards.number("CDELT1") or 1.0)
        ratio = ratio if 1e-9 < abs(ratio) < 1e9 else 1.0
        return math.cos(angle), -math.sin(angle) * ratio, math.sin(angle) / ratio, math.cos(angle)
    values = [cards.number(f"PC{axes}") for axes in defaults]
    filled = [d if v is None else v for v, d in zip(values, defaults.values(), strict=True)]
    return filled[0], filled[1], filled[2], filled[3]


def pixel_scale(headers: tuple[Cards, ...]) -> float | None:
    """The side of a pixel [arcsec], as the root of its area; None where no header tells it.

    Read in this order: a CD or PC matrix or CDELT; PIXSCALE and its like, in arcsec.
    """
    for cards in headers:
        matrix = pixel_matrix(cards)
        if matrix is not None:
            side = math.sqrt(abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))
            if PLAUSIBLE_DEGREES[0] < side < PLAUSIBLE_DEGREES[1]:
                return side * ARCSEC_PER_DEGREE
    for cards in headers:
        for keyword in SCALE_CARDS:
            scale = cards.number(keyword)
            if scale is not None and scale > 0:
                return scale
    return None


def central_position(cards: Cards, shape: tuple[int, int]) -> tuple[float, float] | None:
    """Right ascension and declination [deg] of the centre of an image with a plain TAN projection.

    None for any other projection: a distorted one needs more than this.
    """
    matrix = pixel_matrix(cards)
    pole = (cards.number("CRVAL1"), cards.number("CRVAL2"))
    origin = (cards.number("CRPIX1"), cards.number("CRPIX2"))
    plain = (cards.text("CTYPE1"), cards.text("CTYPE2")) == ("RA---TAN", "DEC--TAN")
    if not plain or matrix is None or None in pole or None in origin:
        return None
    height, width = shape
    dx = (width - 1) / 2 + 1 - (origin[0] or 0.0)
    dy = (height - 1) / 2 + 1 - (origin[1] or 0.0)
    plane = (matrix[0] * dx + matrix[1] * dy, matrix[2] * dx + matrix[3] * dy)
    found = deproject(plane, (pole[0] or 0.0, pole[1] or 0.0))
    return found if math.isfinite(found[0] + found[1]) else None


def deproject(plane: tuple[float, float], pole: tuple[float, float]) -> tuple[float, float]:
    """Right ascension and declination [deg] of a point of the tangent plane [deg] at a position."""
    xi, eta = (math.radians(offset) for offset in plane)
    ra, dec = (math.radians(angle) for angle in pole)
    depth = math.cos(dec) - eta * math.sin(dec)
    height = math.sin(dec) + eta * math.cos(dec)
    longitude = ra + math.atan2(xi, depth)
    return math.degrees(longitude) % 360.0, math.degrees(math.atan2(height, math.hypot(xi, depth)))


def tangent_cards(
    shape: tuple[int, int], pixel_scale: float, position: tuple[float, float] | None = None
) -> dict[str, CardValue]:
    """The cards of a TAN projection, north up and east left, with the image's centre at a position.

    `pixel_scale` [arcsec / pixel], `position` right ascension and declination [deg]; without it the
    cards tell the pixel scale alone.
    """
    step = pixel_scale / ARCSEC_PER_DEGREE
    scale: dict[str, CardValue] = {"CD1_1": -step, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": step}
    units: dict[str, CardValue] = {"CUNIT1": "deg", "CUNIT2": "deg"}
    if position is None:
        return units | scale
    height, width = shape
    names: dict[str, CardValue] = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "RADESYS": "ICRS"}
    centre = {"CRPIX1": (width + 1) / 2, "CRPIX2": (height + 1) / 2}
    return names | units | centre | {"CRVAL1": position[0], "CRVAL2": position[1]} | scale
