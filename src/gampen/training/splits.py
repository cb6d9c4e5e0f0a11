"""Splits of labelled galaxies: to train on, to stop by, and to be judged by."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from gampen.settings import SplitKind, SplitSettings

TRAINING, VALIDATION, TEST = "training", "validation", "test"
PARTS = (TRAINING, VALIDATION, TEST)
MOST_BINS = 5  # of each label
LEAST_IN_STRATUM = 10  # galaxies on average, that each part has some of each stratum

Names = Shaped[np.ndarray, " galaxy"]


def split_of(
    object_ids: Sequence[str],
    labels: Float64[np.ndarray, "galaxy parameter"],
    group: Int64[np.ndarray, " galaxy"],
    settings: SplitSettings,
) -> Names:
    """The part of each galaxy; those of one `group`, which are one and the same, share theirs.

    It follows from the seed and the ids, whatever their order. Labels are NaN where not known.
    """
    leaders = np.unique(group, return_index=True)[1]
    keys = np.array([_key(object_ids[row], settings.seed) for row in leaders.tolist()])
    strata = np.zeros(len(leaders), dtype=np.int64)
    if settings.kind is SplitKind.STRATIFIED:
        strata = strata_of(labels[leaders])
    order = np.lexsort((keys, strata))
    part = np.full(len(leaders), TRAINING, dtype=object)
    left = order
    for name, share in _shares(settings):
        taken = evenly(len(left), share)
        part[left[taken]] = name
        left = left[~taken]
    return part[np.searchsorted(group[leaders], group)].astype(str)


def _shares(settings: SplitSettings) -> list[tuple[str, float]]:
    """Of what is left each time: the share to stop by, and then that to be judged by."""
    return [
        (VALIDATION, settings.validation),
        (TEST, settings.test / (1 - settings.validation)),
    ]


def evenly(galaxies: int, share: float) -> Shaped[np.ndarray, " galaxy"]:
    """Which of a row of galaxies are taken, in even distances, so that so many are in all."""
    edges = np.floor(np.arange(galaxies + 1) * share + 0.5)
    taken: np.ndarray = np.diff(edges) > 0
    return taken


def strata_of(labels: Float64[np.ndarray, "galaxy parameter"]) -> Int64[np.ndarray, " galaxy"]:
    """The stratum of each galaxy: its bin in each label, of bins with equally many galaxies.

    What is not known is a bin of its own.
    """
    galaxies, parameters = labels.shape
    wanted = (galaxies / LEAST_IN_STRATUM) ** (1 / parameters)
    bins = min(max(math.floor(wanted), 1), MOST_BINS)
    strata = np.zeros(galaxies, dtype=np.int64)
    for column in labels.T:
        known = np.isfinite(column)
        place = np.full(galaxies, bins)
        ranks = column[known].argsort(kind="stable").argsort(kind="stable")
        place[known] = ranks * bins // max(1, int(known.sum()))
        strata = strata * (bins + 1) + place
    return strata


def _key(object_id: str, seed: int) -> int:
    """A number that looks random and follows from an id and the seed."""
    digest = hashlib.sha256(f"{seed} {object_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def near_pairs(
    places: Float64[np.ndarray, "galaxy 3"], apart: float
) -> Int64[np.ndarray, "2 pair"]:
    """Pairs of rows closer than a chord on the unit sphere; none of a place that is NaN."""
    order = np.argsort(places[:, 2], kind="stable")
    height = places[order, 2]
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for step in range(1, len(places)):
        near = np.flatnonzero(height[step:] - height[:-step] < apart)
        if not len(near):
            break
        one, other = order[near], order[near + step]
        close = np.linalg.norm(places[one] - places[other], axis=1) < apart
        pairs.append(np.stack([one[close], other[close]]))
    return np.concatenate(pairs, axis=1)


def groups_of(galaxies: int, links: Int64[np.ndarray, "2 pair"]) -> Int64[np.ndarray, " galaxy"]:
    """The group of each galaxy, by the row of its first one: those that links lead to."""
    group = np.arange(galaxies)
    while (group[links[0]] != group[links[1]]).any():
        least = np.minimum(group[links[0]], group[links[1]])
        for side in links:
            np.minimum.at(group, group[side], least)
            np.minimum.at(group, side, least)
        group = group[group]
    return group
