"""Values and texts as FITS, VOTable and ECSV can all hold them."""

from __future__ import annotations

import json

import numpy as np
from jaxtyping import Shaped

from gampen.catalog import Column
from gampen.errors import UsageError

LETTERS = {"b1": "L", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
"""FITS's letters of the types that every one of these formats has."""
WIDER = {"i1": "i2", "u1": "i2", "u2": "i4", "u4": "i8", "f2": "f4"}
"""Types that not every one has, and those that hold their values."""

Values = Shaped[np.ndarray, "galaxy ..."]


def portable(column: Column) -> Values:
    """A column's values in a type that all of these formats have."""
    if column.is_text:
        return np.array(column.text(), dtype=str)
    values = column.values.astype(column.values.dtype.newbyteorder("="))
    wider = WIDER.get(values.dtype.str[1:])
    if wider is None and values.dtype.str[1:] not in LETTERS:
        raise UsageError(f"{column.name}: values must be numbers or text; got {values.dtype}")
    return values.astype(wider) if wider else values


def escaped(text: str) -> str:
    """Text as a header can hold it: itself, or JSON where it is not plain ASCII."""
    plain = text.isascii() and text.isprintable() and text == text.rstrip() and text[:1] != '"'
    return text if plain else json.dumps(text)


def unescaped(text: str) -> str:
    """The text that `escaped` took."""
    return str(json.loads(text)) if text.startswith('"') else text
