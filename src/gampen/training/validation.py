"""What is watched while a network is fitted: held-out likelihood, and whether the crop works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork


class HeldOut(Protocol):
    """Frames with their truths."""

    @property
    def frames(self) -> Frames:
        """The frames."""

    @property
    def truth(self) -> Float[Tensor, "galaxy parameter"]:
        """Their truths in unconstrained space."""


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
def validate(network: GampenNetwork, batches: Sequence[HeldOut]) -> Validation:
    """Judge a network on held-out galaxies."""
    nll, zoom = [], []
    device = next(network.parameters()).device
    for batch in batches:
        frames = Frames(*(value.to(device) for value in vars(batch.frames).values()))
        crop = network.transformer(frames.pixels)
        nll.append(-network.judge(frames, crop).log_prob(batch.truth.to(device)))
        zoom.append(crop.zoom)
    scores, zooms = torch.cat(nll).double(), torch.cat(zoom).double()
    return Validation(
        nll=float(scores.mean()),
        nll_error=float(scores.std() / len(scores) ** 0.5),
        zoom_mean=float(zooms.mean()),
        zoom_sd=float(zooms.std()),
    )
