"""What a network sees of galaxies, in one orientation or all eight, before its head concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.crop import Crop
from gampen.network.dropout import MapMasks
from gampen.network.frames import Frames, orderless_mean
from gampen.network.network import GampenNetwork
from gampen.network.scrutiny import scrutiny
from gampen.network.symmetry import SYMMETRIES, Symmetry

AS_THEY_ARE = SYMMETRIES[:1]


@dataclass(frozen=True)
class Looked:
    """What was seen of some galaxies, the mean over orientations but for the crop: the first one's.

    `summary`: what the head is told, one for each pass where dropout stands before the
    convolutions; `guess`: the first guess; `measured`: what both came from.
    """

    frames: Frames
    summary: Float[Tensor, "*pass galaxy feature"]
    guess: Float[Tensor, "galaxy parameter"]
    measured: Float[Tensor, "galaxy number"]
    crop: Crop
    zoom: Float[Tensor, " galaxy"]

    @property
    def evidence(self) -> Float[Tensor, "galaxy number"]:
        """What a guard judges by."""
        summary = self.summary if self.summary.dim() == self.guess.dim() else self.summary[0]
        return torch.cat([self.measured, summary, scrutiny(self.frames.pixels, self.crop)], dim=1)


def look(
    network: GampenNetwork,
    frames: Frames,
    symmetries: Sequence[Symmetry] = AS_THEY_ARE,
    passes: Sequence[MapMasks] = (),
) -> Looked:
    """What a network sees of frames in some orientations, once for each of the passes, if any."""
    views = [frames.turned(symmetry) for symmetry in symmetries] if symmetries[1:] else [frames]
    crops = [network.transformer(view.pixels) for view in views]
    summaries = []
    for masks in passes or (None,):
        told = [network.look(*pair, masks) for pair in zip(views, crops, strict=True)]
        summary, guess, measured = (mean_of_views(parts) for parts in zip(*told, strict=True))
        summaries.append(summary)
    zoom = mean_of_views([crop.zoom for crop in crops])
    whole = torch.stack(summaries) if passes else summary
    return Looked(frames, whole, guess, measured, crops[0], zoom)


def mean_of_views(values: Sequence[Tensor]) -> Tensor:
    """The mean over orientations, whatever their order; of one, itself."""
    return orderless_mean(values) if values[1:] else values[0]
