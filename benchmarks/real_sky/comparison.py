"""A posterior against a label with its own error, two posteriors against each other, and shares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.real_sky.labels import Label
from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.estimator import Estimator, Prediction
from gampen.posterior import Posterior

DRAWS, SEED = 4000, 0
LEVELS = (0.6827, 0.9545)
EDGES = (0.5, 0.15865, 0.84135, 0.02275, 0.97725)
QUIET = Flag.MASKED_PIXELS | Flag.ZERO_POINT_UNKNOWN
SHORT = {"effective_radius": "R_e", "magnitude": "mag", "bulge_to_total": "B/T", "flux": "flux"}


@dataclass(frozen=True)
class Examined:
    """A galaxy, its posterior and how the network came to it."""

    cutout: Cutout
    posterior: Posterior
    theta: Float[np.ndarray, "2 3"]
    sky_sigma: float
    flags: Flag

    @property
    def draws(self) -> dict[str, Float[Tensor, " draw"]]:
        """Draws by parameter, the logarithm of the radius among them as `effective_radius`."""
        found = {name: v[:, 0] for name, v in self.posterior.draws(DRAWS, SEED).items()}
        return found | {"effective_radius": found["effective_radius"].log()}

    def quantiles(self, name: str) -> list[float]:
        """Median and the edges of the 68 % and 95 % intervals."""
        marginal = self.posterior.magnitude() if name == "magnitude" else self.posterior[name]
        return [float(marginal.ppf(edge)[0]) for edge in EDGES]

    def text(self, name: str) -> str:
        """Median with both intervals."""
        median, low, high, lowest, highest = self.quantiles(name)
        return f"{median:7.3f} [{low:.3f} {high:.3f}] [{lowest:.3f} {highest:.3f}]"

    @property
    def flag_text(self) -> str:
        """The names of the flags that say something unusual."""
        names = [flag.name or "" for flag in Flag if flag in self.flags and flag not in QUIET]
        return " ".join(names) or "-"

    @property
    def crop_side(self) -> float:
        """The side of the learned crop over that of the frame."""
        return float(np.sqrt(abs(np.linalg.det(self.theta[:, :2]))))


def examine(estimator: Estimator, cutouts: list[Cutout]) -> list[Examined]:
    """Every galaxy with its posterior."""
    found: Prediction = estimator.examine(Cutouts.of(cutouts))
    return [
        Examined(
            cutout,
            found.posterior.select([place]),
            found.crop_theta[place],
            float(found.sky_sigma[place]),
            Flag(int(found.flags[place])),
        )
        for place, cutout in enumerate(cutouts)
    ]


def deviation(galaxy: Examined, name: str, label: Label) -> float:
    """How far the label lies from the posterior, widened by the label's error, in sigmas.

    That is the normal deviate of the label's place in the convolution of both.
    """
    value, error = label[name]
    at = math.log(value) if name == "effective_radius" else value
    place: Tensor = torch.special.ndtr((at - galaxy.draws[name]) / error).mean()
    return float(torch.special.ndtri(place.clamp(1e-15, 1 - 1e-15)))


def is_within(deviate: float, level: float) -> bool:
    """Whether a deviate lies in the equal-tailed interval of a level."""
    return math.erf(abs(deviate) / math.sqrt(2)) < level


def apart(first: Examined, second: Examined, name: str) -> tuple[float, float]:
    """The difference of two posteriors' means and the root of the sum of their variances."""
    one, other = first.draws[name], second.draws[name]
    return float(one.mean() - other.mean()), float((one.var() + other.var()).sqrt())


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 68 % interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if not trials:
        return 0.0, 1.0
    share = hits / trials
    middle = (share + 1 / (2 * trials)) / (1 + 1 / trials)
    half = math.sqrt(share * (1 - share) / trials + 1 / (4 * trials**2)) / (1 + 1 / trials)
    return middle - half, middle + half


def share_text(deviates: list[float]) -> str:
    """The shares of deviates inside 68 % and 95 %, with their binomial errors, and their spread."""
    parts = []
    for level in LEVELS:
        hits = sum(is_within(z, level) for z in deviates)
        low, high = wilson(hits, len(deviates))
        parts.append(f"{hits}/{len(deviates)} inside {level:.2%} ({low:.0%}-{high:.0%})")
    mean, rms = np.mean(deviates), np.sqrt(np.mean(np.square(deviates)))
    return f"{'; '.join(parts)}; mean deviate {mean:+.2f}, rms {rms:.2f}"
