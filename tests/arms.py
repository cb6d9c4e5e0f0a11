"""Posteriors whose truths are known, told true, too wide and too narrow."""

import math

import numpy as np
import torch

from gampen.calibration.answers import Answers
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture
from strategies import random_mixture

CALIBRATED, CAUTIOUS, OVERCONFIDENT = 1.0, 2.0, 0.5


def posterior_of(mixture):
    """The posterior of the default parameters that is this mixture."""
    galaxies = len(mixture)
    ids, unknown = np.arange(galaxies).astype(str), torch.full((galaxies,), torch.nan)
    return Posterior(MORPHOLOGY, mixture, 0.1 * mixture.covariance, ids, unknown)


def stretched(mixture, stretch):
    """The mixture of `stretch` times the covariance, drawn out about its mean alike everywhere."""
    centre = mixture.mean[:, None]
    return GaussianMixture(
        mixture.log_weights,
        centre + math.sqrt(stretch) * (mixture.means - centre),
        mixture.precision_cholesky / math.sqrt(stretch),
    )


def arm(stretch, galaxies, components=1, seed=11):
    """Posteriors of `stretch` times the covariance that their truths have, and these truths."""
    true = random_mixture(galaxies, components)
    truth = MORPHOLOGY.constrain(true.sample(1, torch.Generator().manual_seed(seed))[0])
    return posterior_of(stretched(true, stretch)), truth.numpy()


def known_columns(posterior):
    """Columns to bin by: one that follows the posterior, and one that follows nothing."""
    nothing = np.random.default_rng(1).uniform(size=len(posterior))
    return {"flux": posterior["flux"].median.numpy(), "nothing": nothing}


def answers_of(posterior, seed=2):
    """Posteriors as an estimator's answers, with crops and PSFs of any width, some unknown."""
    generator = torch.Generator().manual_seed(seed)
    crop, psf = torch.rand(2, len(posterior), generator=generator, dtype=torch.float64)
    fwhm = torch.where(psf < 0.1, torch.nan, 1.5 + 6 * psf)
    return Answers(posterior.mixture, posterior.epistemic, 0.1 + 0.9 * crop, fwhm)


def evidence(stretch, galaxies, components=1, seed=11):
    """The answers of an arm, and its truths in unconstrained space."""
    posterior, truth = arm(stretch, galaxies, components, seed)
    return answers_of(posterior), MORPHOLOGY.unconstrain(torch.from_numpy(truth))
