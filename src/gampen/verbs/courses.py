"""What a network is trained on: simulations drawn for each step, or labelled galaxies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gampen.errors import UsageError
from gampen.estimator import LABELS
from gampen.network.dropout import Share
from gampen.parameters import space_of
from gampen.settings import LabelSettings, RunSettings
from gampen.simulation.materials import NONE, Materials
from gampen.simulation.scenes import Simulator
from gampen.storage.runfiles import read_settings, write_settings
from gampen.training.batches import Batch, Lot
from gampen.training.decks import Deck
from gampen.training.splits import TRAINING, VALIDATION
from gampen.verbs.labelled import Labelled
from gampen.verbs.lessons import GROUP, FromLabels, Lesson, to_batch
from gampen.verbs.materials import Supply
from gampen.verbs.splitting import Split, split_labels

VALIDATION_SEED = 1_000_001
NOTE = "labels.toml"
MATERIALS = "materials_sha256"
SELF_SUPPLIED = Supply()
FIRST = 10**6  # the step of the simulations that set a network's scale: none is trained on


@dataclass(frozen=True)
class Learned:
    """Which labels a run learns."""

    sha256: str


@dataclass(frozen=True, eq=False)
class Course:
    """The galaxies of each step, those held out, so many to set the scale by, and their origin."""

    lesson: Lesson
    held_out: Sequence[Batch]
    first: Callable[[int], Batch]
    origin: Mapping[str, str] = field(default_factory=dict)


def course_of(settings: RunSettings, share: Share, supply: Supply = SELF_SUPPLIED) -> Course:
    """What a run file asks for; `UsageError` where labels cannot be used."""
    if settings.labels is None:
        return simulated(settings, share, supply)
    return labelled(settings, settings.labels)


def claim_labels(folder: Path, course: Course) -> None:
    """Note in a run's folder which labels it learns; `UsageError` where it has learned others."""
    if LABELS not in course.origin:
        return
    told, path = Learned(course.origin[LABELS]), folder / NOTE
    if path.exists() and read_settings(path, Learned) != told:
        raise UsageError(
            f"labels must stay as they are during a run; {folder} was begun with others: "
            f"choose another folder"
        )
    write_settings(told, path)


def simulated(settings: RunSettings, share: Share, supply: Supply = SELF_SUPPLIED) -> Course:
    """Fresh simulations in each step."""
    materials, space = supply.materials, space_of(settings)
    simulator = Simulator(settings.simulation, VALIDATION_SEED, materials)
    return Course(
        Simulated(settings, share, materials),
        validation_batches(settings, materials),
        lambda galaxies: to_batch(simulator.batch(FIRST, galaxies), space),
        {MATERIALS: supply.sources.sha256} if supply.sources.any else {},
    )


@dataclass(frozen=True)
class Simulated:
    """The share that a process has of the scenes of each step.

    Fresh ones, or those of an earlier step where only so many are allowed.
    """

    settings: RunSettings
    share: Share
    materials: Materials = NONE

    def __call__(self, step: int) -> Lot:
        """Those of a step."""
        training = self.settings.training
        places = self.share.of(training.batch_size)
        simulator = Simulator(self.settings.simulation, training.seed, self.materials)
        if training.simulations:
            step %= max(1, training.simulations // training.batch_size)
        batch = (step, training.batch_size, places, training.observations)
        return to_batch(simulator.part_of_batch(*batch), space_of(self.settings))


def validation_batches(settings: RunSettings, materials: Materials = NONE) -> list[Batch]:
    """The fixed, seeded galaxies on which a run is judged."""
    training = settings.training
    simulator = Simulator(settings.simulation, VALIDATION_SEED, materials)
    groups = range(-(-training.validation_galaxies // training.batch_size))
    space = space_of(settings)
    return [to_batch(simulator.batch(n, training.batch_size), space) for n in groups]


def labelled(settings: RunSettings, told: LabelSettings) -> Course:
    """Labelled galaxies, each in a random orientation whenever it is shown."""
    galaxies = Labelled.of(told.folder, space_of(settings))
    split = split_labels(galaxies, told.split, told.splits)
    check_known(galaxies, split)
    rows, training = split[TRAINING], settings.training
    origin = {LABELS: galaxies.digest(split)}
    origin |= {f"labels_{part}": str(len(some)) for part, some in split.items()}
    return Course(
        FromLabels(galaxies, rows, Deck(len(rows), training.batch_size, training.seed)),
        [batch for _, batch in galaxies.in_turn(split[VALIDATION], GROUP)],
        lambda number: max((b for _, b in galaxies.in_turn(rows, number)), key=len),
        origin,
    )


def check_known(galaxies: Labelled, split: Split) -> None:
    """`UsageError` where a parameter has no labels to learn it from."""
    known = np.isfinite(galaxies.labels.values[split[TRAINING]]).any(axis=0)
    names = galaxies.labels.space.names
    missing = [name for name, any_ in zip(names, known, strict=True) if not any_]
    if missing:
        raise UsageError(
            f"every parameter must have labels to be trained on; got none of {', '.join(missing)}: "
            f"name others in `parameters`, or add the columns"
        )
