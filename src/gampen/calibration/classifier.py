"""A classifier two-sample test: how well a network tells the truth from a posterior draw.

Truths and draws of a true posterior are of one kind, whatever else is known of the galaxy
(Lopez-Paz and Oquab 2017, arXiv:1610.06545).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn.functional import softplus

from gampen.calibration.drawing import generator
from gampen.calibration.labels import points_of
from gampen.calibration.scores import mean_ranks
from gampen.posterior import Posterior

FOLDS, HIDDEN = 5, 16
STEPS, ROWS, RATE, DECAY = 150, 256, 6e-3, 0.1
UNIFORM_SD = math.sqrt(1 / 12)


def separation(
    posterior: Posterior,
    truth: Float64[np.ndarray, "galaxy parameter"],
    columns: Mapping[str, Float64[np.ndarray, " galaxy"]],
    seed: int,
) -> float:
    """How well truths are told from draws: the area under the curve, 0.5 where they are alike.

    The classifier sees the place in the posterior (in its own deviations, without correlation),
    the posterior's mean and deviations, and the columns.
    """
    numbers = generator(seed, "classifier")
    drawn = points_of(posterior, 1, numbers)[0]
    points = posterior.space.unconstrain(torch.from_numpy(truth))
    known = features(posterior, columns)
    kinds = [_inputs(_whitened(posterior, place), known) for place in (points, drawn)]
    return classify(torch.stack(kinds), numbers)


def features(
    posterior: Posterior, columns: Mapping[str, Float64[np.ndarray, " galaxy"]]
) -> Float[Tensor, "galaxy feature"]:
    """Means and ln deviations of the posteriors, and the columns' ranks, all of unit deviation.

    What never changes, and what is not finite, is zero.
    """
    deviations = posterior.mixture.covariance.diagonal(dim1=-2, dim2=-1).log() / 2
    summaries = torch.cat([posterior.mixture.mean, deviations], dim=1)
    centred = summaries - summaries.mean(dim=0)
    spread = centred.std(dim=0, correction=0)
    standard = centred / torch.where(spread > 0, spread, 1.0)
    given = [torch.from_numpy(_uniform(column)) for column in columns.values()]
    return torch.cat([standard, *(column[:, None] for column in given)], dim=1)


def classify(kinds: Float[Tensor, "2 galaxy input"], numbers: torch.Generator) -> float:
    """The area under the curve of a small network that tells the first kind from the second.

    Of five networks each leaves out another fifth of the galaxies, with truth and draw together,
    and is judged by it. Fewer galaxies than that cannot be told apart: 0.5.
    """
    galaxies = kinds.shape[1]
    if galaxies < FOLDS:
        return 0.5
    fold = torch.randperm(galaxies, generator=numbers) % FOLDS
    networks = _Networks.begin(kinds.shape[2], numbers)
    networks.train(kinds.float(), fold, numbers)
    with torch.no_grad():
        scores = networks(kinds.float().flatten(0, 1)).reshape(FOLDS, 2, galaxies)
    left_out = [scores[place][:, fold == place].double().numpy() for place in range(FOLDS)]
    return float(np.mean([area(*pair) for pair in left_out]))


def area(first: Float64[np.ndarray, " one"], second: Float64[np.ndarray, " other"]) -> float:
    """The probability that a score of the first kind exceeds one of the second; ties count half."""
    ranks = mean_ranks(np.concatenate([first, second]))[: len(first)]
    return float((ranks.mean() - (len(first) + 1) / 2) / len(second))


@dataclass(frozen=True, eq=False)
class _Networks:
    """One small network a fold: a hidden layer beside a straight line."""

    weights: tuple[Tensor, ...]

    @classmethod
    def begin(cls, inputs: int, numbers: torch.Generator) -> _Networks:
        """Networks that say nothing yet."""
        first = torch.randn(FOLDS, inputs, HIDDEN, generator=numbers) / math.sqrt(inputs)
        shapes = [(FOLDS, 1, HIDDEN), (FOLDS, HIDDEN, 1), (FOLDS, inputs, 1), (FOLDS, 1, 1)]
        weights = (first, *(torch.zeros(shape) for shape in shapes))
        return cls(tuple(weight.requires_grad_() for weight in weights))

    def __call__(self, rows: Float[Tensor, "*fold row input"]) -> Float[Tensor, "fold row"]:
        """The ln odds that rows are of the first kind, by each fold's network."""
        first, bias, second, line, offset = self.weights
        return (torch.tanh(rows @ first + bias) @ second + rows @ line + offset).squeeze(-1)

    def train(
        self,
        kinds: Float[Tensor, "2 galaxy input"],
        fold: Int[Tensor, " galaxy"],
        numbers: torch.Generator,
    ) -> None:
        """Fit each network to the galaxies outside its fold."""
        optimizer = torch.optim.AdamW(self.weights, lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        seen = [(fold != place).nonzero().squeeze(1) for place in range(FOLDS)]
        for _ in range(STEPS):
            rows = torch.stack(
                [rows[torch.randint(len(rows), (ROWS,), generator=numbers)] for rows in seen]
            )
            loss = softplus(-self(kinds[0][rows])).mean() + softplus(self(kinds[1][rows])).mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()


def _whitened(
    posterior: Posterior, points: Float[Tensor, "galaxy parameter"]
) -> Float[Tensor, "galaxy parameter"]:
    """Points as they lie in the posteriors, of mean zero and unit covariance where true."""
    root = torch.linalg.cholesky(posterior.mixture.covariance)
    offset = (points - posterior.mixture.mean).unsqueeze(-1)
    place: Tensor = torch.linalg.solve_triangular(root, offset, upper=False).squeeze(-1)
    return place


def _inputs(
    place: Float[Tensor, "galaxy parameter"], known: Float[Tensor, "galaxy feature"]
) -> Float[Tensor, "galaxy input"]:
    """What the classifier sees.

    Squares are given so that a wrong width is quickly seen, products so that a fault is that only
    some galaxies have.
    """
    shape = torch.cat([place, place.square() - 1], dim=1)
    products = (shape.unsqueeze(2) * known.unsqueeze(1)).flatten(1)
    return torch.cat([shape, known, products], dim=1)


def _uniform(column: Float64[np.ndarray, " galaxy"]) -> Float64[np.ndarray, " galaxy"]:
    """Ranks of unit deviation about zero."""
    finite = np.isfinite(column)
    ranks = mean_ranks(column[finite])
    spread = np.zeros(len(column))
    spread[finite] = ((ranks - 0.5) / max(1, len(ranks)) - 0.5) / UNIFORM_SD
    return spread
