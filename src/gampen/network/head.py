"""The head: features in, a Gaussian mixture with full covariances out.

Each component's precision is L L^T with a lower triangular L whose log-diagonal is bounded, so the
density needs no inverse and no determinant and cannot fail. With one component it is the Gaussian
of GaMPEN (Ghosh et al. 2022, doi:10.3847/1538-4357/ac7f9e).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gampen.network.dropout import Dropout, Masks
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import NetworkSettings

LOG_DIAGONAL_BOUND = 7.0
APART = 1.4  # times the width of a component: the widest of its copies; the narrowest as much less
MEAN_SPREAD = 0.5
WEIGHT, BIAS = "head.last.weight", "head.last.bias"  # in a network


class MixtureHead(nn.Module):
    """Two hidden layers, each with dropout behind it, and a linear map to the mixture."""

    def __init__(self, inputs: int, parameters: int, settings: NetworkSettings) -> None:
        """Build for `inputs` features and `parameters` parameters."""
        super().__init__()
        self.parameters_count, self.components = parameters, settings.components
        self.drop = Dropout(settings.dropout)
        self.first = nn.Linear(inputs, settings.hidden)
        self.second = nn.Linear(settings.hidden, settings.hidden)
        below = parameters * (parameters - 1) // 2
        self.sizes = (1, parameters, parameters, below)
        self.last = nn.Linear(settings.hidden, settings.components * sum(self.sizes))
        self._start()

    def _start(self) -> None:
        """Start as the prior: unit covariances, components beside each other."""
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)
        bias = self.last.bias.detach().view(self.components, -1)
        spread = torch.linspace(-MEAN_SPREAD, MEAN_SPREAD, self.components + 2)[1:-1]
        bias[:, 1 : 1 + self.parameters_count] = spread[:, None]

    def forward(
        self, features: Float[Tensor, "*pass galaxy feature"], masks: Masks | None = None
    ) -> GaussianMixture:
        """One mixture a galaxy; with masks [pass galaxy], of features that all share or not."""
        active = nn.functional.silu(self.first(features))
        if masks is None:
            active = nn.functional.silu(self.second(self.drop(active)))
            return self._mixture(self.last(self.drop(active)))
        first, second = (layer[:, None] for layer in masks.layers)
        active = nn.functional.silu(self.second(active * first))
        return self._mixture(self.last(active * second))

    def _mixture(self, raw: Float[Tensor, "*pass galaxy output"]) -> GaussianMixture:
        raw = raw.reshape(*raw.shape[:-1], self.components, sum(self.sizes)).float()
        logit, mean, diagonal, below = torch.split(raw, list(self.sizes), dim=-1)
        bounded = LOG_DIAGONAL_BOUND * torch.tanh(diagonal / LOG_DIAGONAL_BOUND)
        factor = torch.diag_embed(bounded.exp())
        size = self.parameters_count
        rows, columns = torch.tril_indices(size, size, -1)
        factor[..., rows, columns] = below
        return GaussianMixture(torch.log_softmax(logit.squeeze(-1), dim=-1), mean, factor)


def more_components(
    weights: Mapping[str, Tensor], components: int, parameters: int
) -> dict[str, Tensor]:
    """Weights of a head's last layer for a multiple of its components, by their names.

    Each component becomes copies of itself, from narrower to wider ones, which together stand for
    what it did with heavier tails. The weights as they are where the numbers do not fit.
    """
    sizes = (1, parameters, parameters, parameters * (parameters - 1) // 2)
    copies, rest = divmod(components * sum(sizes), len(weights[BIAS]))
    if rest or copies < 2 or len(weights[BIAS]) % sum(sizes):
        return dict(weights)
    found = {}
    for name, weight in weights.items():
        whole = weight.reshape(-1, sum(sizes), *weight.shape[1:])
        parts = torch.split(whole, list(sizes), dim=1)
        each = [_copied(parts, log_width, name, copies) for log_width in _log_widths(copies)]
        found[name] = torch.cat(each).flatten(0, 1)
    return found


def _log_widths(copies: int) -> list[float]:
    """ln of how much wider each copy is."""
    ends = math.log(APART)
    return [float(width) for width in torch.linspace(-ends, ends, copies)]


def _copied(parts: Sequence[Tensor], log_width: float, name: str, copies: int) -> Tensor:
    """Logits, means, ln diagonals and what stands below them, of so much wider components."""
    logit, mean, diagonal, below = parts
    if name == BIAS:
        logit, diagonal = logit - math.log(copies), diagonal - log_width
    return torch.cat([logit, mean, diagonal, below * math.exp(-log_width)], dim=1)
