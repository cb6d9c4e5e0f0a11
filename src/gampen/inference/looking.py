"""What a network sees of galaxies, in one orientation or all eight, before its head concludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.network.crop import Crop
from gampen.network.dropout import MapMasks
from gampen.network.frames import Frames, orderless_mean
from gampen.network.network import GampenNetwork, Seen
from gampen.network.scrutiny import scrutiny
from gampen.network.symmetry import SYMMETRIES, Symmetry
from gampen.parameters import ParameterSpace

AS_THEY_ARE = SYMMETRIES[:1]


@dataclass(frozen=True)
class Side:
    """What was seen of some galaxies from one side: as they are, or as in a mirror.

    `summary`: what the head is told, one for each pass where dropout stands before the
    convolutions; `guess`: the first guess; `heading`: of the frame it is told in, as it lies in the
    galaxies' own orientation.
    """

    summary: Float[Tensor, "*pass galaxy feature"]
    guess: Float[Tensor, "galaxy parameter"]
    heading: Float[Tensor, "galaxy 2"]
    mirrored: bool = False


@dataclass(frozen=True)
class Looked:
    """What was seen of some galaxies, the mean over orientations but for the crop: the first one's.

    `sides`: one, unless a mirror would exchange the two signs that a pair may have; `measured`:
    what they came from.
    """

    frames: Frames
    sides: tuple[Side, ...]
    measured: Float[Tensor, "galaxy number"]
    crop: Crop
    zoom: Float[Tensor, " galaxy"]

    @property
    def evidence(self) -> Float[Tensor, "galaxy number"]:
        """What a guard judges by."""
        summary = mean_of_views([side.summary for side in self.sides])
        summary = summary if summary.dim() == self.measured.dim() else summary[0]
        return torch.cat([self.measured, summary, scrutiny(self.frames.pixels, self.crop)], dim=1)


@dataclass(frozen=True)
class View:
    """Frames in one orientation, and their crops."""

    symmetry: Symmetry
    frames: Frames
    crop: Crop

    def seen(self, network: GampenNetwork, masks: MapMasks | None) -> Seen:
        """What the network sees of it, its heading turned back."""
        seen = network.look(self.frames, self.crop, masks)
        return replace(seen, heading=self.symmetry.wave(seen.heading))


def look(
    network: GampenNetwork,
    frames: Frames,
    symmetries: Sequence[Symmetry] = AS_THEY_ARE,
    passes: Sequence[MapMasks] = (),
) -> Looked:
    """What a network sees of frames in some orientations, once for each of the passes, if any."""
    turned = [frames.turned(symmetry) for symmetry in symmetries] if symmetries[1:] else [frames]
    crops = [network.transformer(view.pixels) for view in turned]
    views = [View(*parts) for parts in zip(symmetries, turned, crops, strict=True)]
    told = [[view.seen(network, masks) for view in views] for masks in passes or (None,)]
    sides = tuple(
        side_of([[seen[place] for place in places] for seen in told], mirrored, bool(passes))
        for mirrored, places in sides_of(network.space, symmetries).items()
    )
    measured = mean_of_views([seen.measured for seen in told[-1]])
    zoom = mean_of_views([crop.zoom for crop in crops])
    return Looked(frames, sides, measured, crops[0], zoom)


def sides_of(space: ParameterSpace, symmetries: Sequence[Symmetry]) -> dict[bool, list[int]]:
    """The places of the orientations whose summaries may be averaged, by whether mirrored."""
    found: dict[bool, list[int]] = {}
    for place, symmetry in enumerate(symmetries):
        found.setdefault(symmetry.mirrored and bool(space.pairs), []).append(place)
    return found


def side_of(told: Sequence[Sequence[Seen]], mirrored: bool, passes: bool) -> Side:
    """The mean over orientations of each pass; guess and heading are the last one's."""
    summaries = [mean_of_views([seen.summary for seen in views]) for views in told]
    guess, heading = (
        mean_of_views([getattr(seen, name) for seen in told[-1]]) for name in ("guess", "heading")
    )
    return Side(torch.stack(summaries) if passes else summaries[0], guess, heading, mirrored)


def mean_of_views(values: Sequence[Tensor]) -> Tensor:
    """The mean over orientations, whatever their order; of one, itself."""
    return orderless_mean(values) if values[1:] else values[0]
