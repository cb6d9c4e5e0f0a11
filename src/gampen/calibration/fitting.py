"""Fitting corrections to truths by maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from gampen.calibration.answers import Answers
from gampen.calibration.corrections import Conditional, Correction
from gampen.probability.blurring import blurred_log_prob
from gampen.probability.mixtures import GaussianMixture

ITERATIONS = 100  # of L-BFGS; six numbers need ten to thirty
HIDDEN = 16  # units
STEPS, PATIENCE = 400, 40  # at most, and without being better
LEARNING_RATE, WEIGHT_DECAY = 1e-2, 1e-2
WATCHED = 4  # one galaxy in so many is kept to say when to stop
NARROWEST = 1e-6  # spread of a feature that tells nothing


@dataclass(frozen=True, eq=False)
class Points:
    """True points in unconstrained space, or labels, off by a normal error of a `spread`."""

    values: Float64[Tensor, "galaxy parameter"]
    spread: Float64[Tensor, "galaxy parameter"] | None = None

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.values)

    def select(self, galaxies: Int64[Tensor, " chosen"]) -> Points:
        """Those of the chosen galaxies, in the order chosen."""
        spread = None if self.spread is None else self.spread[galaxies]
        return Points(self.values[galaxies], spread)

    def log_prob(self, mixture: GaussianMixture) -> Float64[Tensor, " galaxy"]:
        """ln of their density under mixtures, labels with their errors."""
        if self.spread is None:
            return mixture.log_prob(self.values)
        spread = self.spread.unsqueeze(-2).expand_as(mixture.means)
        return blurred_log_prob(mixture, self.values, spread)


@dataclass(frozen=True, eq=False)
class Whitened:
    """Mixtures and true points in units of each mixture's deviations from its mean.

    Where there is a `spread`, points are labels that are off by so much, one sigma.
    """

    mixture: GaussianMixture
    points: Float64[Tensor, "galaxy parameter"]
    spread: Float64[Tensor, "galaxy parameter"] | None = None

    @classmethod
    def of(cls, answers: Answers, points: Points) -> Whitened:
        """Those of answers and true points, or labels."""
        mean, deviations = answers.mixture.mean, answers.deviations
        mixture = answers.mixture.affine(1 / deviations, -mean / deviations)
        spread = None if points.spread is None else points.spread / deviations
        return cls(mixture, (points.values - mean) / deviations, spread)

    def surprise(
        self,
        log_scale: Float[Tensor, "#galaxy parameter"],
        shift: Float[Tensor, "#galaxy parameter"],
    ) -> Float64[Tensor, " galaxy"]:
        """-ln density of the true points under the corrected mixtures, up to a constant."""
        # Moving the point back through the correction is cheaper than correcting the mixture.
        narrower = (-log_scale).exp()
        spread = None if self.spread is None else self.spread * narrower
        moved = Points((self.points - shift) * narrower, spread)
        return log_scale.sum(dim=-1) - moved.log_prob(self.mixture)


def fit_constant(answers: Answers, points: Points) -> Correction:
    """One scale and one shift a parameter, those under which the truths are likeliest."""
    white = Whitened.of(answers, points)
    free = torch.zeros(2, points.values.shape[1], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([free], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        found = white.surprise(free[:1], free[1:]).mean()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    solver.step(loss)  # type: ignore[no-untyped-call]
    log_scale, shift = free.detach().nan_to_num(nan=0.0)
    return Correction(log_scale, shift)


def fit_conditional(
    answers: Answers, points: Points, constant: Correction, seed: int
) -> Correction:
    """A correction by galaxy that begins at the constant one and stops before it learns by heart.

    Some of the galaxies are watched: the network as it was when they were likeliest is the one that
    comes back. It is the start itself where nothing is learnt that is true of them as well.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(points), generator=generator)
    watched, learnt = order[: len(order) // WATCHED], order[len(order) // WATCHED :]
    start = begun(answers.features[learnt], points.values.shape[1], generator)
    watching = _Surprise.of(answers.select(watched), points.select(watched), constant)
    learning = _Surprise.of(answers.select(learnt), points.select(learnt), constant)
    network = _descend(start, learning, watching)
    return Correction(constant.log_scale, constant.shift, network)


def begun(
    features: Float64[Tensor, "galaxy feature"], parameters: int, generator: torch.Generator
) -> Conditional:
    """A network that tells features apart and as yet changes nothing."""
    known = features.isfinite()
    count = known.sum(dim=0).clamp(min=1)
    centre = features.where(known, 0.0).sum(dim=0) / count
    offsets = (features - centre).where(known, 0.0)
    spread = (offsets.square().sum(dim=0) / count).sqrt()
    slope = torch.where(spread > NARROWEST, 1 / spread, 0.0)
    shape = (HIDDEN, features.shape[1])
    weight = torch.randn(shape, generator=generator, dtype=torch.float64) / math.sqrt(shape[1])
    none = torch.zeros(HIDDEN, dtype=torch.float64)
    return Conditional(centre, slope, weight, none, none.expand(2 * parameters, HIDDEN).clone())


@dataclass(frozen=True, eq=False)
class _Surprise:
    """The mean surprise of some galaxies under a conditional network beside a constant."""

    white: Whitened
    features: Float64[Tensor, "galaxy feature"]
    constant: Correction

    @classmethod
    def of(cls, answers: Answers, points: Points, constant: Correction) -> _Surprise:
        return cls(Whitened.of(answers, points), answers.features, constant)

    def __call__(self, network: Conditional) -> Float64[Tensor, ""]:
        log_scale, shift = network(self.features)
        moved = (self.constant.log_scale + log_scale, self.constant.shift + shift)
        return self.white.surprise(*moved).mean()


def _descend(start: Conditional, learning: _Surprise, watching: _Surprise) -> Conditional:
    """The network of least surprise to the watched on the way down that of the others."""
    fixed = {"centre": start.centre, "slope": start.slope}
    free = {
        name: v.clone().requires_grad_() for name, v in vars(start).items() if name not in fixed
    }
    optimiser = torch.optim.AdamW(free.values(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, least, since = start, float(watching(start)), 0
    for _ in range(STEPS):
        optimiser.zero_grad()
        learning(Conditional(**fixed, **free)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        now = Conditional(**fixed, **{name: v.detach().clone() for name, v in free.items()})
        found = float(watching(now))
        if found < least:
            best, least, since = now, found, 0
        since += 1
        if since > PATIENCE:
            break
    return best
