"""Flags that an estimator raises: a cutout unlike those that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int32, Shaped
from torch import Tensor

from gampen.cutouts import Cutout, Cutouts, Flag, core
from gampen.inference.sampling import Inferred
from gampen.network.frames import BRIGHTEST, MAD_TO_SIGMA
from gampen.network.guard import Guard
from gampen.settings import SimulationSettings

TOLERANCE = 1.1
BORDER = 2  # [pixel] width of the outermost ring, which should hold sky
SKY_TOLERANCE = 5.0  # [sky sigma] of the border's median off zero
FLAT_SHARE = 0.5  # of the centre's brightness: a border this bright is not a galaxy's outskirts
MASKED = int(Flag.MASKED_PIXELS)
STRIDE = 8  # [pixel] between those looked at for noise


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

    def flags(
        self, cutouts: Cutouts, sky_sigma: Float64[np.ndarray, " galaxy"]
    ) -> Int32[np.ndarray, " galaxy"]:
        """Each cutout's own flags with those that this range and the noise of its sky add."""
        pairs = zip(cutouts, sky_sigma, strict=True)
        found = [int(cutout.flags) | self._added(cutout, float(sigma)) for cutout, sigma in pairs]
        return np.array(found, dtype=np.int32)

    def _added(self, cutout: Cutout, sigma: float) -> int:
        flags = 0  # whole numbers: an enumeration's own arithmetic takes longer than all of this
        if _outside(min(cutout.shape), self.size) or _outside(max(cutout.shape), self.size):
            flags |= int(Flag.SIZE_OUT_OF_RANGE)
        if cutout.psf_fwhm is not None and _outside(cutout.psf_fwhm, self.psf_fwhm):
            flags |= int(Flag.PSF_OUT_OF_RANGE)
        if float(core(cutout.pixels).sum()) <= 0:
            flags |= int(Flag.NOT_POSITIVE)
        if lacks_noise(cutout) or has_sky(cutout, sigma):
            flags |= int(Flag.UNUSUAL)
        return flags


def guard_scores(inferred: Inferred) -> Float[Tensor, "galaxy score"]:
    """What a guard's limits are of: ln odds of each trouble, distance, and the network's doubt."""
    covariance = inferred.mixture.covariance.diagonal(dim1=-2, dim2=-1)
    shares = inferred.epistemic.diagonal(dim1=-2, dim2=-1) / covariance
    beside = (inferred.distance.double(), shares.double().amax(dim=1))
    return torch.cat([inferred.odds.double(), torch.stack(beside, dim=1)], dim=1)


def guard_flags(guard: Guard, inferred: Inferred) -> Int32[np.ndarray, " galaxy"]:
    """The flags that a guard raises."""
    exceeded = guard_scores(inferred) > guard.limits.cpu()
    flags = [*(kind.flag for kind in guard.kinds), Flag.OUT_OF_DISTRIBUTION, Flag.NETWORK_IN_DOUBT]
    found = np.zeros(len(exceeded), dtype=np.int32)
    for flag, where in zip(flags, exceeded.unbind(dim=1), strict=True):
        found[where.numpy()] |= int(flag)
    return found


def lacks_noise(cutout: Cutout) -> bool:
    """Whether the image has no noise worth the name, beside its brightest pixel."""
    good, some = cutout.pixels, cutout.pixels[::STRIDE, ::STRIDE]
    if int(cutout.flags) & MASKED:
        good, some = good[~cutout.bad], some[~cutout.bad[::STRIDE, ::STRIDE]]
    brightest = max(float(good.max()), -float(good.min()))
    return bool(some.size) and brightest > BRIGHTEST * MAD_TO_SIGMA * median_deviation(some)


def median_deviation(values: Float32[np.ndarray, " ..."]) -> float:
    """The median of the distances from the median."""
    return median(np.abs(values - np.float32(median(values))))


def median(values: Float32[np.ndarray, " ..."]) -> float:
    """The median; numpy's own takes four times as long over so few."""
    middle = ((values.size - 1) // 2, values.size // 2)
    low, high = np.partition(values, middle, axis=None)[list(middle)]
    return float((low + high) / 2)


def has_sky(cutout: Cutout, sigma: float) -> bool:
    """Whether the sky seems not to be subtracted: a border far below zero, or nearly flat."""
    level = border_level(cutout)
    centre = float(core(cutout.pixels).mean())
    return level < -SKY_TOLERANCE * sigma or level > max(SKY_TOLERANCE * sigma, FLAT_SHARE * centre)


def border_level(cutout: Cutout) -> float:
    """The median of the good pixels at the border, zero where there are none."""
    good = ring(cutout.pixels)
    if int(cutout.flags) & MASKED:
        good = good[~ring(cutout.bad)]
    return median(good) if good.size else 0.0


def ring(plane: Shaped[np.ndarray, "height width"]) -> Shaped[np.ndarray, " pixel"]:
    """What lies at the border."""
    inside = slice(BORDER, -BORDER)
    sides = (plane[:BORDER], plane[-BORDER:], plane[inside, :BORDER], plane[inside, -BORDER:])
    return np.concatenate([side.ravel() for side in sides])


def _outside(value: float, limits: tuple[float, float]) -> bool:
    """Whether a value lies beyond the limits by more than the tolerance."""
    return not limits[0] / TOLERANCE <= value <= limits[1] * TOLERANCE
