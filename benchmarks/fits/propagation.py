"""From a fit's components to the targets, with errors: draws of one become draws of the other."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float

from benchmarks.fits.runners.rows import COMPONENT, PARAMETERS
from gampen.rendering.sersic import Sersic, half_light_radius

DRAWS = 1000
TRIED = 100  # for each draw wanted
FEWEST = 100  # draws that must lie within the limits
PARTS = ("bulge", "disk")
BOUNDS = {
    "flux": (1e-6, np.inf),  # [image units]
    "effective_radius": (0.05, 200.0),  # [pixel]
    "index": (0.5, 8.0),
    "axis_ratio": (0.05, 1.0),
}


def limits() -> Float[np.ndarray, "2 parameter"]:
    """What each parameter cannot be below, and above."""
    names = [name.partition("_")[2] for name in PARAMETERS]
    return np.array([BOUNDS.get(name, (-np.inf, np.inf)) for name in names]).T


def covariance_of(text: str) -> Float[np.ndarray, "parameter parameter"]:
    """The covariance whose upper triangle a runner wrote."""
    found = np.zeros((len(PARAMETERS), len(PARAMETERS)))
    upper = np.triu_indices(len(PARAMETERS))
    found[upper] = np.array(text.split(), dtype=float)
    found.T[upper] = found[upper]
    return found


def normal_draws(
    centre: Float[np.ndarray, " parameter"],
    covariance: Float[np.ndarray, "parameter parameter"],
    generator: np.random.Generator,
) -> Float[np.ndarray, "draw parameter"]:
    """Draws from the normal that are within the limits; moved to them where hardly any is."""
    scale = np.sqrt(np.diag(covariance).clip(min=0))
    safe = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(safe, safe))
    root = vectors * np.sqrt(values.clip(min=0))
    steps = generator.standard_normal((TRIED * DRAWS, len(centre))) @ root.T * safe
    tried = centre + steps
    within = tried[_inside(tried)][:DRAWS]
    return within if len(within) >= FEWEST else tried[:DRAWS].clip(*limits())


def _inside(values: Float[np.ndarray, "draw parameter"]) -> Bool[np.ndarray, " draw"]:
    least, most = limits()
    found: np.ndarray = ((values >= least) & (values <= most)).all(axis=1)
    return found


def targets_of(values: Float[np.ndarray, "draw parameter"]) -> Float[np.ndarray, "draw target"]:
    """Bulge-to-total ratio, half-light radius [pixel] and flux of each set of parameters."""
    columns = dict(zip(PARAMETERS, torch.from_numpy(values.astype(np.float64)).T, strict=True))
    pairs = {
        name: torch.stack([columns[f"{part}_{name}"] for part in PARTS], dim=1)
        for name in COMPONENT
    }
    nowhere = torch.zeros_like(pairs["flux"])
    radius = half_light_radius(Sersic(**pairs, x=nowhere, y=nowhere))
    flux = pairs["flux"].sum(dim=1)
    return torch.stack([pairs["flux"][:, 0] / flux, radius, flux], dim=1).numpy()
