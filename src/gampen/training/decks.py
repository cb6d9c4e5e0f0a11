"""Which galaxies of a finite set each step is shown, and in which orientation.

It follows from a seed and the step's number, so a run that is stopped and resumed goes on alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from gampen.network.symmetry import SYMMETRIES

Places = Int64[np.ndarray, " row"]


@dataclass(frozen=True)
class Deck:
    """So many galaxies, shuffled anew each time that all of them were shown; so many a step."""

    galaxies: int
    each: int
    seed: int

    def hand(self, step: int) -> Places:
        """The places of a step's galaxies."""
        numbers = np.arange(step * self.each, (step + 1) * self.each)
        rounds, places = numbers // self.galaxies, numbers % self.galaxies
        shuffled = {k: self._shuffled(int(k)) for k in np.unique(rounds)}
        return np.array(
            [shuffled[k][place] for k, place in zip(rounds, places, strict=True)], dtype=np.int64
        )

    def turns(self, step: int) -> Places:
        """The orientation of each of them, by its number among the symmetries of the square."""
        return np.random.default_rng((self.seed, 1, step)).integers(len(SYMMETRIES), size=self.each)

    def _shuffled(self, number: int) -> Places:
        return np.random.default_rng((self.seed, 0, number)).permutation(self.galaxies)
