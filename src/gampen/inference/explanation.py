"""The image that a posterior expects, and whether the data agree with it.

A posterior of three parameters leaves much of a galaxy open: its centre, its flattening, the shapes
of bulge and disk, the PSF's exact width. These are fitted, with the posterior itself as what is
believed of the three, so the model is the most probable image that the posterior allows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64
from torch import Tensor

from gampen.cutouts import Cutouts
from gampen.errors import UsageError
from gampen.inference.beliefs import PLACE, Beliefs
from gampen.inference.fitting import Look, improve
from gampen.inference.remainders import (
    Noise,
    Remainder,
    Smoothing,
    aperture,
    fitted_gain,
    fwhm,
    neighbours,
    width_surprise,
)
from gampen.inference.windows import Place, Windows, in_cutouts, kinds
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.rendering.coordinates import COORDINATES, bulge_and_disk
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render

ROUNDS = (2, 2, 2)  # steps after each renewal of the derivatives
USUAL_GAIN = 40.0  # [electron / sky sigma], before it is fitted
DARK = 5.0  # [sigma] below nought: so much light missing is not a galaxy's
AT_ONCE = 32  # galaxies that step together
FINE = 2.5  # [pixel] FWHM below which a PSF is rendered finer


@dataclass(frozen=True, eq=False)
class Explanation:
    """The image that each posterior expects, and how the data agree with it.

    `coordinates`: the fitted galaxy and PSF in `gampen.rendering.coordinates`, lengths in pixels
    from the cutout's centre, ln flux [image units]. `chi_square`: what is left over near the galaxy
    beside what noise lets one expect, about one where both agree; `surprise`: the same as a normal
    deviate. `psf_surprise`: what the image says of the PSF's width beside what is told of it, as a
    normal deviate, above nought where it is wider. `neighbour_share`: light near the galaxy that is
    taken for another's, over its flux there. `residual_share`: mean size of the remainder over the
    model's light there. `pixels`: those that count. `psf_fwhm` [pixel] as fitted. A galaxy that
    cannot be fitted has NaN in every figure, and in its model.
    """

    coordinates: Float64[np.ndarray, "galaxy coordinate"]
    chi_square: Float64[np.ndarray, " galaxy"]
    surprise: Float64[np.ndarray, " galaxy"]
    psf_surprise: Float64[np.ndarray, " galaxy"]
    neighbour_share: Float64[np.ndarray, " galaxy"]
    residual_share: Float64[np.ndarray, " galaxy"]
    pixels: Float64[np.ndarray, " galaxy"]
    psf_fwhm: Float64[np.ndarray, " galaxy"]
    shapes: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.shapes)

    @cached_property
    def models(self) -> tuple[Float32[np.ndarray, "height width"], ...]:
        """The model of each cutout [image units], without sky; rendered on first use."""
        return tuple(self.model(galaxy) for galaxy in range(len(self)))

    def model(self, galaxy: int) -> Float32[np.ndarray, "height width"]:
        """The model of one cutout [image units], without sky."""
        shape, width = self.shapes[galaxy], float(self.psf_fwhm[galaxy])
        if not np.isfinite(self.coordinates[galaxy]).all():
            return np.full(shape, np.nan, np.float32)
        points = torch.from_numpy(self.coordinates[galaxy])[None].float()
        psf = Moffat(torch.tensor([width]), points[:, PLACE["psf_slope"]])
        image = render(bulge_and_disk(points), psf, shape, oversampling=2 if width < FINE else 1)
        found: Float32[np.ndarray, "height width"] = image[0].numpy()
        return found


FIGURES = tuple(field.name for field in fields(Explanation) if field.name != "shapes")


def explain(
    cutouts: Cutouts,
    posterior: Posterior,
    sky_sigma: Float64[np.ndarray, " galaxy"],
    crop_theta: Float64[np.ndarray, "galaxy 2 3"],
) -> Explanation:
    """The model and the remainder of every cutout, given what an estimator said of it.

    `sky_sigma` [image units] and `crop_theta` as in `gampen.estimator.Prediction`. `UsageError`
    where there is not one posterior of bulge_to_total, effective_radius and flux for each cutout.
    """
    if len(posterior) != len(cutouts):
        raise UsageError(
            f"there must be one posterior a cutout; got {len(posterior)} for {len(cutouts)}"
        )
    targets = posterior.marginal(*MORPHOLOGY.names).mixture
    scale = torch.from_numpy(cutouts.unit_scales)
    radius = (targets.mean[:, 1].exp() / scale).numpy()
    facts = np.column_stack([radius, sky_sigma, crop_theta.reshape(len(cutouts), 6)])
    places = [
        Place.of(int(galaxy), cutouts[int(galaxy)], crop_theta[galaxy], float(radius[galaxy]))
        for galaxy in np.flatnonzero(np.isfinite(facts).all(axis=1))
    ]
    figures = {name: np.full(len(cutouts), np.nan) for name in FIGURES}
    figures["coordinates"] = np.full((len(cutouts), len(COORDINATES)), np.nan)
    for kind in kinds(places):
        for start in range(0, len(kind), AT_ONCE):
            some = kind[start : start + AT_ONCE]
            rows = [place.galaxy for place in some]
            windows = Windows.of([cutouts[row] for row in rows], some, sky_sigma[rows])
            beliefs = Beliefs.of(windows, targets.select(torch.tensor(rows)), scale[rows])
            found = _explained(windows, beliefs)
            shapes = [cutouts[row].shape for row in rows]
            found["coordinates"] = in_cutouts(found["coordinates"], some, shapes, windows)
            for name, values in found.items():
                figures[name][rows] = values.numpy()
    return Explanation(shapes=tuple(cutout.shape for cutout in cutouts), **figures)


def _explained(windows: Windows, beliefs: Beliefs) -> dict[str, Tensor]:
    """Everything that is said of windows; NaN for those that cannot be fitted."""
    points, gain = beliefs.middle, torch.full_like(windows.unit, USUAL_GAIN)
    for steps in ROUNDS:
        look = Look.at(points, windows)
        noise = _noise(windows, look, gain)
        look = improve(look, windows, noise.weight, beliefs, steps)
        points = look.points
        smoothing = Smoothing.of(windows, fwhm(windows, look))
        gain = fitted_gain(windows, look, smoothing, noise.used & aperture(windows, look))
    noise = _noise(windows, look, gain)
    remainder = Remainder.of(windows, look, smoothing, noise, beliefs)
    found = {
        "coordinates": look.points,
        "chi_square": remainder.chi_square,
        "surprise": remainder.surprise,
        "psf_surprise": width_surprise(windows, look, noise, beliefs),
        "psf_fwhm": fwhm(windows, look) * windows.binning,
        **_shares(windows, look, noise),
    }
    usable = _has_light(windows, look, noise) & look.points.isfinite().all(dim=1)
    return {
        name: values.double().masked_fill(~usable.view(-1, *[1] * (values.dim() - 1)), torch.nan)
        for name, values in found.items()
    }


def _shares(windows: Windows, look: Look, noise: Noise) -> dict[str, Tensor]:
    """Light near the galaxies that the model does not have, over that which it has."""
    near, left = aperture(windows, look), windows.images - look.image
    light = look.light.masked_fill(~near, 0).sum(dim=(1, 2))
    others = left.masked_fill(~near | noise.used | windows.bad, 0).clamp(min=0)
    return {
        "neighbour_share": others.sum(dim=(1, 2)) / light,
        "residual_share": left.masked_fill(~near | ~noise.used, 0).abs().sum(dim=(1, 2)) / light,
        "pixels": (near & noise.used).sum(dim=(1, 2)),
    }


def _has_light(windows: Windows, look: Look, noise: Noise) -> Bool[Tensor, " galaxy"]:
    """Whether there is a pixel to be seen near each galaxy, and no darkness beyond the noise."""
    near = aperture(windows, look) & noise.used
    light = windows.images.masked_fill(~near, 0).sum(dim=(1, 2))
    dark = light < -DARK * near.sum(dim=(1, 2)).sqrt()
    return near.any(dim=2).any(dim=1) & ~dark


def _noise(windows: Windows, look: Look, gain: Float64[Tensor, " galaxy"]) -> Noise:
    """The noise under the model, with what it cannot be trusted by, and without neighbours."""
    light = look.light.clamp(min=0)
    variance = 1 + light / gain[:, None, None].float()
    smoothing = Smoothing.of(windows, fwhm(windows, look))
    hidden = neighbours(windows, look, smoothing, variance)
    return Noise(variance, light, ~windows.bad & ~hidden, windows.texture)
