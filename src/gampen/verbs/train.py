"""`gampen train run.toml`: a run file in, an estimator out, and everything to go on in between."""

from __future__ import annotations

import math
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import gampen
from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.estimator import Estimator, locate
from gampen.network.dropout import Share
from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.parameters import ParameterSpace, space_of
from gampen.settings import CropFreedom, RunSettings
from gampen.simulation.scenes import Scenes, Simulator
from gampen.simulation.surveys import survey
from gampen.storage.checkpoints import read_checkpoint, write_checkpoint
from gampen.storage.estimators import read_tensors
from gampen.storage.runfiles import read_settings, write_settings
from gampen.storage.tables import read_catalog, write_catalog
from gampen.training.batches import Batch
from gampen.training.devices import Devices, Processes, dismiss, launched, share_of
from gampen.training.fit import Fit, Report
from gampen.training.validation import Validation
from gampen.verbs.outputs import claim_folder

VALIDATION_SEED = 1_000_001
START_GALAXIES = 512
BEST, LAST, HISTORY, RESOLVED = "best.safetensors", "last.pt", "history.csv", "run.toml"


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
    settings = read_settings(request.runfile, RunSettings, {"survey": survey})
    devices = request.devices
    devices.check(settings.training.batch_size)
    begin = None if request.start is None else read_tensors(locate(request.start))[0]
    claim(request.out, settings, writes=not devices.led_elsewhere)
    processes = launched(devices, idle_weights=settings.network.crop is CropFreedom.FIXED)
    share_processors(devices.on_node)
    ended = False
    try:
        run = Run.start(request, settings, begin, processes)
        for report in run.fit.run(run.source, run.held_out):
            if processes.is_global_zero:
                saved = run.record(report, report.validation) if report.validation else None
                yield Progress(report, settings.training.steps, saved)
        ended = True
    finally:
        dismiss(processes, at_once=not ended)


def share_processors(processes: int) -> None:
    """Leave half of a process's processors to the thread that simulates the next batch."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // (2 * processes)))


def claim(folder: Path, settings: RunSettings, writes: bool) -> None:
    """Make the run folder, or see that it is of this run; `UsageError` where it is of another."""
    resolved = folder / RESOLVED
    if resolved.exists() and read_settings(resolved, RunSettings) != settings:
        raise UsageError(f"{folder} must be of this run; it holds another: choose another folder")
    if writes:
        claim_folder(folder)
        write_settings(settings, resolved)


@dataclass
class Run:
    """A run in progress."""

    request: TrainRequest
    settings: RunSettings
    share: Share
    fit: Fit
    held_out: list[Batch]
    history: list[Catalog]
    best: float

    @classmethod
    def start(
        cls,
        request: TrainRequest,
        settings: RunSettings,
        begin: dict[str, Tensor] | None,
        processes: Processes,
    ) -> Run:
        """Begin at the first step, from another network's weights if any, or at the checkpoint."""
        checkpoint = request.out / LAST
        state = read_checkpoint(checkpoint) if checkpoint.exists() else None
        network = new_network(settings)
        if begin is not None:
            network.adopt(begin)
        network = network.for_convolutions()
        fit = Fit(network, settings.training, processes)
        history: list[Catalog] = []
        if state is not None:
            fit.restore(state)
            history = [until(read_catalog(request.out / HISTORY), fit.step)]
        best = min([float(part["nll"].numbers().min()) for part in history], default=float("inf"))
        held_out = validation_batches(settings)
        return cls(request, settings, share_of(processes), fit, held_out, history, best)

    def source(self, step: int) -> Batch:
        """The share that this process has of the scenes of a step.

        Fresh ones, or those of an earlier step where only so many are allowed.
        """
        training = self.settings.training
        places = self.share.of(training.batch_size)
        simulator = Simulator(self.settings.simulation, training.seed)
        if training.simulations:
            step %= max(1, training.simulations // training.batch_size)
        batch = (step, training.batch_size, places, training.observations)
        scenes = simulator.part_of_batch(*batch)
        return to_batch(scenes, space_of(self.settings))

    def record(self, report: Report, validation: Validation) -> Path | None:
        """Write history and checkpoint; if this is the best estimator so far, it too, as returned.

        The checkpoint comes last: what an interruption cuts off is done again.
        """
        values = {"step": report.step, "loss": report.loss, **vars(validation)}
        row = Catalog(tuple(Column(name, np.array([value])) for name, value in values.items()))
        self.history = [Catalog.cat([*self.history, row])]
        write_catalog(self.history[0], self.request.out / HISTORY)
        better = validation.nll < self.best
        if better:
            self.best = validation.nll
            self.estimator(report.step, validation).save(self.request.out / BEST)
        write_checkpoint(self.fit.state(), self.request.out / LAST)
        return self.request.out / BEST if better else None

    def estimator(self, step: int, validation: Validation) -> Estimator:
        """The running average as an estimator."""
        training = self.settings.training
        seen = min(step * training.batch_size, training.simulations or math.inf)
        provenance = {
            "name": self.request.name,
            "gampen_version": gampen.__version__,
            "started_from": self.request.start or "",
            "simulations_seen": str(seen),
            "validation_nll": f"{validation.nll:.4f}",
        }
        return Estimator(self.fit.average, self.settings.simulation, provenance)


def new_network(settings: RunSettings) -> GampenNetwork:
    """An untrained network, the same for the same seed, on the scale of the first simulations."""
    torch.manual_seed(settings.training.seed)
    network = GampenNetwork(space_of(settings), settings.network)
    scenes = Simulator(settings.simulation, VALIDATION_SEED).batch(10**6, START_GALAXIES)
    start = to_batch(scenes, network.space)
    network.standardise(start.frames, start.truth)
    return network


def until(history: Catalog, step: int) -> Catalog:
    """The rows of a history up to a step: later ones were written just before an interruption."""
    return history.take(np.flatnonzero(history["step"].numbers() <= step))


def validation_batches(settings: RunSettings) -> list[Batch]:
    """The fixed, seeded galaxies on which a run is judged."""
    training = settings.training
    simulator = Simulator(settings.simulation, VALIDATION_SEED)
    groups = range(-(-training.validation_galaxies // training.batch_size))
    space = space_of(settings)
    return [to_batch(simulator.batch(n, training.batch_size), space) for n in groups]


def to_batch(scenes: Scenes, space: ParameterSpace) -> Batch:
    """Scenes as the network takes them, with truths in unconstrained space."""
    frames = Frames.prepare(scenes.images, scenes.bad, scenes.psf_fwhm, scenes.psf_concentration)
    ones = torch.ones_like(frames.sky_sigma)
    slope, offset = space.physical_map(ones, frames.sky_sigma)
    return Batch(frames, (space.unconstrain(scenes.truth(space)) - offset) / slope)
