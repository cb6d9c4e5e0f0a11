"""How far medians move when a galaxy is turned by any angle, or mirrored."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from benchmarks.card.sets import draw, true_signal_to_noise
from gampen import Cutouts, Estimator
from gampen.inference.sampling import Sampling
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import Scenes
from gampen.verbs.simulate import cutouts_of

WIDE, FRAME = 184, 128  # [pixel]: what is turned holds the frame at any angle
ANGLES = (0.0, 37.0, 90.0, 143.0, 180.0, 222.0, 270.0, 311.0)
BRIGHT = 50.0
SHARE = 0.95


def turned(images: Float[Tensor, "galaxy height width"], degrees: float) -> Tensor:
    """Images turned about their centre: exactly by quarters, else by cubic convolution."""
    if degrees % 90 == 0:
        return images.rot90(round(degrees / 90), dims=(1, 2))
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    theta = torch.tensor([[cosine, sine, 0.0], [-sine, cosine, 0.0]]).expand(len(images), -1, -1)
    grid = functional.affine_grid(theta, [len(images), 1, *images.shape[1:]], align_corners=False)
    return functional.grid_sample(images[:, None], grid, mode="bicubic", align_corners=False)[:, 0]


def middle(scenes: Scenes, images: Tensor) -> Scenes:
    """The scenes with other images, cut down to the frame."""
    edge = (WIDE - FRAME) // 2
    cut = slice(edge, edge + FRAME)
    return replace(scenes, images=images[:, cut, cut].contiguous(), bad=scenes.bad[:, cut, cut])


def medians(
    estimator: Estimator, settings: SimulationSettings, scenes: Scenes, thorough: bool
) -> Float64[np.ndarray, "turn galaxy parameter"]:
    """Medians for all angles, and all angles mirrored."""
    sampling = Sampling(thorough=thorough)
    found = []
    for images in (scenes.images, scenes.images.flip(2)):
        for degrees in ANGLES:
            seen = Cutouts.of(cutouts_of(middle(scenes, turned(images, degrees)), settings))
            found.append(estimator.predict(seen, sampling).median.numpy())
    return np.stack(found)


def rotation(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> dict[str, object]:
    """The movement that 95 % of bright galaxies stay below: relative for radius and flux.

    From each galaxy's mean over all turns; by quarter turns alone, and by any.
    """
    scene = replace(settings.scene, sizes=(WIDE,), masked_share=0.0)
    prior = replace(settings.prior, signal_to_noise=(BRIGHT, 3000.0), radius_over_frame=0.23)
    chosen = replace(settings, scene=scene, prior=prior)
    groups = draw(chosen, galaxies, seed)
    report: dict[str, object] = {"galaxies": galaxies}
    for name, thorough in (("usual", False), ("thorough", True)):
        found = np.concatenate([medians(estimator, chosen, g, thorough) for g in groups], axis=1)
        quarters = [n for n, angle in enumerate(2 * ANGLES) if angle % 90 == 0]
        report[name] = {"any_angle": moved(found), "quarters": moved(found[quarters])}
    assert all(bool((true_signal_to_noise(g) > 0.99 * BRIGHT).all()) for g in groups)
    return report


def moved(found: Float64[np.ndarray, "turn galaxy parameter"]) -> list[float]:
    """By how much the median turn moves 95 % of galaxies at the most, by parameter."""
    middle_of_all = found.mean(axis=0)
    scale = np.concatenate([np.ones_like(middle_of_all[:, :1]), middle_of_all[:, 1:]], axis=1)
    move = np.abs(found - middle_of_all) / scale
    return np.quantile(move, SHARE, axis=(0, 1)).tolist()
