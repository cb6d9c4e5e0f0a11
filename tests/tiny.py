"""A survey, a network and galaxies so small that tests may run them by the dozen."""

import functools

import numpy as np
import torch
from torch import nn

from gampen.cutouts import Cutout, Cutouts
from gampen.estimator import Estimator
from gampen.network.network import GampenNetwork
from gampen.parameters import BUILT_IN, MORPHOLOGY, ParameterSpace
from gampen.posterior import Posterior
from gampen.settings import (
    NetworkSettings,
    PriorSettings,
    RunSettings,
    SceneSettings,
    SimulationSettings,
    SurveySettings,
    TrainingSettings,
)
from gampen.simulation.scenes import Simulator
from gampen.verbs.simulate import cutouts_of
from gampen.verbs.train import to_batch
from strategies import random_mixture

SURVEY = SurveySettings(
    name="tiny",
    pixel_scale=0.2,
    zero_point=27.0,
    psf_fwhm=(0.6, 0.8),
    psf_beta=(3.0, 3.5),
    sky_sigma=(0.03, 0.03),
    gain=(2000.0, 2000.0),
)
SIMULATION = SimulationSettings(
    SURVEY,
    PriorSettings(magnitude=(19.0, 21.0), effective_radius=(0.5, 1.5)),
    SceneSettings(sizes=(48,), neighbour_share=0.3, extra_neighbours=0.2),
)
NETWORK = NetworkSettings(crop_size=16, widths=(8, 8), hidden=16, components=2, dropout=0.1)
TRAINING = TrainingSettings(
    steps=12, batch_size=16, steps_per_epoch=4, validation_galaxies=32, learning_rate=5e-3
)
RUN = RunSettings(SIMULATION, NETWORK, TRAINING)
PAIRED_NAMES = ("flux", "disk_effective_radius", "disk_elongation_1", "disk_elongation_2")
PAIRED = ParameterSpace(tuple(BUILT_IN[name] for name in PAIRED_NAMES))


def scenes(galaxies, seed=5):
    """Simulated scenes of the tiny survey."""
    return Simulator(SIMULATION, seed).batch(0, galaxies)


@functools.cache
def batch(galaxies, seed=5):
    """Simulated frames with their truths."""
    return to_batch(scenes(galaxies, seed), MORPHOLOGY)


def source(step):
    """Fresh frames for a step of training."""
    return batch(TRAINING.batch_size, seed=100 + step)


def lively(network, strength=1.0, seed=3):
    """The same network with random last layers, so that its answers differ between galaxies."""
    generator = torch.Generator().manual_seed(seed)
    for layer in (network.head.last, network.transformer.propose[-1]):
        nn.init.normal_(layer.weight, std=strength, generator=generator)
    return network


@functools.cache
def network(settings=NETWORK, seed=1):
    """A random network on the scale of the tiny survey, to look at and not to change."""
    return network_of(MORPHOLOGY, settings, seed)


@functools.cache
def paired_network():
    """A random network of parameters of which some are halves of pairs."""
    return network_of(PAIRED)


def network_of(space, settings=NETWORK, seed=1):
    """A random network of these parameters on the scale of the tiny survey."""
    torch.manual_seed(seed)
    built = GampenNetwork(space, settings)
    start = to_batch(scenes(64), space)
    built.standardise(start.frames, start.truth)
    return lively(built).for_convolutions().eval().requires_grad_(False)


def paired_posterior(galaxies=5, seed=0):
    """Seeded posteriors of a space with a pair."""
    mixture = random_mixture(galaxies, 3, len(PAIRED), seed)
    ids = np.array([str(place) for place in range(galaxies)])
    unknown = torch.full((galaxies,), torch.nan)
    return Posterior(PAIRED, mixture, 0.1 * mixture.covariance, ids, unknown)


def estimator(settings=NETWORK, seed=1):
    """An estimator with random weights."""
    return Estimator(network(settings, seed), SIMULATION, {"name": "tiny"})


@functools.cache
def galaxies(number, seed=5):
    """Simulated cutouts of one size, with everything known of them."""
    return Cutouts.of(cutouts_of(scenes(number, seed), SIMULATION))


def changed(cutout, **fields):
    """The cutout with some of its fields changed."""
    return Cutout(**{**vars(cutout), **fields})


def ragged(number=9, seed=5):
    """Cutouts of several sizes, not all of them square."""
    sizes = ((48, 48), (40, 44), (48, 40))
    chosen = [sizes[place % len(sizes)] for place in range(number)]
    members = zip(galaxies(number, seed), chosen, strict=True)
    return Cutouts.of(
        changed(c, pixels=c.pixels[:height, :width], bad=c.bad[:height, :width])
        for c, (height, width) in members
    )
