"""Where the galaxies of each step come from: simulations, labelled galaxies, or both.

A lesson gives the galaxies of a step by its number, the same whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.network.recall import recall
from gampen.network.symmetry import SYMMETRIES
from gampen.parameters import ParameterSpace
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import Scenes, Simulator
from gampen.training.batches import Batch, Lot, parts_of
from gampen.training.decks import Deck
from gampen.training.labels import joined
from gampen.verbs.labelled import AS_IS, Labelled, Rows

Lesson = Callable[[int], Lot]
Progress = Callable[[int, int], None]
Tell = Callable[[int, int, str], None]
GROUP = 64  # galaxies that are looked at together


@dataclass(frozen=True, eq=False)
class FromLabels:
    """Labelled galaxies from disk, in a random orientation each."""

    labelled: Labelled
    rows: Rows
    deck: Deck

    def __call__(self, step: int) -> Lot:
        """Those of a step, one shape a batch."""
        return self.labelled.batches(self.rows[self.deck.hand(step)], self.deck.turns(step))


@dataclass(frozen=True, eq=False)
class FromMemory:
    """Labelled galaxies as a network saw them in every orientation, one after the other."""

    seen: Batch
    deck: Deck

    @classmethod
    def of(
        cls, network: GampenNetwork, labelled: Labelled, rows: Rows, deck: Deck, progress: Progress
    ) -> FromMemory:
        """Look at all of them, once in each orientation."""
        parts = []
        for turn in range(len(SYMMETRIES)):
            parts.append(remembered(network, labelled, rows, turn))
            progress(turn + 1, len(SYMMETRIES))
        return cls(joined(parts), deck)

    def __call__(self, step: int) -> Lot:
        """Those of a step."""
        places = self.deck.turns(step) * self.deck.galaxies + self.deck.hand(step)
        return chosen(self.seen, torch.from_numpy(places))


@dataclass(frozen=True, eq=False)
class FromSimulations:
    """So many simulated galaxies a step; the same again after `simulations`, unless nought."""

    settings: SimulationSettings
    space: ParameterSpace
    each: int
    seed: int
    simulations: int

    @property
    def steps(self) -> int:
        """After so many steps they begin again."""
        return max(1, self.simulations // self.each)

    def __call__(self, step: int) -> Lot:
        """Those of a step."""
        number = step % self.steps if self.simulations else step
        return to_batch(Simulator(self.settings, self.seed).batch(number, self.each), self.space)


@dataclass(frozen=True, eq=False)
class Looking:
    """The galaxies of another lesson as a network sees them, looked at anew in each step."""

    network: GampenNetwork
    lesson: Lesson

    def __call__(self, step: int) -> Lot:
        """Those of a step."""
        return joined([seen_by(self.network, part) for part in parts_of(self.lesson(step))])


@dataclass(frozen=True, eq=False)
class Repeated:
    """Batches that come again and again."""

    batches: Sequence[Batch]

    def __call__(self, step: int) -> Lot:
        """That of a step."""
        return self.batches[step % len(self.batches)]


@dataclass(frozen=True, eq=False)
class Together:
    """The galaxies of several lessons."""

    lessons: Sequence[Lesson]

    def __call__(self, step: int) -> Lot:
        """Those of a step."""
        return [part for lesson in self.lessons for part in parts_of(lesson(step))]


def repeated(network: GampenNetwork, simulated: FromSimulations, progress: Progress) -> Repeated:
    """All simulated galaxies that there are to be, as a network sees them."""
    batches: list[Batch] = []
    for step in range(simulated.steps):
        batches.extend(seen_by(network, part) for part in parts_of(simulated(step)))
        progress(step + 1, simulated.steps)
    return Repeated(batches)


def remembered(network: GampenNetwork, labelled: Labelled, rows: Rows, turn: int = AS_IS) -> Batch:
    """Labelled galaxies in their order, as a network sees them in one orientation."""
    places, parts = [], []
    for where, batch in labelled.in_turn(rows, GROUP, turn):
        places.append(where)
        parts.append(seen_by(network, batch))
    order = np.argsort(np.concatenate(places), kind="stable")
    return chosen(joined(parts), torch.from_numpy(order))


def seen_by(network: GampenNetwork, batch: Batch) -> Batch:
    """A batch of frames as a network sees it."""
    assert isinstance(batch.frames, Frames)  # noqa: S101
    return Batch(recall(network, batch.frames), batch.truth, batch.errors)


def chosen(batch: Batch, places: Int64[Tensor, " chosen"]) -> Batch:
    """Some galaxies of a batch, in the order chosen."""
    errors = None if batch.errors is None else batch.errors[places]
    return Batch(batch.frames.select(places), batch.truth[places], errors)


def to_batch(scenes: Scenes, space: ParameterSpace) -> Batch:
    """Scenes as the network takes them, with truths in unconstrained space."""
    frames = Frames.prepare(scenes.images, scenes.bad, scenes.psf_fwhm, scenes.psf_concentration)
    ones = torch.ones_like(frames.sky_sigma)
    slope, offset = space.physical_map(ones, frames.sky_sigma)
    return Batch(frames, (space.unconstrain(scenes.truth(space)) - offset) / slope)
