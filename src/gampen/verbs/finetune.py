"""`gampen finetune ESTIMATOR labels/`: an estimator fitted to labelled galaxies of one's own."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gampen
from gampen.estimator import LABELS, Estimator
from gampen.network.network import GampenNetwork
from gampen.network.recall import LOOKING
from gampen.settings import FinetuneSettings
from gampen.storage.estimators import DIGEST
from gampen.storage.runfiles import plain
from gampen.training.batches import Batch, parts_of
from gampen.training.decks import Deck
from gampen.training.devices import fabric_for
from gampen.training.fit import Fit
from gampen.training.splits import TRAINING, VALIDATION
from gampen.training.validation import Validation
from gampen.verbs.labelled import Labelled
from gampen.verbs.ledger import Ledger, Made, claim
from gampen.verbs.lessons import (
    GROUP,
    FromLabels,
    FromMemory,
    FromSimulations,
    Lesson,
    Looking,
    Tell,
    Together,
    remembered,
    repeated,
)
from gampen.verbs.splitting import Split, split_labels, write_splits
from gampen.verbs.train import RESOLVED, Progress
from gampen.verbs.tuned import REPORT, Judged, judge

SIMULATED_SEED = 2_000_003  # times the run's: simulations that training never drew
RECALIBRATED = ("from", "galaxies", "passes", "thorough", "seed")  # of a network that is no more


@dataclass(frozen=True)
class FinetuneRequest:
    """Which estimator, on which labelled galaxies, where the run lives, and how it goes.

    `splits` is a table of `object_id` and `split` in place of the settings' split.
    """

    estimator: str
    labels: Path
    out: Path
    name: str = "finetuned"
    settings: FinetuneSettings = field(default_factory=FinetuneSettings)
    splits: Path | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Origin:
    """What a run is of, as its folder says: those that differ in any of it are different runs."""

    estimator: str  # the digest of its file
    labels: str  # the digest of ids and labels, and of which galaxy does what
    finetune: FinetuneSettings


def finetune(
    request: FinetuneRequest, tell: Tell = lambda *_: None
) -> Generator[Progress, None, None]:
    """Fine-tune, yielding progress; a run folder that already holds a checkpoint is gone on with.

    The folder keeps what the run is of, which galaxy does what, the history of losses, the last
    checkpoint, the best estimator by held-out labels, and in the end the report.
    """
    fabric = fabric_for(request.device)
    run = Run.start(request, tell)
    fit = Fit(run.network, request.settings.training, fabric)
    run.claim()
    ledger = Ledger.open(request.out, fit)
    if not fit.ended:
        lesson, held_out = run.lesson(tell), run.held_out()
        for report in fit.run(lesson, held_out):
            known = report.validation
            saved = ledger.record(report, known, fit, run.made(fit)) if known else None
            yield Progress(report, request.settings.steps, saved)
    if not (request.out / REPORT).exists():
        judged = Judged(run.before, run.labelled, run.split, request.settings.dropout)
        judge(judged, request.out, tell)


@dataclass(frozen=True, eq=False)
class Run:
    """A run of fine-tuning: the estimator as it was, a network to be fitted, and the galaxies."""

    request: FinetuneRequest
    before: Estimator
    network: GampenNetwork
    labelled: Labelled
    split: Split

    @classmethod
    def start(cls, request: FinetuneRequest, tell: Tell) -> Run:
        """Read the galaxies; `UsageError` where they cannot be learned from."""
        settings, before = request.settings, Estimator.load(request.estimator)
        network = before.own_network.with_dropout(settings.dropout).train()
        labelled = Labelled.of(
            request.labels, before.space, lambda done, of: tell(done, of, "reading")
        )
        split = split_labels(labelled, settings.split, request.splits)
        return cls(request, before, network, labelled, split)

    def claim(self) -> None:
        """Make the run folder, or see that it is of this run; `UsageError` where of another."""
        labels = self.labelled.digest(self.split)
        origin = Origin(self.before.provenance[DIGEST], labels, self.request.settings)
        claim(self.request.out, RESOLVED, origin)
        write_splits(self.labelled, self.split, self.request.out)

    @property
    def recalling(self) -> bool:
        """Whether the parts that look stay as they are, so that what they saw can be kept."""
        return set(LOOKING) <= set(self.request.settings.frozen)

    def lesson(self, tell: Tell) -> Lesson:
        """The galaxies of each step: labelled ones, and simulations of the estimator's own prior.

        They are looked at by the network as it was, which is the same whenever a run goes on.
        """
        settings, rows = self.request.settings, self.split[TRAINING]
        deck = Deck(len(rows), settings.batch_size - settings.simulated, settings.seed)
        labels: Lesson = FromLabels(self.labelled, rows, deck)
        if self.recalling:
            looking = lambda done, of: tell(done, of, "looking at labelled galaxies")  # noqa: E731
            labels = FromMemory.of(self.before.own_network, self.labelled, rows, deck, looking)
        if not settings.simulated:
            return labels
        return Together([labels, self._simulated(tell)])

    def _simulated(self, tell: Tell) -> Lesson:
        """Simulated galaxies, looked at once where there are only so many."""
        settings = self.request.settings
        seed = SIMULATED_SEED * (1 + settings.seed)
        known = (self.before.simulations, self.before.space, settings.simulated, seed)
        simulated = FromSimulations(*known, settings.simulations)
        if not self.recalling:
            return simulated
        if not settings.simulations:
            return Looking(self.before.own_network, simulated)
        looking = lambda done, of: tell(done, of, "looking at simulations")  # noqa: E731
        return repeated(self.before.own_network, simulated, looking)

    def held_out(self) -> Sequence[Batch]:
        """The labelled galaxies that say when to stop."""
        rows = self.split[VALIDATION]
        if self.recalling:
            return parts_of(remembered(self.before.own_network, self.labelled, rows))
        return [batch for _, batch in self.labelled.in_turn(rows, GROUP)]

    def made(self, fit: Fit) -> Made:
        """How the running average becomes an estimator."""

        def estimator(step: int, validation: Validation) -> Estimator:
            return Estimator(
                fit.average, self.before.simulations, self.provenance(step, validation)
            )

        return estimator

    def provenance(self, step: int, validation: Validation) -> dict[str, str]:
        """Where the estimator comes from."""
        settings, old = self.request.settings, self.before.provenance
        gone = {
            DIGEST,
            "recalibrated_from",
            *(f"recalibration_{name}" for name in RECALIBRATED[1:]),
        }
        counts = {f"labels_{part}": str(len(rows)) for part, rows in self.split.items()}
        return {
            **{key: text for key, text in old.items() if key not in gone},
            "name": self.request.name,
            "gampen_version": gampen.__version__,
            "finetuned_from": self.before.name,
            "finetuned_from_sha256": old.get(DIGEST, ""),
            LABELS: self.labelled.digest(self.split),
            **counts,
            "labels_split": settings.split.kind.value if self.request.splits is None else "given",
            "finetune_settings": json.dumps(plain(settings)),
            "finetune_step": str(step),
            "validation_nll": f"{validation.nll:.4f}",
        }
