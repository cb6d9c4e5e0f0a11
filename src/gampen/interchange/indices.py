"""Non-parametric indices of galaxies' shapes, as statmorph measures them on images without noise.

statmorph (Rodriguez-Gomez et al. 2019, doi:10.1093/mnras/sty3345) takes most of a second a galaxy.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64

from gampen.errors import extra
from gampen.rendering.render import render_in_groups
from gampen.settings import Measure
from gampen.simulation.exposures import WELL_SAMPLED
from gampen.simulation.scenes import Scenes

EXTRA = "statmorph"
LIGHT = 0.9  # of a galaxy's that the first guess of its pixels holds
EVEN = 1e-3  # of the peak: the noise that is claimed, alike everywhere
SKY = 16  # [pixel] side of the box that is looked for sky in
FAILED = 3  # statmorph's flag: nothing could be measured
NOTHING = -99.0  # statmorph's value for it

Indices = dict[str, Float64[np.ndarray, " galaxy"]]


def indices_of(scenes: Scenes, measures: Sequence[Measure]) -> Indices:
    """The indices of each target alone, seen through its PSF without noise; NaN where none are.

    `UsageError` where statmorph is not installed.
    """
    if not measures:
        return {}
    names = [measure.value for measure in measures]
    rows = [indices(image, names) for image in light_of(scenes)]
    return dict(zip(names, np.array(rows).reshape(-1, len(names)).T, strict=True))


def light_of(scenes: Scenes) -> Float64[np.ndarray, "galaxy height width"]:
    """The light of targets through their PSFs: no noise, no neighbours, no sky."""
    narrowest = float(scenes.values["psf_fwhm"].min())
    height, width = scenes.images.shape[1:]
    finer = 2 if narrowest < WELL_SAMPLED else 1
    images = render_in_groups(scenes.target, scenes.psf, (height, width), finer)
    light: Float64[np.ndarray, "galaxy height width"] = images.double().numpy()
    return light


def indices(image: Float64[np.ndarray, "height width"], names: Sequence[str]) -> list[float]:
    """The named indices of an image, NaN where statmorph finds none."""
    with extra(EXTRA):
        import statmorph
    claimed = np.full(image.shape, EVEN * image.max())
    with warnings.catch_warnings():
        # of the light that reaches into every corner where there is no noise
        warnings.simplefilter("ignore")
        found = statmorph.SourceMorphology(
            image, segment(image), label=1, weightmap=claimed, skybox_size=SKY
        )
    measured = [float(getattr(found, name)) for name in names]
    lost = found.flag >= FAILED
    return [np.nan if lost or value <= NOTHING else value for value in measured]


def segment(image: Float64[np.ndarray, "height width"]) -> Int64[np.ndarray, "height width"]:
    """One for the brightest pixels that hold most of the light, and nought for others."""
    ordered = np.sort(image, axis=None)[::-1]
    shares = np.cumsum(ordered) / ordered.sum()
    level = ordered[int(np.searchsorted(shares, LIGHT))]
    chosen: Int64[np.ndarray, "height width"] = (image >= level).astype(np.int64)
    return chosen
