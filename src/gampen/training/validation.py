"""What is watched while a network is fitted: held-out likelihood, and whether the crop works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gampen.network.network import GampenNetwork
from gampen.training.batches import Batch


@dataclass(frozen=True)
class Validation:
    """Negative log-likelihood per galaxy and its standard error; the learned zoom's spread.

    A crop that has collapsed to one size shows as a `zoom_sd` near zero.
    """

    nll: float
    nll_error: float
    zoom_mean: float
    zoom_sd: float


@torch.no_grad()
def validate(network: GampenNetwork, batches: Sequence[Batch]) -> Validation:
    """Judge a network on held-out galaxies."""
    nll, zoom = [], []
    device = next(network.parameters()).device
    for batch in batches:
        here = batch.to(device)
        crop = network.transformer(here.frames.pixels)
        nll.append(-network.judge(here.frames, crop).log_prob(here.truth))
        zoom.append(crop.zoom)
    scores, zooms = torch.cat(nll).double(), torch.cat(zoom).double()
    return Validation(
        nll=float(scores.mean()),
        nll_error=float(scores.std() / len(scores) ** 0.5),
        zoom_mean=float(zooms.mean()),
        zoom_sd=float(zooms.std()),
    )
