"""Flags that an estimator raises: a cutout unlike those that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from gampen.cutouts import Cutout, Cutouts, Flag, core
from gampen.settings import SimulationSettings

TOLERANCE = 1.1


@dataclass(frozen=True)
class TrainedRange:
    """What an estimator has seen: side of the frame [pixel] and FWHM of the PSF [pixel]."""

    size: tuple[float, float]
    psf_fwhm: tuple[float, float]

    @classmethod
    def of(cls, simulation: SimulationSettings) -> TrainedRange:
        """The range of a training simulation."""
        sizes, survey = simulation.scene.sizes, simulation.survey
        low, high = (width / survey.pixel_scale for width in survey.psf_fwhm)
        return cls((min(sizes), max(sizes)), (low, high))

    def flags(self, cutouts: Cutouts) -> Int32[np.ndarray, " galaxy"]:
        """Each cutout's own flags with those that this range adds."""
        found = [int(cutout.flags | self._added(cutout)) for cutout in cutouts]
        return np.array(found, dtype=np.int32)

    def _added(self, cutout: Cutout) -> Flag:
        flags = Flag(0)
        if _outside(min(cutout.shape), self.size) or _outside(max(cutout.shape), self.size):
            flags |= Flag.SIZE_OUT_OF_RANGE
        if cutout.psf_fwhm is not None and _outside(cutout.psf_fwhm, self.psf_fwhm):
            flags |= Flag.PSF_OUT_OF_RANGE
        if float(core(cutout.pixels).sum()) <= 0:
            flags |= Flag.NOT_POSITIVE
        return flags


def _outside(value: float, limits: tuple[float, float]) -> bool:
    """Whether a value lies beyond the limits by more than the tolerance."""
    return not limits[0] / TOLERANCE <= value <= limits[1] * TOLERANCE
