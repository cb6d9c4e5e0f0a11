"""The simulated arms: isolated, with neighbours, and with a PSF told wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.fits.samples import TARGETS
from benchmarks.fits.scenes import Observed, optical_psf, seen_psf
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import BLOCK, Simulator, draw_light
from gampen.simulation.surveys import survey
from gampen.storage.runfiles import read_settings

RUNFILE = Path(__file__).parent / "galaxies.toml"
SEED = 20261


@dataclass(frozen=True)
class Arm:
    """How an arm differs from isolated galaxies; `told`: the PSF's width as told over the true."""

    neighbour_share: float = 0.0
    told: float = 1.0


ARMS = {
    "isolated": Arm(),
    "neighbours": Arm(neighbour_share=1.0),
    "psf_too_wide": Arm(told=1.05),
    "psf_too_narrow": Arm(told=0.95),
}


def simulated(arm: Arm, galaxies: int) -> Observed:
    """So many galaxies of an arm; the arms with a wrong PSF show the same galaxies as isolated."""
    settings = read_settings(RUNFILE, SimulationSettings, {"survey": survey})
    scene = replace(settings.scene, neighbour_share=arm.neighbour_share)
    simulator = Simulator(replace(settings, scene=scene), SEED)
    blocks = range(-(-galaxies // BLOCK))
    return Observed.cat([_block(simulator, arm, number) for number in blocks]).first(galaxies)


def _block(simulator: Simulator, arm: Arm, number: int) -> Observed:
    (size,) = simulator.settings.scene.sizes
    scenes = simulator.block(number, size)
    light = draw_light(simulator.settings, simulator.materials, simulator.seed, number, size).images
    light = light * scenes.values["flux"][:, None, None]
    told = scenes.psf.scaled(scenes.psf_fwhm.new_full(scenes.psf_fwhm.shape, arm.told))
    return Observed(
        pixels=scenes.images.numpy(),
        variance=scenes.noise.variance(light).numpy(),
        psf=seen_psf(told).numpy(),
        optical_psf=optical_psf(told).numpy(),
        psf_fwhm=(scenes.psf_fwhm * arm.told).numpy(),
        truth=np.stack([scenes.values[name].numpy() for name in TARGETS], axis=1),
    )
