"""The laws that parameters of simulated galaxies follow, of those whose law is known."""

from __future__ import annotations

import math
from itertools import pairwise

from gampen.prior import Histogram, Law, LogUniform, Normal, Prior, Uniform
from gampen.settings import Brightness, GalaxyModel, HistogramSettings, PriorSettings

ROOT_HALF = math.sqrt(0.5)


def prior_of(galaxies: PriorSettings) -> Prior:
    """The laws that do not depend on a galaxy's own image.

    Radii and fluxes are log-uniform at any scale, or fluxes uniform; their limits, which follow the
    PSF, the frame and the noise, are on the card. An elongation is normal where axis ratios are
    uniform, and cut off where they are. Fluxes and radii of components have no law of their own.
    What galaxies are drawn from a catalogue by is one law of many parameters, and what histograms
    of magnitudes and radii are in fluxes and in pixels depends on the image: neither is told.
    """
    flat_flux = galaxies.brightness is Brightness.FLUX
    laws: dict[str, Law] = {
        "effective_radius": LogUniform(),
        "flux": Uniform(low=0.0) if flat_flux else LogUniform(),
    }
    if galaxies.model is GalaxyModel.SERSIC:
        return told(galaxies, laws | of_shape("", galaxies))
    parts = of_shape("bulge_", galaxies) | of_shape("disk_", galaxies)
    return told(galaxies, {"bulge_to_total": Uniform(*galaxies.bulge_to_total)} | laws | parts)


def told(galaxies: PriorSettings, laws: dict[str, Law]) -> Prior:
    """The laws, with histograms in place of some, and without those that are not known."""
    histograms = {found.quantity: found for found in galaxies.histograms}
    unknown = {*galaxies.of_catalogue} | ({"magnitude", "effective_radius"} & {*histograms})
    gone = {"flux" if name == "magnitude" else name for name in unknown}
    for name in unknown | {*histograms}:
        if name.endswith("axis_ratio"):
            gone |= {name.replace("axis_ratio", f"elongation_{number}") for number in (1, 2)}
    cut = {n: within(found, *getattr(galaxies, n)) for n, found in histograms.items() if n in laws}
    return Prior({name: cut.get(name, law) for name, law in laws.items() if name not in gone})


def within(histogram: HistogramSettings, low: float, high: float) -> Law:
    """The law of a histogram between two ends."""
    edges = histogram.edges
    inside = [(max(a, low), min(b, high)) for a, b in pairwise(edges)]
    pairs = zip(edges, edges[1:], histogram.counts, inside, strict=False)
    kept = [(a, b, n * (b - a) / (stop - start)) for start, stop, n, (a, b) in pairs if a < b]
    return Histogram((kept[0][0], *(b for _, b, _ in kept)), tuple(n for _, _, n in kept))


def of_shape(prefix: str, galaxies: PriorSettings) -> dict[str, Law]:
    """The laws of index, axis ratio and elongation of a profile."""
    index, axis_ratio = (getattr(galaxies, f"{prefix}{n}") for n in ("index", "axis_ratio"))
    halves = (f"{prefix}elongation_{number}" for number in (1, 2))
    laws: dict[str, Law] = dict.fromkeys(halves, Normal(0.0, ROOT_HALF))
    uniform = {f"{prefix}index": index, f"{prefix}axis_ratio": axis_ratio}
    return laws | {name: Uniform(*ends) for name, ends in uniform.items() if ends[0] < ends[1]}
