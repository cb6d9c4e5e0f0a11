"""Synthetic posteriors with truths drawn from them: true, too narrow or too wide, as told."""

from __future__ import annotations

import math

import numpy as np
import torch

from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture

COMPONENTS, PARAMETERS = 4, 3
ZERO_POINT = 27.0


def true_mixture(galaxies: int, numbers: torch.Generator) -> GaussianMixture:
    """Mixtures about means and widths that differ as those of galaxies do."""

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=numbers, dtype=torch.float64)

    width = (0.3 * normal(galaxies, 1, 1, 1) + math.log(0.25)).exp()
    factors = normal(galaxies, COMPONENTS, PARAMETERS, PARAMETERS)
    covariances = width.square() * (factors @ factors.mT / PARAMETERS + 0.2 * torch.eye(PARAMETERS))
    weights = torch.rand(galaxies, COMPONENTS, generator=numbers, dtype=torch.float64) + 0.05
    centre = torch.tensor([-0.4, 0.0, 4.0]) + torch.tensor([1.0, 0.5, 1.0]) * normal(galaxies, 1, 3)
    means = centre + width[..., 0] * normal(galaxies, COMPONENTS, PARAMETERS)
    return GaussianMixture.from_covariances(weights, means, covariances)


def stretched(mixture: GaussianMixture, stretch: float) -> GaussianMixture:
    """The mixture of `stretch` times the covariance, about the same mean."""
    root, centre = math.sqrt(stretch), mixture.mean[:, None]
    means = centre + root * (mixture.means - centre)
    return GaussianMixture(mixture.log_weights, means, mixture.precision_cholesky / root)


def synthetic(galaxies: int, stretch: float, seed: int) -> tuple[Posterior, np.ndarray]:
    """Posteriors of `stretch` times the covariance that their truths have, and these truths."""
    numbers = torch.Generator().manual_seed(seed)
    true = true_mixture(galaxies, numbers)
    truth = MORPHOLOGY.constrain(true.sample(1, numbers)[0]).numpy()
    told = stretched(true, stretch)
    ids, zero_points = np.arange(galaxies).astype(str), torch.full((galaxies,), ZERO_POINT)
    return Posterior(MORPHOLOGY, told, 0.1 * told.covariance, ids, zero_points), truth


def observed(posterior: Posterior, seed: int) -> dict[str, np.ndarray]:
    """What else is known of the galaxies, and is to be binned by."""
    rng = np.random.default_rng(seed)
    galaxies = len(posterior)
    return {
        "psf_fwhm": rng.uniform(0.5, 0.9, galaxies),
        "pixel_scale": np.full(galaxies, 0.2),
        "sky_sigma": rng.lognormal(-1.0, 0.3, galaxies),
        "crop_scale": rng.uniform(0.2, 0.9, galaxies),
        "field": rng.choice(["north", "south", "deep"], galaxies, p=[0.6, 0.35, 0.05]),
    }
