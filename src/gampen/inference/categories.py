"""Disk-dominated, bulge-dominated or indeterminate: what a posterior lets one say, and how surely.

A label is given only where its own probability reaches a confidence, so of the galaxies that get
one, at least that share has the right one if the posterior is true.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Shaped
from torch import Tensor

from gampen.errors import UsageError
from gampen.posterior import Posterior

DISK, BULGE, INDETERMINATE = "disk-dominated", "bulge-dominated", "indeterminate"
RATIO = "bulge_to_total"


@dataclass(frozen=True)
class Labels:
    """The label of each galaxy, and the probabilities that it rests on."""

    labels: Shaped[np.ndarray, " galaxy"]
    p_disk_dominated: Float64[Tensor, " galaxy"]
    p_bulge_dominated: Float64[Tensor, " galaxy"]


@dataclass(frozen=True)
class Categories:
    """What the categories are: `bulge_to_total` below one threshold, or above another.

    `confidence`: the least probability that a label is given for. `UsageError` unless
    `0 < disk_below <= bulge_above < 1` and the confidence is above one half, so that no galaxy can
    have two labels, and below 1, which no posterior reaches.
    """

    disk_below: float = 0.4
    bulge_above: float = 0.6
    confidence: float = 0.9

    def __post_init__(self) -> None:
        """Refuse thresholds that cross and confidences that decide nothing."""
        if not 0 < self.disk_below <= self.bulge_above < 1:
            raise UsageError(
                "thresholds must be 0 < disk_below <= bulge_above < 1; "
                f"got {self.disk_below} and {self.bulge_above}"
            )
        if not 0.5 < self.confidence < 1:
            raise UsageError(f"confidence must be above 0.5 and below 1; got {self.confidence}")

    def of(self, posterior: Posterior) -> Labels:
        """The label of each galaxy; `UsageError` where there is no bulge_to_total."""
        ratio = posterior[RATIO]
        disk = ratio.probability(below=self.disk_below)
        bulge = ratio.probability(above=self.bulge_above)
        sure = [(disk >= self.confidence).numpy(), (bulge >= self.confidence).numpy()]
        return Labels(np.select(sure, [DISK, BULGE], INDETERMINATE), disk, bulge)

    def true(self, bulge_to_total: Float64[np.ndarray, " galaxy"]) -> Shaped[np.ndarray, " galaxy"]:
        """The labels of known values; indeterminate between the thresholds."""
        sides = [bulge_to_total < self.disk_below, bulge_to_total > self.bulge_above]
        return np.select(sides, [DISK, BULGE], INDETERMINATE)


DEFAULT = Categories()


@dataclass(frozen=True)
class Accuracy:
    """How labels compare with the truth.

    `determinate`: the share of galaxies that have a label; `right`: of these, the share whose truth
    lies on the label's side of its threshold. In bins of a probability of either category: the
    number of galaxies, their mean probability and the share that belongs to the category.
    """

    determinate: float
    right: float
    number: Float64[np.ndarray, " bin"]
    expected: Float64[np.ndarray, " bin"]
    found: Float64[np.ndarray, " bin"]

    @classmethod
    def of(
        cls,
        categories: Categories,
        labels: Labels,
        bulge_to_total: Float64[np.ndarray, " galaxy"],
        bins: int = 10,
    ) -> Accuracy:
        """That of labels by these categories of galaxies whose true ratio is known."""
        truth = categories.true(bulge_to_total)
        given = labels.labels != INDETERMINATE
        belongs = np.concatenate([truth == DISK, truth == BULGE])
        told = torch.cat([labels.p_disk_dominated, labels.p_bulge_dominated]).numpy()
        place = np.minimum((told * bins).astype(int), bins - 1)
        number = np.bincount(place, minlength=bins).astype(np.float64)
        with np.errstate(invalid="ignore"):
            expected, found = (
                np.bincount(place, weights=values, minlength=bins) / number
                for values in (told, belongs)
            )
            right = np.mean(labels.labels[given] == truth[given]) if given.any() else np.nan
        return cls(float(given.mean()), float(right), number, expected, found)
