"""Which images their posteriors do not explain."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64, Int32
from torch import Tensor

from gampen.cutouts import Flag
from gampen.inference.explanation import Explanation
from gampen.network.guard import Guard

MISFITS = {
    "chi_square": "what is left over near the galaxy, beside what noise lets one expect",
    "psf_surprise": "the PSF's width in the image beside the one told [standard deviations]",
    "neighbour_share": "light near the galaxy that is another's, over the galaxy's there",
}
"""What is judged of an explanation, and what it says."""


def misfit_scores(explanation: Explanation) -> Float64[Tensor, "galaxy 3"]:
    """What a guard's `misfit_limits` are of; where nothing could be fitted, nothing is unusual."""
    scores = np.stack([np.abs(getattr(explanation, name)) for name in MISFITS], axis=1)
    return torch.from_numpy(np.nan_to_num(scores, nan=-np.inf))


def misfit_flags(guard: Guard, explanation: Explanation) -> Int32[np.ndarray, " galaxy"]:
    """MODEL_MISFIT where any figure is beyond its limit."""
    beyond = (misfit_scores(explanation) > guard.misfit_limits.cpu()).any(dim=1).numpy()
    return np.where(beyond, int(Flag.MODEL_MISFIT), 0).astype(np.int32)
