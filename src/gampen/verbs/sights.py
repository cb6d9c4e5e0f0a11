"""Sights: what was predicted of some galaxies, and what is remembered of them without images.

Images are large and go as soon as they have been looked at; what stays is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int32

from gampen.cutouts import Cutout, Cutouts, Entry, Rejection
from gampen.errors import GalaxyError
from gampen.estimator import Estimator, Prediction
from gampen.inference.explanation import explain
from gampen.inference.misfit import MISFITS, misfit_flags, signal_of
from gampen.inference.sampling import Sampling
from gampen.storage.orientation import NOT_KNOWN, Directions, directions

OK = "ok"


@dataclass(frozen=True, eq=False)
class Remembered:
    """What a row of the catalogue tells of a galaxy beside its posterior."""

    object_id: str
    file_name: str
    status: str
    ra: float | None
    dec: float | None
    flags: int
    pixel_scale: float | None = None
    psf_fwhm: float | None = None
    directions: Directions = field(default_factory=lambda: NOT_KNOWN)

    @classmethod
    def of(cls, entry: Entry, oriented: bool = False) -> Remembered:
        """What is remembered of a cutout, or of one that could not be read.

        `oriented`: how it lies on the sky as well, which takes some time.
        """
        there = entry if isinstance(entry, Cutout) and oriented else None
        return cls(
            object_id=entry.object_id,
            file_name=entry.file_name,
            status=entry.reason if isinstance(entry, Rejection) else OK,
            ra=entry.ra,
            dec=entry.dec,
            flags=int(entry.flags),
            pixel_scale=None if isinstance(entry, Rejection) else entry.pixel_scale,
            psf_fwhm=None if isinstance(entry, Rejection) else entry.psf_fwhm,
            directions=NOT_KNOWN if there is None else directions(there),
        )

    @property
    def is_ok(self) -> bool:
        """Whether there is a posterior."""
        return self.status == OK


Misfits = dict[str, Float64[np.ndarray, " found"]]


@dataclass(frozen=True, eq=False)
class Sight:
    """Some galaxies, and what was predicted of those that could be read, in the same order.

    `misfits`: what their images leave over, empty where that was not asked for.
    """

    galaxies: tuple[Remembered, ...]
    prediction: Prediction
    misfits: Misfits

    @classmethod
    def cat(cls, sights: Sequence[Sight]) -> Sight:
        """The galaxies of all sights, one after the other."""
        misfits = {n: np.concatenate([s.misfits[n] for s in sights]) for n in sights[0].misfits}
        galaxies = tuple(galaxy for sight in sights for galaxy in sight.galaxies)
        return cls(galaxies, Prediction.cat([sight.prediction for sight in sights]), misfits)

    def sorted_by(self, places: Sequence[int]) -> Sight:
        """The same galaxies, each put where its place comes in order."""
        order = sorted(range(len(places)), key=places.__getitem__)
        found = np.cumsum([galaxy.is_ok for galaxy in self.galaxies]) - 1
        rows = np.array([found[n] for n in order if self.galaxies[n].is_ok], dtype=np.int64)
        misfits = {name: values[rows] for name, values in self.misfits.items()}
        galaxies = tuple(self.galaxies[n] for n in order)
        return Sight(galaxies, self.prediction.select(rows), misfits)


def readable(entries: Sequence[Entry]) -> Cutouts:
    """The galaxies that could be read."""
    return Cutouts.of(entry for entry in entries if isinstance(entry, Cutout))


def see(
    estimator: Estimator, entries: Sequence[Entry], sampling: Sampling, explaining: bool = False
) -> Sight:
    """What is predicted of galaxies; with `explaining`, also how that explains their images.

    One for which the network has no posterior stops no other.
    """
    tried, prediction = predict_entries(estimator, entries, sampling)
    oriented = bool(estimator.space.pairs)
    galaxies = tuple(Remembered.of(entry, oriented) for entry in tried)
    if not explaining:
        return Sight(galaxies, prediction, {})
    cutouts = readable(tried)
    found = explain(cutouts, prediction.posterior, prediction.sky_sigma, prediction.crop_theta)
    misfits = {name: getattr(found, name) for name in MISFITS}
    flags: int | Int32[np.ndarray, " found"] = 0
    if estimator.guard is not None:
        flags = misfit_flags(estimator.guard, found, signal_of(cutouts, prediction))
    return Sight(galaxies, replace(prediction, flags=prediction.flags | flags), misfits)


def predict_entries(
    estimator: Estimator, entries: Sequence[Entry], sampling: Sampling
) -> tuple[list[Entry], Prediction]:
    """What is predicted for the galaxies that could be read, and the galaxies.

    One for which the network has no posterior stops no other: it becomes a `Rejection`.
    """
    try:
        return list(entries), estimator.examine(readable(entries), sampling)
    except GalaxyError:
        tried = [_tried(estimator, entry, sampling) for entry in entries]
        return tried, estimator.examine(readable(tried), sampling)


def _tried(estimator: Estimator, entry: Entry, sampling: Sampling) -> Entry:
    if isinstance(entry, Rejection):
        return entry
    try:
        estimator.examine(Cutouts((entry,)), sampling)
    except GalaxyError as error:
        return Rejection(entry.object_id, entry.file_name, str(error), entry.ra, entry.dec)
    return entry
