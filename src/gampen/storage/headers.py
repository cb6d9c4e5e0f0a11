"""FITS header cards, and what they say about zero point, PSF and band.

Every number is worked out by hand from the cards: a library object per cutout would cost more time
than the posterior.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import count, takewhile

from gampen.cutouts import CardValue

CARD_LENGTH = 80
PSF_CARDS = ("PSF_FWHM", "PSFFWHM", "FWHM", "SEEING")
ZERO_POINTS_OF_UNITS = {
    "nmgy": 22.5,
    "nanomaggy": 22.5,
    "nanomaggies": 22.5,
    "njy": 31.4,
    "ujy": 23.9,
    "mjy": 16.4,
    "jy": 8.9,
}
"""AB zero points of the flux units that need no other card."""


class Cards(Mapping[str, CardValue]):
    """The cards of one header, each parsed when it is asked for.

    Comments and history are left out; of a repeated keyword the first counts.
    """

    def __init__(self, raw: bytes) -> None:
        """Take the header's bytes, up to and without its END card or with it."""
        text = self._text = raw.decode("latin-1")
        # Backwards, so that of a repeated keyword the first stays.
        self._fields = {
            text[start : start + 8].rstrip(): start + 10
            for start in range((len(text) - 10) // CARD_LENGTH * CARD_LENGTH, -1, -CARD_LENGTH)
            if text[start + 8 : start + 10] == "= "
        }
        if "HIERARCH " in text:
            self._add_long_keywords()

    def _add_long_keywords(self) -> None:
        """Find the cards whose keyword has more than eight letters."""
        text = self._text
        for start in range(0, len(text), CARD_LENGTH):
            end = text.find("=", start, start + CARD_LENGTH - 1)
            if text.startswith("HIERARCH ", start) and end != -1:
                self._fields.setdefault(text[start + 9 : end].strip(), end + 1)

    def __getitem__(self, keyword: str) -> CardValue:
        """The value of a card; `KeyError` where it is missing, empty or cannot be read."""
        value = self.value(keyword)
        if value is None:
            raise KeyError(keyword)
        return value

    def __contains__(self, keyword: object) -> bool:
        """Whether there is a card with a value."""
        return isinstance(keyword, str) and self.value(keyword) is not None

    def __iter__(self) -> Iterator[str]:
        """The keywords of the cards with a value, in order."""
        return (keyword for keyword in reversed(self._fields) if keyword in self)

    def __len__(self) -> int:
        """The number of cards with a value."""
        return sum(1 for _ in self)

    @property
    def mask_planes(self) -> tuple[str, ...]:
        """The planes of a Rubin or HSC mask that MP_ cards number."""
        if "MP_" not in self._text:
            return ()
        return tuple(keyword[3:] for keyword in self._fields if keyword.startswith("MP_"))

    def value(self, keyword: str) -> CardValue | None:
        """The value of a card, None where it is missing, empty or cannot be read."""
        # Asked fifty times a file, mostly in vain: the quick way out comes first.
        start = self._fields.get(keyword)
        if start is None:
            return None
        return split_card(self._field(start))[0]

    def chosen(self, keywords: Iterable[str]) -> ChosenCards:
        """Some of the cards, those that have a value."""
        field, there = self._field, self._fields
        return ChosenCards({key: field(there[key]) for key in keywords if key in there})

    def _field(self, start: int) -> str:
        """What is written behind a keyword, from a place to the end of its card."""
        return self._text[start : start - start % CARD_LENGTH + CARD_LENGTH]

    def comment(self, keyword: str) -> str:
        """The comment of a card, empty where there is none."""
        start = self._fields.get(keyword)
        return "" if start is None else split_card(self._field(start))[1]

    def number(self, keyword: str) -> float | None:
        """The value of a card as a finite number, also one in quotes; None where there is none."""
        value = self.value(keyword)
        if value is None or isinstance(value, bool):
            return None
        try:
            number = float(value)
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def text(self, keyword: str) -> str:
        """The value of a card as text without blanks around it; empty where there is none."""
        value = self.value(keyword)
        return "" if value is None else str(value).strip()


class ChosenCards(Mapping[str, CardValue]):
    """A few cards without the rest of their header, parsed once somebody looks at them."""

    def __init__(self, fields: dict[str, str]) -> None:
        """Take what is written behind each keyword."""
        self._fields: dict[str, str] | None = fields
        self._parsed: dict[str, CardValue] = {}

    def _values(self) -> dict[str, CardValue]:
        if self._fields is not None:
            pairs = ((key, split_card(field)[0]) for key, field in self._fields.items())
            self._parsed = {key: value for key, value in pairs if value is not None}
            self._fields = None
        return self._parsed

    def __getitem__(self, keyword: str) -> CardValue:
        """The value of a card; `KeyError` where it is missing."""
        return self._values()[keyword]

    def __iter__(self) -> Iterator[str]:
        """The keywords, in the order in which they were chosen."""
        return iter(self._values())

    def __len__(self) -> int:
        """The number of cards."""
        return len(self._values())

    def __repr__(self) -> str:
        """The cards as a dictionary shows them."""
        return repr(self._values())


@lru_cache(maxsize=4096)  # the files of one survey share most of their cards
def split_card(field: str) -> tuple[CardValue | None, str]:
    """The value and the comment in columns 11 to 80 of a card."""
    stripped = field.lstrip()
    if stripped.startswith("'"):
        return split_string(stripped)
    value, _, comment = stripped.partition("/")
    return parse_value(value.strip()), comment.strip()


def split_string(stripped: str) -> tuple[str, str]:
    """The value and the comment of a card whose value is in quotes; a doubled quote is one."""
    end = stripped.find("'", 1)
    while end != -1 and stripped[end + 1 : end + 2] == "'":
        end = stripped.find("'", end + 2)
    end = len(stripped) if end == -1 else end
    value = stripped[1:end].replace("''", "'").rstrip()
    return value, stripped[end + 1 :].partition("/")[2].strip()


def parse_value(value: str) -> CardValue | None:
    """A logical, whole or real number; None for anything else."""
    if value in ("T", "F"):
        return value == "T"
    if "_" in value:  # which Python has in numbers, and FITS has not
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value.replace("D", "E").replace("d", "e"))
    except ValueError:
        return None


def zero_point(headers: tuple[Cards, ...]) -> float | None:
    """The AB magnitude of one image unit, None where no header tells it.

    Read, in this order: MAGZERO; FLUXMAG0 (Rubin, HSC); PHOTFLAM with PHOTPLAM (Hubble); BUNIT
    where it is a flux unit or, with PIXAR_SR, MJy/sr (Webb).
    """
    for source in (_magzero, _fluxmag0, _photflam, _flux_unit):
        for cards in headers:
            value = source(cards)
            if value is not None and math.isfinite(value):
                return value
    return None


def _magzero(cards: Cards) -> float | None:
    """MAGZERO itself."""
    return cards.number("MAGZERO")


def _fluxmag0(cards: Cards) -> float | None:
    """`2.5 log10 FLUXMAG0`, the flux of magnitude zero."""
    flux = cards.number("FLUXMAG0")
    return 2.5 * math.log10(flux) if flux and flux > 0 else None


def _photflam(cards: Cards) -> float | None:
    """The AB zero point of a Hubble image, from its inverse sensitivity and pivot wavelength."""
    sensitivity, pivot = cards.number("PHOTFLAM"), cards.number("PHOTPLAM")
    if not (sensitivity and pivot and sensitivity > 0 and pivot > 0):
        return None
    return -2.5 * math.log10(sensitivity) - 5 * math.log10(pivot) - 2.408


def _flux_unit(cards: Cards) -> float | None:
    """The zero point that the unit of the pixels implies."""
    unit = cards.text("BUNIT")
    area = cards.number("PIXAR_SR")
    if unit.replace(" ", "") in ("MJy/sr", "MJysr-1") and area and area > 0:
        return ZERO_POINTS_OF_UNITS["jy"] - 2.5 * math.log10(1e6 * area)
    # The case tells a megajansky from a millijansky; nothing else is told by it.
    return None if unit.startswith("MJ") else ZERO_POINTS_OF_UNITS.get(unit.lower())


def psf_fwhm(headers: tuple[Cards, ...], pixel_scale: float | None) -> float | None:
    """The PSF's full width at half maximum [pixel] that a header states, or None.

    A card is taken to be in arcsec unless its comment speaks of pixels.
    """
    for keyword in PSF_CARDS:
        for cards in headers:
            width = cards.number(keyword)
            if width is None or width <= 0:
                continue
            if "pix" in cards.comment(keyword).lower():
                return width
            if pixel_scale is not None:
                return width / pixel_scale
    return None


def bands(headers: tuple[Cards, ...]) -> tuple[str, ...]:
    """The bands of a file's planes, in order, from BAND0.., BANDS, BAND or FILTER."""
    for cards in headers:
        if "BAND0" in cards:
            numbered = (cards.text(f"BAND{plane}") for plane in count())
            return tuple(takewhile(bool, numbered))
        listed = cards.text("BANDS")
        if listed:
            return tuple(listed.split(",")) if "," in listed else tuple(listed)
        single = cards.text("BAND") or cards.text("FILTER")
        if single:
            return (single,)
    return ()
