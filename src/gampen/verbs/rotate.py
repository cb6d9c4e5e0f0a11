"""`gampen rotate`: one galaxy at every angle, and what its posterior does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gampen.calibration.rotation import Stability, all_turns, turns
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.plotting.images import DrawnCrop
from gampen.plotting.posteriors import as_measured
from gampen.plotting.rotation import rotation_plot, save_animation
from gampen.plotting.style import STAMPS, save
from gampen.posterior import Posterior
from gampen.storage.fits import Known, read_cutout
from gampen.verbs.outputs import claim_file

MOVING = ".gif"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RotateRequest:
    """Which galaxy to turn, how often, and where the picture goes: its ending says which kind."""

    cutout: Path
    out: Path
    estimator: str = "universal"
    turns: int = 36
    known: Known = field(default_factory=Known)
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        """Refuse fewer turns than make a circle, and pictures of no known kind."""
        if self.turns < 2:
            raise UsageError(f"turns must be at least 2; got {self.turns}")
        if self.out.suffix.lower() not in (MOVING, *STAMPS):
            kinds = ", ".join((MOVING, *STAMPS))
            raise UsageError(f"a picture of turns must end in {kinds}; got {self.out.name!r}")


@dataclass(frozen=True)
class Rotated:
    """The posterior at each angle [degree], all angles again mirrored where that was drawn."""

    angles: Float64[np.ndarray, " angle"]
    posterior: Posterior
    stability: Stability


def rotate(request: RotateRequest, progress: Progress = lambda *_: None) -> Rotated:
    """Turn a galaxy, predict it at every angle and draw what comes of it.

    A GIF shows the galaxy, its crop and the marginals moving; any other picture draws median and
    68 % band against the angle, mirrored as well.
    """
    claim_file(request.out)
    estimator, moving = Estimator.load(request.estimator), request.out.suffix.lower() == MOVING
    cutout = read_cutout(request.cutout, request.known)
    # a circle's last angle is its first; a plot shows both ends
    angles = np.linspace(0, 360, request.turns, endpoint=not moving)
    cutouts = turns(cutout, angles.tolist(), mirrored=not moving)
    progress(0, len(cutouts))
    found = estimator.examine(cutouts, request.sampling)
    progress(len(cutouts), len(cutouts))
    each = all_turns(angles.tolist(), mirrored=not moving)
    posterior, stability = found.posterior, Stability.of(found.posterior, each)
    if moving:
        pairs = zip(cutouts, found.crop_theta, strict=True)
        crops = [DrawnCrop.of(cutout, theta) for cutout, theta in pairs]
        save_animation(cutouts, crops, posterior, request.out)
    else:
        parameters = [as_measured(parameter, cutout) for parameter in posterior.space]
        save(rotation_plot(angles.tolist(), stability, parameters), request.out)
    return Rotated(angles, posterior, stability)
