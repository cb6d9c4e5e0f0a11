"""Labels in the network's own units, and what becomes of them when a galaxy is turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from gampen.network.frames import Frames
from gampen.network.symmetry import SYMMETRIES, Symmetry
from gampen.parameters import ParameterSpace
from gampen.settings import Scaling
from gampen.training.batches import Batch


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of some galaxies, in the parameters' own units.

    `values` are NaN where not known, `errors` one sigma, zero where a label is exact; a pixel of
    a galaxy has `scales` [arcsec].
    """

    space: ParameterSpace
    values: Float64[np.ndarray, "galaxy parameter"]
    errors: Float64[np.ndarray, "galaxy parameter"]
    scales: Float64[np.ndarray, " galaxy"]

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.values)

    def select(self, galaxies: Int64[np.ndarray, " chosen"]) -> Labels:
        """The labels of the chosen galaxies, in the order chosen."""
        rows = (self.values[galaxies], self.errors[galaxies], self.scales[galaxies])
        return Labels(self.space, *rows)

    @property
    def exact(self) -> bool:
        """Whether all labels are known, and none has an error."""
        return bool(np.isfinite(self.values).all() and not self.errors.any())

    def batch(self, frames: Frames, symmetry: Symmetry = SYMMETRIES[0]) -> Batch:
        """The galaxies with their labels, seen in an orientation; `frames` are as they were."""
        scales, sigma = torch.from_numpy(self.scales), frames.sky_sigma.double().cpu()
        slope, offset = self.space.physical_map(scales, sigma)
        points = (self.space.unconstrain(torch.from_numpy(self.values)) - offset) / slope
        truth = (points * turning_signs(self.space, symmetry)).float()
        shown = frames if symmetry == SYMMETRIES[0] else frames.turned(symmetry)
        if self.exact:
            return Batch(shown, truth)
        ones = torch.ones_like(scales)
        units = {Scaling.NONE: ones, Scaling.LENGTH: scales, Scaling.FLUX: sigma}
        unit = torch.stack([units[parameter.scaling] for parameter in self.space], dim=1)
        return Batch(shown, truth, (torch.from_numpy(self.errors) / unit).float())


def turning_signs(space: ParameterSpace, symmetry: Symmetry) -> Float64[Tensor, " parameter"]:
    """The sign that each parameter's point takes in another orientation: pairs turn with it."""
    signs = torch.ones(len(space), dtype=torch.float64)
    for place in space.pairs:
        signs[place : place + 2] = symmetry.wave(signs[place : place + 2])
    return signs


def by_shape(batches: Sequence[Batch]) -> list[Batch]:
    """Batches of frames, those of one shape joined."""
    groups: dict[tuple[int, ...], list[Batch]] = {}
    for batch in batches:
        assert isinstance(batch.frames, Frames)  # noqa: S101
        groups.setdefault(tuple(batch.frames.pixels.shape[1:]), []).append(batch)
    return [joined(group) for group in groups.values()]


def joined(batches: Sequence[Batch]) -> Batch:
    """Several batches of one kind and shape as one."""
    if not batches[1:]:
        return batches[0]
    first, errors = batches[0], [batch.errors for batch in batches]
    kind, names = type(first.frames), vars(first.frames)
    frames = kind(**{n: torch.cat([getattr(b.frames, n) for b in batches]) for n in names})
    truth, known = (
        torch.cat([batch.truth for batch in batches]),
        [e for e in errors if e is not None],
    )
    if not known:
        return Batch(frames, truth)
    whole = [torch.zeros_like(b.truth) if b.errors is None else b.errors for b in batches]
    return Batch(frames, truth, torch.cat(whole))
