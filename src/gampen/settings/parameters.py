"""Settings of parameters: those of the user's own, and which are to be inferred."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Scaling(Enum):
    """How a parameter's value follows the image's own units."""

    NONE = "none"
    LENGTH = "length"
    FLUX = "flux"


class Wave(Enum):
    """Which half of a pair a parameter is: a length times a wave of twice the angle."""

    NONE = "none"
    COSINE = "cosine"
    SINE = "sine"


@dataclass(frozen=True)
class ParameterSettings:
    """A parameter of the user's own: a column of the labels, with its open bounds."""

    low: float | None = None  # open bound; without it there is none
    high: float | None = None  # open bound; without it there is none
    unit: str = ""  # as astropy writes it
    scaling: Scaling = Scaling.NONE
    description: str = ""  # written into every catalogue
    wave: Wave = Wave.NONE


DEFAULT_PARAMETERS = ("bulge_to_total", "effective_radius", "flux")
