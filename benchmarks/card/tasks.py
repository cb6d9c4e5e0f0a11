"""Named sets: the training prior, each survey's sky, and the original's own task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from benchmarks.card.sets import Examined, draw, examine
from benchmarks.card.sharpness import isolated, least_deviations, scatter_of_bound
from gampen import Estimator, LogUniform, Prior
from gampen.calibration.battery import Battery
from gampen.calibration.calibration import Calibration
from gampen.calibration.scores import errors, rank_correlation, scatter
from gampen.settings import Brightness, PriorSettings, SceneSettings, SimulationSettings
from gampen.simulation.priors import magnitude_to_flux
from gampen.simulation.surveys import survey


@dataclass(frozen=True)
class Task:
    """A survey's frames, and the galaxies in them."""

    survey: str
    size: int
    magnitude: tuple[float, float]
    radius: tuple[float, float]  # [arcsec]

    def settings(self, prior: PriorSettings, scene: SceneSettings) -> SimulationSettings:
        """What is simulated, shapes and scenes being those of the training prior."""
        galaxies = replace(
            prior,
            brightness=Brightness.MAGNITUDE,
            magnitude=self.magnitude,
            effective_radius=self.radius,
            offset=1.0,
        )
        around = replace(scene, sizes=(self.size,))
        return SimulationSettings(survey(self.survey), galaxies, around)

    @property
    def range(self) -> Prior:
        """Radii and fluxes of the task's galaxies, as a prior."""
        zero_point = survey(self.survey).zero_point
        magnitudes = torch.tensor(self.magnitude[::-1], dtype=torch.float64)
        faintest, brightest = magnitude_to_flux(magnitudes, zero_point).tolist()
        laws = {"effective_radius": LogUniform(*self.radius)}
        return Prior({**laws, "flux": LogUniform(faintest, brightest)})


SURVEYS = {
    "HSC Wide g": Task("hsc_wide_g", 128, (18.0, 23.5), (0.3, 3.5)),
    "HSC Wide r": Task("hsc_wide_r", 128, (18.0, 23.5), (0.3, 3.5)),
    "HSC Wide i": Task("hsc_wide_i", 128, (18.0, 23.0), (0.3, 3.5)),
    "DES r": Task("des_r", 96, (17.0, 22.5), (0.4, 5.0)),
    "LSST r": Task("lsst_r", 128, (18.0, 24.5), (0.3, 4.0)),
    "KiDS r": Task("kids_r", 128, (17.5, 23.0), (0.3, 4.0)),
    "Legacy r": Task("legacy_r", 96, (16.5, 21.5), (0.5, 5.0)),
    "Euclid VIS": Task("euclid_vis", 128, (18.5, 23.5), (0.1, 2.5)),
    "HST ACS F814W": Task("hst_acs_i", 128, (19.0, 24.0), (0.06, 1.5)),
}


def in_prior(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> dict[str, object]:
    """The battery on galaxies of the training prior."""
    examined = examine(estimator, settings, draw(settings, galaxies, seed))
    battery = Battery.of(examined.posterior, examined.truth, examined.columns(), seed)
    found = Calibration.of(examined.posterior, examined.truth)
    fraction = examined.posterior.epistemic_fraction.median(dim=0).values
    return {
        **battery.report(),
        "calibration": found.report(),
        "epistemic_fraction": dict(zip(found.names, fraction.tolist(), strict=True)),
    }


def by_survey(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """Coverage and scatter in each survey's frames, the PSF being told.

    Of the posteriors as they are, and reweighted to the survey's own range of radii and fluxes.
    """
    scene = with_known_psf(settings.scene)
    for place, (name, task) in enumerate(SURVEYS.items()):
        chosen = task.settings(settings.prior, scene)
        examined = examine(estimator, chosen, draw(chosen, galaxies, seed + place))
        usual = Calibration.of(examined.posterior, examined.truth)
        reweighted = Calibration.of(examined.posterior.reweight(task.range), examined.truth)
        yield name, {"usual": usual.report(), "reweighted": reweighted.report()}


def with_known_psf(scene: SceneSettings) -> SceneSettings:
    """Scenes whose PSF is told, as those who have its image do: width and concentration."""
    return replace(scene, psf_unknown_share=0.0, concentration_unknown_share=0.0)


def zoom_and_radius(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> dict[str, float]:
    """Whether crops follow galaxies: rank correlation in frames of one size."""
    chosen = replace(settings, scene=replace(settings.scene, sizes=(128,)))
    examined = examine(estimator, chosen, draw(chosen, galaxies, seed))
    radius = examined.known("effective_radius")
    return {
        "rank_correlation": rank_correlation(examined.crop_scale, radius),
        "zoom_mean": float(examined.crop_scale.mean()),
        "zoom_sd": float(examined.crop_scale.std()),
    }


ORIGINAL = Task("hsc_wide_g", 239, (14.2, 19.1), (0.25, 4.0))


def original_task(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> dict[str, object]:
    """The original's own galaxies: bright ones, uniform in flux, in frames of 239 px.

    So bright, they have neighbours in every frame, all of them much fainter.
    """
    chosen = ORIGINAL.settings(settings.prior, with_known_psf(settings.scene))
    prior = replace(chosen.prior, brightness=Brightness.FLUX, bulge_to_total=(0.02, 0.99))
    around = replace(chosen.scene, neighbour_share=1.0, neighbour_magnitude=(3.0, 8.0))
    chosen = replace(chosen, prior=prior, scene=replace(around, extra_neighbours=3.0))
    examined = examine(estimator, chosen, draw(chosen, galaxies, seed))
    return Calibration.of(examined.posterior, examined.truth).report()


def by_magnitude(
    estimator: Estimator, settings: SimulationSettings, galaxies: int, seed: int
) -> list[dict[str, object]]:
    """Scatter in bins of a magnitude, neighbours in 70 % of frames, beside the bound alone."""
    task = Task("hsc_wide_i", 128, (18.0, 24.0), (0.3, 3.5))
    scene = replace(settings.scene, neighbour_share=0.7)
    chosen = task.settings(settings.prior, scene)
    groups = draw(chosen, galaxies, seed)
    examined = examine(estimator, chosen, groups)
    told = replace(isolated(chosen).scene, psf_error=scene.psf_error)
    sure = [replace(g, psf_fwhm=g.values["psf_fwhm"]) for g in groups]
    least = least_deviations(replace(chosen, scene=told), sure)
    return [magnitude_row(examined, least, low) for low in range(18, 24)]


def magnitude_row(examined: Examined, least: torch.Tensor, low: int) -> dict[str, object]:
    """Scatter of the galaxies of one magnitude."""
    magnitude = 27.0 - 2.5 * np.log10(examined.truth[:, 2])
    inside = np.flatnonzero((magnitude >= low) & (magnitude < low + 1))
    truth, posterior = examined.truth[inside], examined.posterior.select(inside.tolist())
    error = errors(posterior.median.numpy(), truth, posterior.space)
    return {
        "magnitude": f"{low}-{low + 1}",
        "galaxies": len(inside),
        "scatter": scatter(error).tolist(),
        "bound": scatter_of_bound(least[inside], truth),
    }
