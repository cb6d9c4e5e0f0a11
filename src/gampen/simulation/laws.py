"""The laws that parameters of simulated galaxies follow, of those whose law is known."""

from __future__ import annotations

import math

from gampen.prior import Law, LogUniform, Normal, Prior, Uniform
from gampen.settings import Brightness, GalaxyModel, PriorSettings

ROOT_HALF = math.sqrt(0.5)


def prior_of(galaxies: PriorSettings) -> Prior:
    """The laws that do not depend on a galaxy's own image.

    Radii and fluxes are log-uniform at any scale, or fluxes uniform; their limits, which follow the
    PSF, the frame and the noise, are on the card. An elongation is normal where axis ratios are
    uniform, and cut off where they are. Fluxes and radii of components have no law of their own.
    """
    flat_flux = galaxies.brightness is Brightness.FLUX
    laws: dict[str, Law] = {
        "effective_radius": LogUniform(),
        "flux": Uniform(low=0.0) if flat_flux else LogUniform(),
    }
    if galaxies.model is GalaxyModel.SERSIC:
        return Prior(laws | of_shape("", galaxies))
    parts = of_shape("bulge_", galaxies) | of_shape("disk_", galaxies)
    return Prior({"bulge_to_total": Uniform(*galaxies.bulge_to_total)} | laws | parts)


def of_shape(prefix: str, galaxies: PriorSettings) -> dict[str, Law]:
    """The laws of index, axis ratio and elongation of a profile."""
    index, axis_ratio = (getattr(galaxies, f"{prefix}{n}") for n in ("index", "axis_ratio"))
    halves = (f"{prefix}elongation_{number}" for number in (1, 2))
    laws: dict[str, Law] = dict.fromkeys(halves, Normal(0.0, ROOT_HALF))
    uniform = {f"{prefix}index": index, f"{prefix}axis_ratio": axis_ratio}
    return laws | {name: Uniform(*ends) for name, ends in uniform.items() if ends[0] < ends[1]}
