"""Sets of simulated galaxies, with what an estimator says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64

from gampen import Cutouts, Estimator, Posterior
from gampen.inference.sampling import Sampling
from gampen.parameters import ParameterSpace
from gampen.photometry import signal_to_noise
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import Scenes, Simulator
from gampen.verbs.simulate import cutouts_of

GROUP = 64  # galaxies of one frame size


@dataclass(frozen=True)
class Examined:
    """Scenes in groups of one frame size, and posteriors of all of them, in the same order."""

    groups: list[Scenes]
    posterior: Posterior
    truth: Float64[np.ndarray, "galaxy parameter"]
    crop_scale: Float64[np.ndarray, " galaxy"]
    sky_sigma: Float64[np.ndarray, " galaxy"]
    pixel_scale: float

    def known(self, name: str) -> Float64[np.ndarray, " galaxy"]:
        """A true value of each galaxy, lengths in pixels."""
        return torch.cat([group.values[name] for group in self.groups]).double().numpy()

    @property
    def psf_fwhm(self) -> Float64[np.ndarray, " galaxy"]:
        """The width of the PSF as told [pixel]; the middle of all where it is not told."""
        told = torch.cat([group.psf_fwhm for group in self.groups]).double().numpy()
        return np.where(np.isnan(told), np.nanmedian(told), told)

    @property
    def true_signal_to_noise(self) -> Float64[np.ndarray, " galaxy"]:
        """S/N of each target, from its truth."""
        return np.concatenate([true_signal_to_noise(group).numpy() for group in self.groups])

    def columns(self) -> dict[str, Float64[np.ndarray, " galaxy"]]:
        """What bins are made of: all from the images, nothing from the truth."""
        median = self.posterior.median
        radius = median[:, 1] / self.pixel_scale
        fwhm, sigma = torch.from_numpy(self.psf_fwhm), torch.from_numpy(self.sky_sigma)
        return {
            "signal_to_noise": signal_to_noise(median[:, 2], radius, fwhm, sigma).numpy(),
            "radius_over_fwhm": (radius / fwhm).numpy(),
            "bulge_to_total": median[:, 0].numpy(),
            "flux": (median[:, 2] / sigma).numpy(),
            "crop_scale": self.crop_scale,
        }


def true_signal_to_noise(scenes: Scenes) -> torch.Tensor:
    """S/N of each target, from its truth."""
    seen = (scenes.values[name].double() for name in ("flux", "effective_radius", "psf_fwhm"))
    return signal_to_noise(*seen, scenes.sky_sigma.double())


def draw(settings: SimulationSettings, galaxies: int, seed: int) -> list[Scenes]:
    """Scenes in groups, `galaxies` in all."""
    simulator, groups = Simulator(settings, seed), -(-galaxies // GROUP)
    scenes = [simulator.batch(group, GROUP) for group in range(groups)]
    return [*scenes[:-1], scenes[-1].first(galaxies - GROUP * (groups - 1))]


def truths(
    scenes: Scenes, space: ParameterSpace, pixel_scale: float
) -> Float64[np.ndarray, "galaxy parameter"]:
    """True values, lengths in arcsec."""
    found = scenes.truth(space).double().numpy()
    found[:, space.index("effective_radius")] *= pixel_scale
    return found


def examine(
    estimator: Estimator,
    settings: SimulationSettings,
    groups: list[Scenes],
    sampling: Sampling | None = None,
) -> Examined:
    """What an estimator says of scenes."""
    found = [
        estimator.examine(Cutouts.of(cutouts_of(group, settings)), sampling) for group in groups
    ]
    scale = settings.survey.pixel_scale
    parts = [prediction.posterior for prediction in found]
    return Examined(
        groups=groups,
        posterior=joined(parts),
        truth=np.concatenate([truths(g, estimator.space, scale) for g in groups]),
        crop_scale=np.concatenate([prediction.crop_scale for prediction in found]),
        sky_sigma=np.concatenate([prediction.sky_sigma for prediction in found]),
        pixel_scale=scale,
    )


def joined(parts: list[Posterior]) -> Posterior:
    """Posteriors of one estimator as one."""
    mixture = type(parts[0].mixture).cat([part.mixture for part in parts])
    return replace(
        parts[0],
        mixture=mixture,
        epistemic=torch.cat([part.epistemic for part in parts]),
        object_ids=np.array([f"{place}" for place in range(len(mixture))]),
        zero_points=torch.cat([part.zero_points for part in parts]),
    )
