"""What is watched while a network is fitted: held-out likelihood, and whether the crop works."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gampen.network.network import GampenNetwork
from gampen.training.batches import Batch
from gampen.training.likelihood import judged, log_likelihood


@dataclass(frozen=True)
class Validation:
    """Negative log-likelihood per galaxy and its standard error; the learned zoom's spread.

    A crop that has collapsed to one size shows as a `zoom_sd` near zero; both are NaN where crops
    are not learned, and galaxies not looked at anew.
    """

    nll: float
    nll_error: float
    zoom_mean: float = math.nan
    zoom_sd: float = math.nan


@torch.no_grad()
def validate(network: GampenNetwork, batches: Sequence[Batch]) -> Validation:
    """Judge a network on held-out galaxies."""
    nll, zoom = [], []
    device = next(network.parameters()).device
    for batch in batches:
        here = batch.to(device)
        mixture, crop = judged(network, here)
        nll.append(-log_likelihood(network.space, mixture, here))
        zoom.extend([] if crop is None else [crop.zoom])
    scores = torch.cat(nll).double()
    found = float(scores.mean()), float(scores.std() / len(scores) ** 0.5)
    if not zoom:
        return Validation(*found)
    zooms = torch.cat(zoom).double()
    return Validation(*found, float(zooms.mean()), float(zooms.std()))
