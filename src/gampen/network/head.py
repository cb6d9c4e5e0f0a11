"""The head: features in, a Gaussian mixture with full covariances out.

Each component's precision is L L^T with a lower triangular L whose log-diagonal is bounded, so the
density needs no inverse and no determinant and cannot fail. With one component it is the Gaussian
of GaMPEN (Ghosh et al. 2022, doi:10.3847/1538-4357/ac7f9e).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gampen.network.dropout import Dropout, Masks
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import NetworkSettings

LOG_DIAGONAL_BOUND = 7.0
MEAN_SPREAD = 0.5


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
