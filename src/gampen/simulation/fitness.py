"""What a survey's galaxies look like in pixels and noise, and how much of it was trained on.

An estimator's posteriors are of its training prior. A survey of which much lies beyond that is not
covered, however alike its images may seem.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from gampen.photometry import signal_to_noise
from gampen.settings import Brightness, GalaxyModel, Range, SimulationSettings
from gampen.simulation.materials import NONE, Materials
from gampen.simulation.scenes import Scenes
from gampen.simulation.skies import places_in

Seen = Mapping[str, Float64[np.ndarray, " galaxy"]]

SIGNAL = "signal-to-noise ratio"
FWHM = "PSF FWHM [pixel]"
CONCENTRATION = "PSF concentration"
FRAME = "side of the frame [pixel]"
RADIUS = "effective radius [pixel]"
OVER_PSF = "radius over PSF FWHM"
OVER_FRAME = "radius over side of frame"
GAIN = "electrons in one sky sigma"
CORRELATION = "noise correlation"
RATIO = "bulge-to-total ratio"


@dataclass(frozen=True)
class Law:
    """By what law a setting draws a quantity, and between which ends [unit]."""

    quantity: str
    law: str
    low: float
    high: float
    unit: str = ""


def laws_of(settings: SimulationSettings, materials: Materials = NONE) -> list[Law]:
    """All that is drawn of galaxies and sky, in physical units."""
    stars = materials.stars
    skies = materials.skies
    widths = "log-uniform" if stars is None else of_images(len(stars.image))
    noises = of_images(len(skies.images)) if skies else ""
    survey, galaxies, scene = settings.survey, settings.prior, settings.scene
    bright = galaxies.brightness
    by_signal = bright is Brightness.SIGNAL_TO_NOISE

    def law(quantity: str, otherwise: str) -> str:
        if quantity in galaxies.of_catalogue and materials.sample is not None:
            return f"of {len(materials.sample)} rows"
        return otherwise if galaxies.histogram(quantity) is None else "histogram"

    laws = [
        Law("PSF FWHM", widths, *survey.psf_fwhm, "arcsec"),
        Law("sky sigma", noises or "log-uniform", *survey.sky_sigma, "image units"),
        Law("gain", "log-uniform", *survey.gain, "electrons / image unit"),
        Law(CORRELATION, noises or "uniform", *survey.noise_correlation),
        Law("side of the frame", "one of", min(scene.sizes), max(scene.sizes), "pixel"),
        Law(SIGNAL, "log-uniform", *galaxies.signal_to_noise)
        if by_signal
        else Law(
            "magnitude",
            law("magnitude", f"uniform in {bright.value}"),
            *galaxies.magnitude,
            "mag",
        ),
        Law(
            "effective radius",
            law("effective_radius", "log-uniform"),
            *galaxies.effective_radius,
            "arcsec",
        ),
    ]
    if skies is not None:
        counts = [len(places_in(skies, size, survey.sky_covered)) for size in scene.sizes]
        laws.append(Law("blank places for a frame", noises, min(counts), max(counts)))
    names = ["bulge_to_total", "bulge_index", "disk_index", "bulge_axis_ratio", "disk_axis_ratio"]
    single = galaxies.model is GalaxyModel.SERSIC
    shapes = ("index", "axis_ratio") if single else names
    return [
        *laws,
        *(Law(n.replace("_", " "), law(n, "uniform"), *getattr(galaxies, n)) for n in shapes),
    ]


def of_images(number: int) -> str:
    """By which law there is one of so many images."""
    return "of one image" if number == 1 else f"of {number} images"


def seen_in(scenes: Scenes, settings: SimulationSettings) -> dict[str, Float64[np.ndarray, " g"]]:
    """What galaxies are like in pixels and noise; what is not known of one is NaN."""
    values, noise = scenes.values, scenes.noise
    fwhm, radius = values["psf_fwhm"], values["effective_radius"]
    side = torch.full_like(fwhm, float(scenes.images.shape[-1]))
    found = {
        SIGNAL: signal_to_noise(values["flux"], radius, fwhm, noise.sky_sigma),
        FWHM: fwhm,
        CONCENTRATION: scenes.psf_concentration,
        FRAME: side,
        RADIUS: radius,
        OVER_PSF: radius / fwhm,
        OVER_FRAME: radius / side,
        GAIN: noise.gain * noise.sky_sigma,
        CORRELATION: noise.correlation,
    }
    if settings.prior.model is not GalaxyModel.SERSIC:
        found[RATIO] = values["bulge_to_total"]
    return {name: value.double().numpy() for name, value in found.items()}


def trained_ranges(settings: SimulationSettings, sample: Seen) -> dict[str, Range]:
    """The ends of what an estimator saw: from its settings, where they say, else from a sample."""
    survey, galaxies, scene = settings.survey, settings.prior, settings.scene
    low, high = (width / survey.pixel_scale for width in survey.psf_fwhm)
    gains = [gain * sigma for gain, sigma in zip(survey.gain, survey.sky_sigma, strict=True)]
    radii = [radius / survey.pixel_scale for radius in galaxies.effective_radius]
    said: dict[str, Range] = {
        FWHM: (low, high),
        FRAME: (min(scene.sizes), max(scene.sizes)),
        RADIUS: (radii[0], radii[1]),
        OVER_PSF: (max(galaxies.radius_over_psf, radii[0] / high), radii[1] / low),
        OVER_FRAME: (0.0, min(galaxies.radius_over_frame, radii[1] / min(scene.sizes))),
        GAIN: (gains[0], gains[1]),
        CORRELATION: survey.noise_correlation,
    }
    if galaxies.brightness is Brightness.SIGNAL_TO_NOISE:
        said[SIGNAL] = galaxies.signal_to_noise
    if RATIO in sample:
        said[RATIO] = galaxies.bulge_to_total
    ends = {name: (float(np.nanmin(v)), float(np.nanmax(v))) for name, v in sample.items()}
    return ends | said


def share_outside(seen: Seen, ranges: Mapping[str, Range], slack: float) -> dict[str, float]:
    """The share of galaxies beyond each range by more than a relative `slack`, as far as known."""
    shares = {}
    for name, values in seen.items():
        if name not in ranges:
            shares[name] = 1.0
            continue
        low, high = ranges[name]
        known = values[np.isfinite(values)]
        outside = (known < low - slack * abs(low)) | (known > high + slack * abs(high))
        shares[name] = float(outside.mean()) if known.size else math.nan
    return shares
