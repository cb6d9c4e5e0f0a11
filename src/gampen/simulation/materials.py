"""Materials: what a survey's own files give to its simulations, in place of laws."""

from __future__ import annotations

from dataclasses import dataclass

from gampen.simulation.exposures import Stars
from gampen.simulation.populations import Sample
from gampen.simulation.skies import Skies


@dataclass(frozen=True, eq=False)
class Materials:
    """Images of PSFs and of sky, and galaxies of a catalogue.

    What there is none of follows the laws of the settings. They are told apart by
    identity, so that what was drawn from them can be kept.
    """

    stars: Stars | None = None
    skies: Skies | None = None
    sample: Sample | None = None


NONE = Materials()
