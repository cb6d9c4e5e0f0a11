"""Which images their posteriors do not explain."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float64, Int32
from torch import Tensor

from gampen.cutouts import Cutouts, Flag
from gampen.inference.explanation import Explanation
from gampen.network.guard import Guard
from gampen.photometry import signal_to_noise
from gampen.posterior import Posterior

MISFITS = {
    "chi_square": "what is left over near the galaxy, beside what noise lets one expect",
    "psf_surprise": "the PSF's width in the image beside the one told [standard deviations]",
    "neighbour_share": "light near the galaxy that is another's, over the galaxy's there",
}
"""What is told of an explanation; all but the last, which is no fault, is judged."""
JUDGED = tuple(MISFITS)[:-1]


@runtime_checkable
class Said(Protocol):
    """What an estimator said of galaxies, as in `gampen.estimator.Prediction`."""

    @property
    def posterior(self) -> Posterior:
        """Their posteriors."""

    @property
    def sky_sigma(self) -> Float64[np.ndarray, " galaxy"]:
        """The noise of each sky [image units]."""


def misfit_scores(explanation: Explanation) -> Float64[Tensor, "galaxy score"]:
    """What a guard's `misfit_limits` are of; where nothing could be fitted, nothing is unusual."""
    scores = np.stack([np.abs(getattr(explanation, name)) for name in JUDGED], axis=1)
    return torch.from_numpy(np.nan_to_num(scores, nan=-np.inf))


def signal_of(cutouts: Cutouts, prediction: Said) -> Float64[Tensor, " galaxy"]:
    """The S/N of galaxies at the means of their posteriors in unconstrained space."""
    posterior, sky_sigma = prediction.posterior, torch.from_numpy(prediction.sky_sigma)
    typical = posterior.named(posterior.mixture.mean)
    scale = torch.from_numpy(cutouts.unit_scales)
    fwhm = torch.from_numpy(np.nan_to_num(cutouts.psf_fwhms))
    return signal_to_noise(typical["flux"], typical["effective_radius"] / scale, fwhm, sky_sigma)


def misfit_flags(
    guard: Guard, explanation: Explanation, signal: Float64[Tensor, " galaxy"]
) -> Int32[np.ndarray, " galaxy"]:
    """MODEL_MISFIT where any figure is beyond its limit at the galaxy's S/N."""
    limits = guard.misfit_limits.cpu()[guard.range_of(signal)]
    beyond = (misfit_scores(explanation) > limits).any(dim=1).numpy()
    return np.where(beyond, int(Flag.MODEL_MISFIT), 0).astype(np.int32)
