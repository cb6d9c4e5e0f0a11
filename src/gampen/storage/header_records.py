"""A header as it stands in its file, card by card, so that what is not understood can be kept.

A record is a card with those that continue it. Comments, history and cards of unknown form stay as
they are, to the letter.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gampen.cutouts import CardValue
from gampen.errors import GalaxyError, reason_of
from gampen.storage.fits import card
from gampen.storage.hdus import read_hdus
from gampen.storage.headers import CARD_LENGTH, Cards
from gampen.storage.planes import Band, choose_planes
from gampen.storage.remapping import WORLD_CARD

LONGEST_TEXT = 67
"""[letter] Of text in one card; longer text is continued in further ones."""


@dataclass(frozen=True)
class Record:
    """A keyword, empty or COMMENT or the like where there is no value, and its cards' letters."""

    keyword: str
    images: tuple[str, ...]

    @property
    def text(self) -> str:
        """All letters of its cards."""
        return "".join(self.images)


def records_of(text: str) -> list[Record]:
    """The records of a header's letters, up to its END card; empty cards are left out."""
    records: list[Record] = []
    for start in range(0, len(text), CARD_LENGTH):
        image = text[start : start + CARD_LENGTH].ljust(CARD_LENGTH)
        keyword = keyword_of(image)
        if keyword == "END":
            break
        if keyword == "CONTINUE" and records:
            records[-1] = Record(records[-1].keyword, (*records[-1].images, image))
        elif image.strip():
            records.append(Record(keyword, (image,)))
    return records


def keyword_of(image: str) -> str:
    """The keyword of a card, also a HIERARCH one."""
    if image.startswith("HIERARCH ") and "=" in image:
        return image[9:].partition("=")[0].strip()
    return image[:8].strip()


def cards_of(records: Iterable[Record]) -> Cards:
    """What the records say."""
    return Cards("".join(record.text for record in records).encode("latin-1", "replace"))


def record(keyword: str, value: CardValue, comment: str = "") -> Record:
    """A new record, with its comment where there is room; text may be of any length."""
    if isinstance(value, str):
        value = value.encode("ascii", "backslashreplace").decode()
        if len(value.replace("'", "''")) > LONGEST_TEXT:
            return long_record(keyword, value)
    image = card(keyword, value).rstrip()
    noted = f"{image} / {comment}"
    image = noted if comment and len(noted) <= CARD_LENGTH else image
    return Record(keyword, (image.ljust(CARD_LENGTH),))


def long_record(keyword: str, value: str) -> Record:
    """Text that runs on from card to card (FITS 4.0, section 4.2.1.2)."""
    room = LONGEST_TEXT // 2  # so that it fits were every letter a quote
    parts = [value[start : start + room] for start in range(0, len(value), room)]
    parts = [part + "&" for part in parts[:-1]] + parts[-1:]
    quoted = ["'" + part.replace("'", "''") + "'" for part in parts]
    first, *others = (f"{quote}" for quote in quoted)
    images = [f"{keyword:<8}= {first}", *(f"CONTINUE  {other}" for other in others)]
    return Record(keyword, tuple(image.ljust(CARD_LENGTH) for image in images))


def changed(records: Iterable[Record], changes: Mapping[str, CardValue | None]) -> list[Record]:
    """The records with other values, each in its place and with its comment; without those of None.

    What has no place yet comes last.
    """
    found, left = [], dict(changes)
    for old in records:
        if old.keyword not in changes:
            found.append(old)
        elif left.get(old.keyword) is not None:
            comment = cards_of([old]).comment(old.keyword)
            value = left.pop(old.keyword)
            assert value is not None  # noqa: S101 - of the line above
            found.append(record(old.keyword, value, comment))
    new = [record(keyword, value) for keyword, value in left.items() if value is not None]
    return [*found, *new]


def read_records(path: Path, band: Band) -> list[Record]:
    """The header of the image that `read_cutout` finds, then what only the file's first one says.

    `GalaxyError` where there is no such image.
    """
    hdus = read_hdus(path)
    headers = choose_planes(hdus, band).headers
    places = [next(n for n, hdu in enumerate(hdus) if hdu.cards is cards) for cards in headers]
    own, *others = (records_of(text) for text in letters_of(path, places))
    return [*own, *(record for other in others for record in beyond(own, other))]


def beyond(own: list[Record], other: list[Record]) -> Iterator[Record]:
    """What another header says and an image's own does not; world coordinates are not mixed."""
    said = {record.keyword for record in own} - {"", "COMMENT", "HISTORY"}
    placed = any(WORLD_CARD.fullmatch(keyword) for keyword in said)
    for record in other:
        if record.keyword not in said and not (placed and WORLD_CARD.fullmatch(record.keyword)):
            yield record


def letters_of(path: Path, places: list[int]) -> list[str]:
    """The letters of the headers of HDUs, by their places in the file."""
    from astropy.io import fits

    with warnings.catch_warnings():
        # What is odd about a card is kept as it is.
        warnings.simplefilter("ignore")
        try:
            with fits.open(path, memmap=False) as hdus:
                return [hdus[place].header.tostring(sep="", padding=False) for place in places]
        except Exception as error:  # noqa: BLE001 - astropy raises a dozen kinds on damaged files
            raise GalaxyError(f"the header must be sound; got: {reason_of(error)}") from None
