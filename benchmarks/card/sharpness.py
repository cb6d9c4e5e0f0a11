"""How sharp posteriors are beside the information limit, isolated and among neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from benchmarks.card.sets import Examined, draw, examine
from gampen import Estimator
from gampen.calibration.limit import deviations, information_limit, medians_by_bin, width_ratios
from gampen.calibration.priors import Priors
from gampen.rendering.exposures import Exposure
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import Scenes

EDGES = (10.0, 30.0, 120.0, 500.0, 3000.0, 20000.0)
FINE = 3.0  # [pixel] PSFs narrower than this are rendered finer


def isolated(settings: SimulationSettings) -> SimulationSettings:
    """The same galaxies, each alone, whole and with a PSF that is told."""
    alone = replace(settings.scene, neighbour_share=0.0, masked_share=0.0, psf_unknown_share=0.0)
    return replace(settings, scene=alone)


def exposure_of(scenes: Scenes) -> Exposure:
    """How the scenes were seen."""
    finer = 2 if float(scenes.values["psf_fwhm"].min()) < FINE else 1
    noise = (scenes.noise.sky_sigma, scenes.noise.gain, scenes.noise.correlation)
    return Exposure(scenes.psf, scenes.psf_fwhm, *noise, scenes.bad, finer)


def priors_of(settings: SimulationSettings) -> Priors:
    """What is known before the image is seen; no network is told the shape of the PSF."""
    priors = Priors.of(settings.prior, settings.survey, settings.scene)
    return replace(priors, psf_slope=settings.survey.psf_beta)


def least_deviations(settings: SimulationSettings, groups: list[Scenes]) -> Tensor:
    """The bound of each galaxy, as standard deviations in unconstrained space."""
    priors = priors_of(settings)
    bounds = [information_limit(g.target, exposure_of(g), priors) for g in groups]
    return deviations(torch.cat(bounds))


def sharpness(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> dict[str, object]:
    """Medians of sigma_net / sigma_bound by S/N, for galaxies alone and among neighbours.

    Neighbours and masks are no part of the bound: what they cost is in the ratio.
    """
    alone = isolated(settings)
    crowded = replace(alone, scene=replace(alone.scene, neighbour_share=1.0))
    found: dict[str, object] = {"edges": EDGES, "galaxies": galaxies}
    for name, chosen in {"isolated": alone, "among_neighbours": crowded}.items():
        groups = draw(chosen, galaxies, seed)
        least = least_deviations(alone, groups)
        found[name] = by_signal(examine(estimator, chosen, groups), least)
    return found


def by_signal(examined: Examined, least: Tensor) -> dict[str, list[float]]:
    """Medians of the ratio of widths in bins of S/N, by parameter."""
    ratios = width_ratios(examined.posterior, least)
    signal = torch.from_numpy(examined.true_signal_to_noise)
    medians = medians_by_bin(ratios, signal, torch.tensor(EDGES, dtype=torch.float64))
    names = examined.posterior.space.names
    return {name: medians[:, place].tolist() for place, name in enumerate(names)}


def scatter_of_bound(least: Tensor, truth: Float64[np.ndarray, "galaxy parameter"]) -> list[float]:
    """The median bound in the units of `scatter`: B/T as it is, radius and flux relative."""
    slope = np.stack([truth[:, 0] * (1 - truth[:, 0]), *np.ones((2, len(truth)))], axis=1)
    return [float(value) for value in np.median(least.numpy() * slope, axis=0)]
