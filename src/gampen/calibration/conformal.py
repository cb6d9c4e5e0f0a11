"""The level whose joint highest-density region holds the share of truths asked for.

Split conformal prediction (Vovk, Gammerman & Shafer 2005, doi:10.1007/b106715): whatever posteriors
are like, the region of the level at the (n + 1) quantile of n held-out galaxies holds the truth of
one more galaxy of their kind with at least the probability asked for, and at most 1 / (n + 1) more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gampen.calibration.coverage import LEVELS
from gampen.errors import UsageError

SHARES = np.unique([*np.linspace(0.01, 0.99, 99).round(2), *LEVELS])
KEY = "credible_levels"  # in a catalogue's metadata
ROUNDING = 1e-9  # of a product that should be a whole number


@dataclass(frozen=True, eq=False)
class CredibleLevels:
    """A table from shares of truths to levels of `Posterior.hpd_level`, from so many galaxies.

    >>> ninth_parts = CredibleLevels.of(np.linspace(0, 1, 9))
    >>> float(ninth_parts.level_of(0.5))
    0.5

    A truth lies inside where its `Posterior.hpd_level` is at most `level_of` the share asked for.

    Good for joint posteriors as they come from the estimator: marginals, conditionals and those
    under another prior have other regions.
    """

    share: Float64[np.ndarray, " node"]
    level: Float64[np.ndarray, " node"]
    galaxies: int

    def __post_init__(self) -> None:
        """Refuse what is no such table."""
        inside = (self.share > 0) & (self.share < 1) & (self.level >= 0) & (self.level <= 1)
        rising = (np.diff(self.share) > 0).all() and (np.diff(self.level) >= 0).all()
        fitting = self.share.shape == self.level.shape
        if not (fitting and rising and inside.all() and self.galaxies > 0):
            raise UsageError("a table of levels must rise with the shares, both from 0 to 1")

    @classmethod
    def of(cls, found: Float64[np.ndarray, " galaxy"]) -> CredibleLevels:
        """The table from the `hpd_level` of the truths of galaxies that nothing was fitted to.

        Where there are too few galaxies for a share, the level is 1: all of the space.
        """
        ordered, galaxies = np.append(np.sort(found), 1.0), len(found)
        place = np.ceil((galaxies + 1) * SHARES - ROUNDING).astype(np.int64)
        return cls(SHARES, ordered[np.minimum(place, galaxies + 1) - 1], galaxies)

    def level_of(self, share: float) -> float:
        """The level whose region holds this share of truths; interpolated between the nodes."""
        if not 0 <= share <= 1:
            raise UsageError(f"a share of truths must be from 0 to 1; got {share}")
        return float(np.interp(share, [0, *self.share, 1], [0, *self.level, 1]))

    def share_of(self, level: Float64[np.ndarray, " galaxy"]) -> Float64[np.ndarray, " galaxy"]:
        """The share of truths that regions of these levels hold, such as `hpd_level` gives."""
        found: np.ndarray = np.interp(level, [0, *self.level, 1], [0, *self.share, 1])
        return found

    @property
    def metadata(self) -> dict[str, str]:
        """What a catalogue's metadata say of it."""
        table = {"share": self.share.tolist(), "level": self.level.tolist()}
        return {KEY: json.dumps({**table, "galaxies": self.galaxies})}

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, str]) -> CredibleLevels | None:
        """The table in a catalogue's metadata, if its estimator had one."""
        if KEY not in metadata:
            return None
        table = json.loads(metadata[KEY])
        return cls(np.array(table["share"]), np.array(table["level"]), table["galaxies"])
