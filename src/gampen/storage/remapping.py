"""World coordinates under an affine map of pixels: the same sky, seen in other pixels.

With offsets from the reference pixel u in the old image and s in the new one, u = M s, where the
reference pixel goes where the map takes it. The linear part (CD, or PC beside CDELT) is multiplied
by M. SIP's polynomials F act on offsets in pixels: u + F(u) = M (s + M^-1 F(M s)), again a SIP of
the same order, by substitution; for its inverse alike. What acts behind the linear part, such as
PV parameters, stays as it is. Greisen & Calabretta 2002, doi:10.1051/0004-6361:20021326; Shupe et
al. 2005, ASP Conf. 347, 491.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from jaxtyping import Float64

from gampen.cutouts import CardValue
from gampen.errors import GalaxyError
from gampen.storage.headers import Cards

Changes = dict[str, CardValue | None]
"""New values by keyword; None where a card must go."""

Matrix = Float64[np.ndarray, "2 2"]
Coefficients = Float64[np.ndarray, "power power"]

AXES = ("1_1", "1_2", "2_1", "2_2")
VERSIONS = ("", *ascii_uppercase)
SIGNS = (
    "CTYPE1",
    "CRPIX1",
    "CRVAL1",
    "CDELT1",
    *(f"{name}{a}" for name in ("CD", "PC") for a in AXES),
)
FURTHER_AXIS = re.compile(
    r"(CTYPE|CUNIT|CRVAL|CRPIX|CDELT|CROTA|CNAME|CRDER|CSYER)[3-9][A-Z]?"
    r"|(CD|PC)([3-9]_\d|\d_[3-9])[A-Z]?|P[VS][3-9]_\d+[A-Z]?"
)
WORLD_CARD = re.compile(
    r"(CTYPE|CUNIT|CRVAL|CRPIX|CDELT|CROTA|CNAME|CRDER|CSYER)\d[A-Z]?|(CD|PC|LTM)\d_\d[A-Z]?"
    r"|P[VS]\d_\d+[A-Z]?|[AB]P?_(ORDER|DMAX|\d_\d)|LTV\d|(CPDIS|D2IMDIS)\d"
    r"|(WCSAXES|LONPOLE|LATPOLE|RADESYS|EQUINOX)[A-Z]?"
)
TABULATED = ("CPDIS1", "CPDIS2", "D2IMDIS1", "D2IMDIS2")
HIGHEST_ORDER = 9


@dataclass(frozen=True, eq=False)
class PixelMap:
    """Where the pixels of a new image lie in an old one: `matrix @ new + shift`, (x, y) from 0."""

    matrix: Matrix
    shift: Float64[np.ndarray, " 2"]

    @property
    def inverse(self) -> Matrix:
        """The matrix from old pixels to new ones."""
        return np.linalg.inv(self.matrix)

    @property
    def only_shifts(self) -> bool:
        """Whether new pixels are as large as old ones, and lie alike."""
        return np.array_equal(self.matrix, np.eye(2))

    @property
    def area(self) -> float:
        """Of a new pixel [old pixel]."""
        return abs(float(np.linalg.det(self.matrix)))

    @property
    def side(self) -> float:
        """Of the square that has a new pixel's area [old pixel]."""
        return math.sqrt(self.area)

    def card_place(self, first: float, second: float) -> tuple[float, float]:
        """Where a place in the old image lies in the new one, both counted from 1 as in cards."""
        x, y = self.inverse @ (np.array([first, second]) - 1 - self.shift) + 1
        return float(x), float(y)


def remapped(cards: Cards, pixels: PixelMap) -> Changes:
    """What must change in a header so that its world coordinates hold in the new pixels.

    Third axes go. `GalaxyError` for distortions in a table beside the image, which no header holds.
    """
    tables = [keyword for keyword in TABULATED if keyword in cards]
    if tables:
        raise GalaxyError(f"distortions must be in the header; got {tables[0]}, a table beside it")
    changes: Changes = {keyword: None for keyword in cards if FURTHER_AXIS.fullmatch(keyword)}
    for version in VERSIONS:
        if any(sign + version in cards for sign in SIGNS):
            changes |= linear_part(cards, version, pixels)
    changes |= distortion(cards, ("A", "B"), pixels)
    changes |= distortion(cards, ("AP", "BP"), pixels)
    return changes | physical_part(cards, pixels)


def linear_part(cards: Cards, version: str, pixels: PixelMap) -> Changes:
    """The reference pixel and the matrix of one version of the coordinates, in the form it has."""
    origin = [cards.number(f"CRPIX{axis}{version}") or 0.0 for axis in (1, 2)]
    first, second = pixels.card_place(*origin)
    changes: Changes = {f"CRPIX1{version}": first, f"CRPIX2{version}": second}
    if f"WCSAXES{version}" in cards:
        changes[f"WCSAXES{version}"] = 2
    if pixels.only_shifts:
        return changes
    if any(f"CD{axes}{version}" in cards for axes in AXES):
        return changes | named(
            "CD", matrix_in(cards, "CD", version, np.zeros((2, 2))), version, pixels
        )
    if any(f"PC{axes}{version}" in cards for axes in AXES):
        return changes | named("PC", matrix_in(cards, "PC", version, np.eye(2)), version, pixels)
    changes |= {"CROTA1": None, "CROTA2": None} if not version else {}
    return changes | named("PC", np.eye(2) if version else turned(cards), version, pixels)


def named(name: str, matrix: Matrix, version: str, pixels: PixelMap) -> Changes:
    """The cards of a matrix in the new pixels."""
    new = (matrix @ pixels.matrix).flatten().tolist()
    return {f"{name}{axes}{version}": value for axes, value in zip(AXES, new, strict=True)}


def matrix_in(cards: Cards, name: str, version: str, missing: Matrix) -> Matrix:
    """The matrix in cards; those that are missing have their default."""
    found = [cards.number(f"{name}{axes}{version}") for axes in AXES]
    pairs = zip(found, missing.flatten().tolist(), strict=True)
    return np.array([m if value is None else value for value, m in pairs]).reshape(2, 2)


def turned(cards: Cards) -> Matrix:
    """The PC matrix that the angle CROTA of the axis of latitude stands for, beside CDELT."""
    latitude = 0 if re.match(r"DEC|.LAT|.{2}LT", cards.text("CTYPE1")) else 1
    longitude = 1 - latitude
    angle = math.radians(cards.number(f"CROTA{latitude + 1}") or 0.0)
    steps = [cards.number(f"CDELT{axis}") or 1.0 for axis in (1, 2)]
    ratio = steps[latitude] / steps[longitude]
    matrix = np.eye(2) * math.cos(angle)
    matrix[longitude, latitude] = -math.sin(angle) * ratio
    matrix[latitude, longitude] = math.sin(angle) / ratio
    return matrix


def distortion(cards: Cards, names: tuple[str, str], pixels: PixelMap) -> Changes:
    """The cards of a pair of SIP polynomials in the new pixels."""
    orders = [int(cards.number(f"{name}_ORDER") or 0) for name in names]
    order = max(orders)
    if not order or pixels.only_shifts:
        return {}
    if order > HIGHEST_ORDER:
        raise GalaxyError(f"SIP must be of an order up to {HIGHEST_ORDER}; got {order}")
    olds = [coefficients(cards, *pair) for pair in zip(names, orders, strict=True)]
    substitutes = np.stack([substituted(old, pixels.matrix) for old in olds])
    changes: Changes = {}
    for name, new in zip(names, np.tensordot(pixels.inverse, substitutes, axes=1), strict=True):
        changes |= {f"{name}_ORDER": order, f"{name}_DMAX": None}
        for p, q in powers(order):
            value = float(new[p, q])
            changes[f"{name}_{p}_{q}"] = value or None
    return changes


def coefficients(cards: Cards, name: str, order: int) -> Coefficients:
    """The coefficients of one polynomial, by the powers of x and y; zero beyond its order."""
    found = np.zeros((HIGHEST_ORDER + 1, HIGHEST_ORDER + 1))
    for p, q in powers(order):
        found[p, q] = cards.number(f"{name}_{p}_{q}") or 0.0
    return found


def powers(order: int) -> Iterator[tuple[int, int]]:
    """The powers of x and y of a polynomial's terms."""
    return ((p, q) for p in range(order + 1) for q in range(order + 1 - p))


def substituted(old: Coefficients, matrix: Matrix) -> Coefficients:
    """The polynomial in (s, t) that one in (x, y) becomes with (x, y) = matrix @ (s, t)."""
    new = np.zeros_like(old)
    for p, q in np.argwhere(old).tolist():
        # of a sum of one degree, by the power of t
        term = np.ones(1)
        for factor in (*[matrix[0]] * p, *[matrix[1]] * q):
            term = np.convolve(term, factor)
        for power, share in enumerate(term.tolist()):
            new[p + q - power, power] += old[p, q] * share
    return new


def physical_part(cards: Cards, pixels: PixelMap) -> Changes:
    """IRAF's LTM and LTV, which lead from the pixels of a larger image to this one's."""
    names = [f"LTM{axes}" for axes in AXES]
    if not any(keyword in cards for keyword in (*names, "LTV1", "LTV2")):
        return {}
    matrix = pixels.inverse @ matrix_in(cards, "LTM", "", np.eye(2))
    origin = [cards.number(f"LTV{axis}") or 0.0 for axis in (1, 2)]
    first, second = pixels.card_place(*origin)
    values = matrix.flatten().tolist()
    return {**dict(zip(names, values, strict=True)), "LTV1": first, "LTV2": second}
