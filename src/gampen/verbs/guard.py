"""`gampen guard`: an estimator learns to flag what it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gampen.calibration.classifier import area
from gampen.cutouts import Cutouts
from gampen.errors import GalaxyError, UsageError
from gampen.estimator import Estimator
from gampen.inference.explanation import explain
from gampen.inference.flags import guard_scores
from gampen.inference.looking import look
from gampen.inference.misfit import misfit_scores, signal_of
from gampen.inference.sampling import Sampling, infer
from gampen.network.frames import Frames
from gampen.network.guard import Guard
from gampen.network.network import GampenNetwork
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import BLOCK, Scenes, Simulator
from gampen.simulation.troubles import TROUBLES, Trouble
from gampen.training.guarding import STEPS, Lesson, Teacher
from gampen.verbs.outputs import claim_file
from gampen.verbs.simulate import cutouts_of

OBSERVATIONS = 1  # of each rendered galaxy: others teach a guard more than the same ones again
LIMITS_FROM = 5  # times as many galaxies as of each kind
EXPLAINED = 3000  # galaxies, at most, that limits of explanations are set by
SEEDS_APART = 1_000
HELD_OUT_FROM = 0.75  # of the galaxies of each kind: the others judge what was learned
LEAST = 2  # blocks of each kind: one to learn from, one to be judged by
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class GuardRequest:
    """Which estimator, where to, and from how many simulated galaxies.

    `galaxies` of each kind of trouble, as many as all of them of the prior, and five times as many
    again to set the limits by.
    """

    estimator: str
    out: Path
    galaxies: int = 5000
    steps: int = STEPS
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse too few galaxies and steps, and seeds below zero."""
        least = {"galaxies": LEAST * OBSERVATIONS * BLOCK, "steps": 1, "seed": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise UsageError(f"{name} must be at least {low}; got {getattr(self, name)}")


@dataclass(frozen=True)
class Guarded:
    """What came of it: the area under the curve of each kind's odds, against the prior."""

    areas: dict[str, float]
    out: Path


def guard(request: GuardRequest, progress: Progress = lambda *_: None) -> Guarded:
    """Teach a guard from fresh simulations of the estimator's own prior and write both.

    A guard that the estimator had is replaced.
    """
    estimator = Estimator.load(request.estimator)
    claim_file(request.out)
    taught, told_apart = parted(simulated_lessons(estimator, request, progress))
    guard = learned(taught, request, progress)
    guard.set_limits(usual_scores(estimator, guard, request, progress))
    guard.set_misfit_limits(*usual_misfits(estimator, request, progress))
    replace(estimator, guard=guard).save(request.out)
    return Guarded(areas(guard, told_apart), request.out)


def simulated_lessons(
    estimator: Estimator, request: GuardRequest, progress: Progress
) -> list[Lesson]:
    """The lessons of every kind."""
    found, done, whole = [], 0, 2 * request.galaxies * len(TROUBLES)
    for lesson in lessons(estimator.own_network, estimator.simulations, request):
        found.append(lesson)
        done += len(lesson.evidence)
        progress(min(done, whole), whole, "simulating")
    return found


def learned(teacher: Teacher, request: GuardRequest, progress: Progress) -> Guard:
    """A guard that has had all of its lessons."""
    guard = teacher.untaught(request.seed)
    for step, loss in enumerate(teacher.teach(guard, request.seed, request.steps), start=1):
        progress(step, request.steps, f"teaching, loss {loss:.3f}")
    return guard.eval()


def usual_scores(
    estimator: Estimator, guard: Guard, request: GuardRequest, progress: Progress
) -> Float[Tensor, "galaxy score"]:
    """What a guard says of fresh galaxies of the prior, as they are predicted."""
    scores, count = [], LIMITS_FROM * request.galaxies
    for scenes in usual(estimator.simulations, count, _fresh_seed(request)):
        cutouts = Cutouts.of(cutouts_of(scenes, estimator.simulations))
        with suppress(GalaxyError):  # a galaxy without a distribution has no flags to limit
            scores.append(guard_scores(infer(estimator.own_network, cutouts, Sampling(), guard)))
        progress(min(BLOCK * len(scores), count), count, "setting limits")
    return torch.cat(scores)


def usual_misfits(
    estimator: Estimator, request: GuardRequest, progress: Progress
) -> tuple[Float[Tensor, "galaxy score"], Float[Tensor, " galaxy"]]:
    """How well fresh galaxies that are alone are explained by their posteriors, and their S/N."""
    scores, signals, count = [], [], min(EXPLAINED, request.galaxies)
    alone = replace(
        estimator.simulations, scene=replace(estimator.simulations.scene, neighbour_share=0.0)
    )
    for scenes in usual(alone, count, _fresh_seed(request)):
        cutouts = Cutouts.of(cutouts_of(scenes, alone))
        with suppress(GalaxyError):
            said = estimator.examine(cutouts)
            found = explain(cutouts, said.posterior, said.sky_sigma, said.crop_theta)
            scores.append(misfit_scores(found))
            signals.append(signal_of(cutouts, said))
        progress(min(BLOCK * len(scores), count), count, "limits of explanations")
    return torch.cat(scores), torch.cat(signals)


def _fresh_seed(request: GuardRequest) -> int:
    """The seed of galaxies that no guard was taught with."""
    return SEEDS_APART * request.seed + len(TROUBLES) + 1


def parted(found: list[Lesson]) -> tuple[Teacher, Teacher]:
    """Most lessons of each kind to teach with, and those of other galaxies to judge by."""
    kinds = [trouble.kind for trouble in TROUBLES]
    last = {lesson.kind: lesson.group for lesson in found}
    held_out = [lesson.group > HELD_OUT_FROM * (last[lesson.kind] - 1) for lesson in found]
    pairs = list(zip(found, held_out, strict=True))
    taught = Teacher.of(kinds, [lesson for lesson, out in pairs if not out])
    return taught, Teacher.of(kinds, [lesson for lesson, out in pairs if out])


@torch.no_grad()
def areas(guard: Guard, judged: Teacher) -> dict[str, float]:
    """The area under the curve of each kind's own odds, against galaxies without trouble."""
    odds = guard(judged.evidence).odds.double().numpy()
    kind = judged.kind.numpy()
    return {
        one.name: area(odds[kind == place + 1, place], odds[kind == 0, place])
        for place, one in enumerate(guard.kinds)
    }


@torch.no_grad()
def evidence_of(network: GampenNetwork, scenes: Scenes) -> Float[Tensor, "galaxy number"]:
    """What a guard would judge simulated galaxies by."""
    frames = Frames.prepare(scenes.images, scenes.bad, scenes.psf_fwhm, scenes.psf_concentration)
    return look(network, frames).evidence


def usual(settings: SimulationSettings, galaxies: int, seed: int) -> Iterator[Scenes]:
    """At least so many galaxies of the prior, block by block."""
    simulator = Simulator(settings, seed)
    for step in range(-(-galaxies // BLOCK)):
        yield simulator.batch(step, BLOCK, OBSERVATIONS)


def troubled(
    settings: SimulationSettings, trouble: Trouble, galaxies: int, seed: int
) -> Iterator[Scenes]:
    """At least so many galaxies with a trouble, block by block."""
    for number in range(-(-galaxies // (BLOCK * OBSERVATIONS))):
        sizes = np.array(settings.scene.sizes)
        size = int(np.random.default_rng((seed, number)).choice(sizes))
        yield from trouble.blocks(settings, (seed, number), size, OBSERVATIONS)


def lessons(
    network: GampenNetwork, settings: SimulationSettings, request: GuardRequest
) -> Iterator[Lesson]:
    """Block by block, so many galaxies without trouble and as many with each kind.

    Those without are as many as all the others.
    """
    galaxies, seed = request.galaxies, SEEDS_APART * request.seed
    for place, scenes in enumerate(usual(settings, galaxies * len(TROUBLES), seed)):
        yield Lesson(evidence_of(network, scenes), 0, place // OBSERVATIONS)
    for kind, trouble in enumerate(TROUBLES, start=1):
        for place, scenes in enumerate(troubled(settings, trouble, galaxies, seed + kind)):
            yield Lesson(evidence_of(network, scenes), kind, place // OBSERVATIONS)
