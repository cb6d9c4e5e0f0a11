"""`gampen models`: the estimators in the package, and what any estimator's file says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gampen.errors import UsageError
from gampen.estimator import FORMAT, Estimator, locate
from gampen.inference.flags import TrainedRange
from gampen.settings import SimulationSettings
from gampen.shipped import card_of, shipped_names
from gampen.storage.runfiles import plain

TESTED = re.compile(r"^\| T\d+ \|.*\| (?P<passed>yes|\*\*no\*\*) \|", re.MULTILINE)
"""A row of the table of tests that cards have."""


@dataclass(frozen=True)
class Trained:
    """What an estimator has seen: which survey, sides of frames and FWHM of PSFs [pixel]."""

    survey: str
    sizes: tuple[int, int]
    psf_fwhm: tuple[float, float]

    @classmethod
    def of(cls, simulations: SimulationSettings) -> Trained:
        """What these simulations show."""
        seen = TrainedRange.of(simulations)
        low, high = (int(side) for side in seen.size)
        return cls(simulations.survey.name, (low, high), seen.psf_fwhm)


@dataclass(frozen=True)
class Card:
    """Where an estimator's card is, and how many of the tests that it reports were passed."""

    path: Path
    passed: int
    tests: int

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card in this file."""
        said = TESTED.findall(path.read_text(encoding="utf-8"))
        return cls(path, said.count("yes"), len(said))

    @property
    def verdict(self) -> str:
        """Whether all tests were passed, in a word."""
        return "untested" if not self.tests else "passes" if self.passed == self.tests else "fails"

    @property
    def text(self) -> str:
        """The card itself, in Markdown."""
        return self.path.read_text(encoding="utf-8")


@dataclass(frozen=True)
class Model:
    """An estimator's file: what it predicts, what it has seen, and what its card says of it.

    `trained` is missing where it was trained elsewhere, `card` where it has none.
    """

    name: str
    path: Path
    bytes: int
    weights: int
    parameters: Mapping[str, str]  # names with units
    trained: Trained | None
    guard: bool
    recalibrated: bool
    provenance: Mapping[str, str]
    card: Card | None

    @property
    def format(self) -> str:
        """The format of the file, the one that this version reads."""
        return FORMAT

    @property
    def record(self) -> dict[str, object]:
        """All of it in plain types."""
        card = self.card and {**vars(self.card), "path": str(self.card.path)}
        told = {"path": str(self.path), "provenance": dict(self.provenance), "card": card}
        return {**vars(self), **told, "format": self.format, "trained": plain(self.trained)}


def models() -> list[Model]:
    """Every shipped estimator."""
    return [model(name) for name in shipped_names()]


def model(name: str) -> Model:
    """A shipped estimator by name, or any by the path of its file.

    `EstimatorError` where there is none, or the file is damaged.
    """
    path = locate(name)
    estimator, card = Estimator.load(path), card_of(path)
    prior = estimator.prior
    return Model(
        name=estimator.name,
        path=path,
        bytes=path.stat().st_size,
        weights=sum(weight.numel() for weight in estimator.network.parameters()),
        parameters={parameter.name: parameter.unit for parameter in estimator.space},
        trained=None if prior is None else Trained.of(prior),
        guard=estimator.guard is not None,
        recalibrated=bool(estimator.recalibration.stages),
        provenance=dict(estimator.provenance),
        card=None if card is None else Card.read(card),
    )


def card_text(found: Model) -> str:
    """The card of an estimator; `UsageError` where it has none."""
    if found.card is None:
        beside = found.path.with_suffix(".md").name
        raise UsageError(
            f"{found.name} must have a card, {beside} beside its file; it has none: see what the "
            "file itself says with --json"
        )
    return found.card.text
