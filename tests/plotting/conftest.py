"""Posteriors and cutouts to draw."""

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutout, Cutouts
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture


@pytest.fixture
def posterior() -> Posterior:
    """Two galaxies of two components each, with fluxes around 20,000."""
    rng = np.random.default_rng(5)
    middle = np.array([-0.5, -0.2, np.log(2e4)])
    means = middle + rng.normal(size=(2, 2, 3)) * [0.8, 0.1, 0.1]
    roots = np.tril(rng.normal(size=(2, 2, 3, 3))) * 0.3 + np.eye(3)
    scaled = np.array([0.6, 0.1, 0.08])[:, None] * roots
    mixture = GaussianMixture.from_covariances(
        torch.from_numpy(rng.uniform(0.3, 1, size=(2, 2))),
        torch.from_numpy(means),
        torch.from_numpy(scaled @ scaled.swapaxes(-1, -2)),
    )
    return Posterior(
        space=MORPHOLOGY,
        mixture=mixture,
        epistemic=0.1 * mixture.covariance,
        object_ids=np.array(["first", "second"]),
        zero_points=torch.full((2,), 27.0, dtype=torch.float64),
    )


@pytest.fixture
def cutouts() -> Cutouts:
    """Two images of noise."""
    noise = np.random.default_rng(1).normal(size=(40, 40)).astype(np.float32)
    return Cutouts.of(
        Cutout(noise, object_id=name, pixel_scale=0.168, psf_fwhm=4.1)
        for name in ("first", "second")
    )
