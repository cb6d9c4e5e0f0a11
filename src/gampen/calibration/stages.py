"""Recalibration in stages, each accepted only where galaxies it was not fitted to ask for it.

Stage 0 leaves mixtures as they are. Stage 1 fits one scale and one shift a parameter, for all
galaxies. Stage 2 adds a small network of what is known of a galaxy without its truth. Galaxies are
split three ways: those that corrections are fitted to, those that judge them by their negative
log-likelihood, and those from which the levels of joint regions come, so that these stay exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from gampen.calibration.answers import Answers
from gampen.calibration.conformal import CredibleLevels
from gampen.calibration.corrections import Correction
from gampen.calibration.fitting import Points, fit_conditional, fit_constant
from gampen.errors import UsageError
from gampen.probability.joint import joint_level

LEAST = 200
"""Galaxies; with fewer, a judgement from a quarter of them would be worth nothing."""
ASKED = 3.0
"""Standard errors by which a stage must be better than the one accepted before it."""
DRAWS, DRAWN_WITH = 2000, 0
"""Of a galaxy's posterior and their seed: those of `Posterior.hpd_level`, whose levels it maps."""


@dataclass(frozen=True, eq=False)
class Split:
    """Which galaxies do what: to be fitted to (half), to judge, to give levels (a quarter each)."""

    fitted: Int64[Tensor, " fitted"]
    judged: Int64[Tensor, " judged"]
    levelled: Int64[Tensor, " levelled"]

    @classmethod
    def of(cls, galaxies: int, seed: int) -> Split:
        """A random split, the same for the same seed."""
        order = torch.from_numpy(np.random.default_rng([seed, galaxies]).permutation(galaxies))
        half, quarter = galaxies // 2, (galaxies - galaxies // 2) // 2
        return cls(order[:half], order[half : half + quarter], order[half + quarter :])

    @property
    def held_out(self) -> Int64[Tensor, " held"]:
        """The galaxies that nothing is fitted to."""
        return torch.cat([self.judged, self.levelled])


@dataclass(frozen=True)
class Trial:
    """A stage before its judges: `nll` [nat] a galaxy, and by how much it is better, each +- s.e.

    In unconstrained space, in pixels and sky sigmas, as the held-out loss of training is.
    """

    stage: int
    nll: float
    nll_error: float
    gain: float
    gain_error: float
    accepted: bool


@dataclass(frozen=True, eq=False)
class Recalibrated:
    """The correction that was accepted, if any, levels to go with it, and how it came to this."""

    correction: Correction | None
    levels: CredibleLevels
    trials: tuple[Trial, ...]
    split: Split

    @property
    def stage(self) -> int:
        """The stage that was accepted."""
        return 0 if self.correction is None else self.correction.stage

    def applied(self, answers: Answers) -> Answers:
        """The answers, corrected."""
        return answers if self.correction is None else self.correction.applied(answers)


def recalibrate(
    answers: Answers, points: Float64[Tensor, "galaxy parameter"], seed: int = 0
) -> Recalibrated:
    """What makes answers true, given true points in the same space; the same for the same seed.

    `UsageError` where there are fewer than `LEAST` galaxies.
    """
    split, true = split_of(len(points), seed), Points(points)
    correction, trials = tried(answers, true, split.fitted, split.judged, seed)
    held = answers.select(split.levelled)
    held = held if correction is None else correction.applied(held)
    levels = CredibleLevels.of(levels_of(held, points[split.levelled]))
    return Recalibrated(correction, levels, trials, split)


def corrected_by_labels(
    answers: Answers, points: Points, seed: int = 0
) -> tuple[Correction | None, tuple[Trial, ...]]:
    """The correction, if any, that labels with errors ask for, and how it came to this.

    Those that would give levels judge as well: the level of a label is not that of a truth.
    `UsageError` where there are fewer than `LEAST` galaxies.
    """
    split = split_of(len(points), seed)
    return tried(answers, points, split.fitted, split.held_out, seed)


def split_of(galaxies: int, seed: int) -> Split:
    """The split of so many galaxies; `UsageError` where they are too few."""
    if galaxies < LEAST:
        raise UsageError(f"recalibration needs at least {LEAST} galaxies; got {galaxies}")
    return Split.of(galaxies, seed)


def tried(
    answers: Answers,
    points: Points,
    fitted: Int64[Tensor, " fitted"],
    judges: Int64[Tensor, " judge"],
    seed: int,
) -> tuple[Correction | None, tuple[Trial, ...]]:
    """The stage that the judges accept of those that are fitted to others, and all trials."""
    offered = candidates(answers.select(fitted), points.select(fitted), seed)
    return judged(offered, answers.select(judges), points.select(judges))


def candidates(answers: Answers, points: Points, seed: int) -> Iterator[Correction]:
    """Stage 1, and stage 2 that begins where stage 1 ended."""
    constant = fit_constant(answers, points)
    yield constant
    yield fit_conditional(answers, points, constant, seed)


def judged(
    offered: Iterator[Correction], answers: Answers, points: Points
) -> tuple[Correction | None, tuple[Trial, ...]]:
    """The last stage that is better than the one accepted before it by enough standard errors."""
    best, accepted = -points.log_prob(answers.mixture), None
    trials = [_trial(0, best, torch.zeros_like(best), accepted=True)]
    for correction in offered:
        surprise = -points.log_prob(correction.applied(answers).mixture)
        gain = best - surprise
        better = float(gain.mean()) > ASKED * _error(gain)
        trials.append(_trial(correction.stage, surprise, gain, accepted=better))
        if better:
            best, accepted = surprise, correction
    return accepted, tuple(trials)


def levels_of(
    answers: Answers, points: Float64[Tensor, "galaxy parameter"]
) -> Float64[np.ndarray, " galaxy"]:
    """The joint highest-density level of each true point, as `Posterior.hpd_level` finds it."""
    generator = torch.Generator().manual_seed(DRAWN_WITH)
    found: np.ndarray = joint_level(answers.mixture, points, DRAWS, generator).numpy()
    return found


def _trial(stage: int, surprise: Tensor, gain: Tensor, *, accepted: bool) -> Trial:
    numbers = (float(surprise.mean()), _error(surprise), float(gain.mean()), _error(gain))
    return Trial(stage, *numbers, accepted)


def _error(values: Tensor) -> float:
    """The standard error of a mean."""
    return float(values.std()) / math.sqrt(len(values))
