"""Labels with errors: a fitted or human label is not the truth, and its error is accounted for.

What is judged is then the posterior of the label: that of the truth plus a Gaussian error, given
that the label lies inside the bounds, without which it is left out. Its draws are exact (a draw of
the truth and one of the error), and so are its ranks (the marginal, averaged over the error): a
true posterior passes however large the errors are. Only the density, by which regions of highest
density are ordered and scores are taken, is of first order (the delta method): an error `sigma` of
a value is `sigma / slope` in unconstrained space, with the slope of the bijection at each
component's mean, so that components stay Gaussian. None of it depends on the label itself, as it
must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from gampen.parameters import ParameterSpace
from gampen.posterior import Posterior
from gampen.probability.densities import slices
from gampen.probability.mixtures import GaussianMixture

REACH, NODES = 6.0, 241  # [errors] of the average over an error to either side, and its points
TRIES = 50  # of a draw that must lie inside the bounds
GALAXIES = 2048  # worked on at a time, so that memory stays bounded


@dataclass(frozen=True)
class Labelled(Posterior):
    """The posterior of labels with one-sigma `errors` [parameters' units], zero where exact.

    `exact` is the mixture of the truths, `mixture` that of the labels to first order.
    """

    exact: GaussianMixture | None = None
    errors: Float[Tensor, "galaxy parameter"] | None = None

    def select(
        self, galaxies: slice | Sequence[int] | Int[Tensor, " selected"] | Bool[Tensor, " galaxy"]
    ) -> Labelled:
        """The posterior of some galaxies' labels."""
        chosen = Posterior.select(self._of_truth, galaxies)
        return labelled(chosen, self._errors[torch.arange(len(self))[galaxies]].numpy())

    def marginal(self, *names: str) -> Labelled:
        """The posterior of the labels of some parameters."""
        places = [self.space.index(name) for name in names]
        return labelled(self._of_truth.marginal(*names), self._errors[:, places].numpy())

    def cdf(
        self, values: Float[Tensor, "*draw galaxy parameter"]
    ) -> Float[Tensor, "*draw galaxy parameter"]:
        """The probabilities of smaller labels, given that they lie inside the bounds."""
        parts = [
            _cdf(self._of_truth.select(part), self._errors[part], values[..., part, :])
            for part in slices(len(self), GALAXIES)
        ]
        return torch.cat(parts, dim=-2)

    def points(
        self, draws: int, numbers: torch.Generator
    ) -> Float[Tensor, "draw galaxy parameter"]:
        """Draws of labels inside the bounds, in unconstrained space."""
        found = self._points(draws, numbers)
        for _ in range(TRIES):
            outside = ~found.isfinite().all(dim=-1)
            if not bool(outside.any()):
                break
            found = torch.where(outside.unsqueeze(-1), self._points(draws, numbers), found)
        return found

    def _points(self, draws: int, numbers: torch.Generator) -> Tensor:
        """Draws of labels in unconstrained space, not finite where outside of the bounds."""
        truth = self._of_truth.mixture.sample(draws, numbers)
        noise = torch.randn(truth.shape, generator=numbers, dtype=truth.dtype)
        label = self.space.unconstrain(self.space.constrain(truth) + self._errors * noise)
        return torch.where(self._errors > 0, label, truth)

    @property
    def noisy(self) -> Bool[Tensor, "galaxy parameter"]:
        """Which labels have an error."""
        return self._errors > 0

    @property
    def _of_truth(self) -> Posterior:
        """The posterior of the truths."""
        mixture = self.mixture if self.exact is None else self.exact
        parts = self.epistemic, self.object_ids, self.zero_points, self.prior
        return Posterior(self.space, mixture, *parts)

    @property
    def _errors(self) -> Tensor:
        """The errors, none where they were not given."""
        return torch.zeros(len(self), len(self.space)) if self.errors is None else self.errors


def labelled(posterior: Posterior, errors: Float64[np.ndarray, "galaxy parameter"]) -> Labelled:
    """The posterior of labels with these one-sigma errors [parameters' units]."""
    return Labelled(
        posterior.space,
        _widened(posterior.mixture, posterior.space, torch.from_numpy(errors)),
        posterior.epistemic,
        posterior.object_ids,
        posterior.zero_points,
        posterior.prior,
        posterior.mixture,
        torch.from_numpy(errors),
    )


def points_of(
    posterior: Posterior, draws: int, numbers: torch.Generator
) -> Float[Tensor, "draw galaxy parameter"]:
    """Draws in unconstrained space, of truths or of labels: of the kind that is judged."""
    if isinstance(posterior, Labelled):
        return posterior.points(draws, numbers)
    return posterior.mixture.sample(draws, numbers)


def _widened(
    mixture: GaussianMixture, space: ParameterSpace, errors: Float[Tensor, "galaxy parameter"]
) -> GaussianMixture:
    """The mixture of labels to first order; what has no error stays as it is."""
    rows = (errors > 0).any(dim=1).nonzero().squeeze(1)
    noisy = mixture.select(rows)
    spread = space.first_order(noisy.means, errors[rows].unsqueeze(1))
    wider = GaussianMixture.from_covariances(
        noisy.log_weights.exp(), noisy.means, noisy.covariances + torch.diag_embed(spread.square())
    )
    parts = ("log_weights", "means", "precision_cholesky")
    merged = [getattr(mixture, part).index_copy(0, rows, getattr(wider, part)) for part in parts]
    return GaussianMixture(*merged)


def _cdf(
    truth: Posterior, errors: Float[Tensor, "galaxy parameter"], values: Tensor
) -> Float[Tensor, "*draw galaxy parameter"]:
    """The probability of smaller labels: the truths', averaged over the error, given the bounds."""
    low, high = (_ends(truth.space, side) for side in (-torch.inf, torch.inf))
    shares = [_average(truth, errors, edge.expand_as(values)) for edge in (low, values, high)]
    inside = (shares[1] - shares[0]) / (shares[2] - shares[0])
    return torch.where(errors > 0, inside.clamp(0, 1), truth.cdf(values))


def _average(truth: Posterior, errors: Tensor, values: Tensor) -> Tensor:
    """The probability of a truth below the values less a Gaussian error."""
    nodes = torch.linspace(-REACH, REACH, NODES, dtype=torch.float64)
    weights = torch.softmax(-0.5 * nodes.square(), dim=0)
    shifted = values - nodes.reshape(-1, *[1] * values.dim()) * errors
    return torch.einsum("n,n...->...", weights, truth.cdf(shifted))


def _ends(space: ParameterSpace, side: float) -> Float[Tensor, " parameter"]:
    """The bounds of the parameters on one side, infinite where there is none."""
    point = torch.full((len(space),), side, dtype=torch.float64)
    return space.constrain(point)
