"""`gampen train run.toml`: a run file in, an estimator out, and everything to go on in between."""

from __future__ import annotations

import math
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

import gampen
from gampen.estimator import Estimator, locate
from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.parameters import space_of
from gampen.settings import CropFreedom, RunSettings
from gampen.storage.estimators import read_tensors
from gampen.training.devices import Devices, Processes, dismiss, launched, share_of
from gampen.training.fit import Fit, Report
from gampen.training.validation import Validation
from gampen.verbs.courses import SELF_SUPPLIED, Course, claim_labels, course_of
from gampen.verbs.labelled import refuse_several
from gampen.verbs.ledger import Ledger, claim
from gampen.verbs.materials import Supply, check_sources, note_sources
from gampen.verbs.runs import read_run

START_GALAXIES = 512
RESOLVED = "run.toml"


@dataclass(frozen=True)
class TrainRequest:
    """What to train, where the run lives, on what, and from which estimator's weights."""

    runfile: Path
    out: Path
    name: str = "trained"
    devices: Devices = field(default_factory=Devices)
    start: str | None = None


@dataclass(frozen=True)
class Progress:
    """Where a run stands, for a progress bar."""

    report: Report
    steps: int
    saved: Path | None = None


def train(request: TrainRequest) -> Generator[Progress, None, None]:
    """Train, yielding progress; a run folder that already holds a checkpoint is gone on with.

    The folder keeps the resolved run file, the last checkpoint, the best estimator by validation
    and the history of losses; each is replaced as a whole. Of several processes, all of which must
    see the folder, one writes and yields.
    """
    prepared = read_run(request.runfile)
    settings = prepared.settings
    devices = request.devices
    devices.check(settings.training.batch_size)
    if settings.labels is not None:
        refuse_several(devices.processes)
    begin = None if request.start is None else read_tensors(locate(request.start))[0]
    check_sources(request.out, prepared.sources)
    claim(request.out, RESOLVED, settings, writes=not devices.led_elsewhere)
    if not devices.led_elsewhere:
        note_sources(request.out, prepared.sources)
    processes = launched(devices, idle_weights=settings.network.crop is CropFreedom.FIXED)
    share_processors(devices.on_node)
    ended = False
    try:
        run = Run.start(request, settings, begin, processes, prepared.supply)
        for report in run.fit.run(run.course.lesson, run.course.held_out):
            if processes.is_global_zero:
                saved = run.record(report, report.validation) if report.validation else None
                yield Progress(report, settings.training.steps, saved)
        ended = True
    finally:
        dismiss(processes, at_once=not ended)


def share_processors(processes: int) -> None:
    """Leave half of a process's processors to the thread that simulates the next batch."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // (2 * processes)))


@dataclass
class Run:
    """A run in progress: its fit, the galaxies of each step, and what its folder keeps."""

    request: TrainRequest
    settings: RunSettings
    fit: Fit
    course: Course
    ledger: Ledger

    @classmethod
    def start(
        cls,
        request: TrainRequest,
        settings: RunSettings,
        begin: dict[str, Tensor] | None,
        processes: Processes,
        supply: Supply = SELF_SUPPLIED,
    ) -> Run:
        """Begin at the first step, from another network's weights if any, or at the checkpoint."""
        course = course_of(settings, share_of(processes), supply)
        claim_labels(request.out, course)
        network = new_network(settings, course)
        if begin is not None:
            network.adopt(begin)
        fit = Fit(network.for_convolutions(), settings.training, processes)
        ledger = Ledger.open(request.out, fit)
        return cls(request, settings, fit, course, ledger)

    def record(self, report: Report, validation: Validation) -> Path | None:
        """Write what the folder keeps; the best estimator's path, if this is the best so far."""
        return self.ledger.record(report, validation, self.fit, self.estimator)

    def estimator(self, step: int, validation: Validation) -> Estimator:
        """The running average as an estimator."""
        provenance = {
            "name": self.request.name,
            "gampen_version": gampen.__version__,
            "started_from": self.request.start or "",
            **self.course.origin,
            "validation_nll": f"{validation.nll:.4f}",
        }
        if not self.settings.labels:
            training = self.settings.training
            seen = min(step * training.batch_size, training.simulations or math.inf)
            provenance["simulations_seen"] = str(seen)
        return Estimator(self.fit.average, self.settings.simulation, provenance)


def new_network(settings: RunSettings, course: Course) -> GampenNetwork:
    """An untrained network, the same for the same seed, on the scale of the first galaxies."""
    torch.manual_seed(settings.training.seed)
    network = GampenNetwork(space_of(settings), settings.network)
    first = course.first(START_GALAXIES)
    assert isinstance(first.frames, Frames)  # noqa: S101
    network.standardise(first.frames, first.truth)
    return network
