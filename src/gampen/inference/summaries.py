"""The columns of a catalogue that sum up a posterior: one row a galaxy, 32-bit numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.catalog import Column
from gampen.inference.categories import DEFAULT, RATIO, Categories
from gampen.inference.ellipses import ellipse_columns, single
from gampen.photometry import nanojanskys
from gampen.posterior import Posterior
from gampen.probability.marginals import Marginal

# Probabilities of one, two and three standard deviations of a Gaussian.
CREDIBLE_LEVELS = {"68": 0.6827, "95": 0.9545, "997": 0.9973}
SHAPES = ("skewness", "kurtosis")  # the same in any unit

Figures = dict[str, Tensor]


@dataclass(frozen=True)
class Quantity:
    """One quantity with a marginal, and what its columns are to say of it."""

    name: str
    marginal: Marginal
    unit: str
    ucd: str
    description: str


def summarise(posterior: Posterior, categories: Categories = DEFAULT) -> list[Column]:
    """The columns that sum up a posterior, in the order of the catalogue.

    For each parameter `{parameter}_{statistic}`; the same for `magnitude` and `flux_njy`, NaN where
    no zero point is known; axis ratio and position angle of each pair; correlations, shares of
    epistemic variance, the category with the probabilities that it rests on, the zero point and the
    packed mixture, which `posterior.metadata` describes.
    """
    columns = [
        column
        for quantity, figures in measured(posterior)
        for column in _columns(quantity, figures)
    ]
    return [
        *columns,
        *ellipse_columns(posterior, CREDIBLE_LEVELS),
        *_correlations(posterior),
        *_epistemic_fractions(posterior),
        *_kinds(posterior, categories),
        Column(
            "zero_point",
            single(posterior.zero_points),
            unit="mag",
            ucd="phot.mag;arith.zp",
            description="AB magnitude of one image unit",
        ),
        Column(
            "mixture",
            posterior.pack().numpy(),
            ucd="stat.param",
            description="the whole posterior, packed; the metadata say how",
        ),
    ]


def quantities(posterior: Posterior) -> list[Quantity]:
    """The parameters, then the magnitude and the flux in nanojanskys if a zero point is known."""
    derived = photometry(posterior) if posterior.has_photometry else []
    return [*parameters(posterior), *derived]


def parameters(posterior: Posterior) -> list[Quantity]:
    """The parameters of a posterior."""
    return [
        Quantity(parameter.name, marginal, parameter.unit, parameter.ucd, parameter.description)
        for parameter, marginal in zip(posterior.space, posterior.marginals, strict=True)
    ]


def photometry(posterior: Posterior) -> list[Quantity]:
    """The magnitude and the flux in nanojanskys, where there is a flux."""
    if "flux" not in posterior.space.names:
        return []
    return [
        Quantity("magnitude", posterior.magnitude(), "mag", "phot.mag", "total AB magnitude"),
        Quantity("flux_njy", posterior.flux_njy(), "nJy", "phot.flux", "total flux"),
    ]


def measured(posterior: Posterior) -> Iterator[tuple[Quantity, Figures]]:
    """Each quantity with its figures; those in nanojanskys are the flux's in other units."""
    flux: Figures = {}
    units = nanojanskys(torch.ones_like(posterior.zero_points), posterior.zero_points)
    for quantity in (*parameters(posterior), *photometry(posterior)):
        known = quantity.name == "flux_njy"
        figures = scaled(flux, units) if known else figures_of(quantity.marginal)
        flux = figures if quantity.name == "flux" else flux
        yield quantity, figures


def figures_of(marginal: Marginal) -> Figures:
    """All figures of a marginal, by the name of the statistic."""
    return {
        "median": marginal.median,
        "mean": marginal.mean,
        "mode": marginal.mode,
        "std": marginal.std,
        "skewness": marginal.skewness,
        "kurtosis": marginal.kurtosis,
        **_intervals(marginal),
        "hdi68": marginal.hdi(CREDIBLE_LEVELS["68"]).flatten(1),
    }


def scaled(figures: Figures, factor: Float[Tensor, " galaxy"]) -> Figures:
    """The figures of a quantity that is a multiple of another, which need no second search."""
    found = {}
    for name, values in figures.items():
        whole = factor if values.dim() == 1 else factor[:, None]
        found[name] = values + 0 * factor if name in SHAPES else values * whole
    return found


def _columns(quantity: Quantity, figures: Figures) -> Iterator[Column]:
    """The columns of one quantity."""
    for statistic, values in figures.items():
        unit = "" if statistic in SHAPES else quantity.unit
        yield _column(quantity, statistic, values, unit, _UCDS.get(statistic, _EDGE_UCD))


def _intervals(marginal: Marginal) -> dict[str, Float[Tensor, " galaxy"]]:
    """The ends of the equal-tailed intervals, by name: all of them in one search."""
    levels = torch.tensor(list(CREDIBLE_LEVELS.values()), dtype=torch.float64)
    tails = torch.stack([(1 - levels) / 2, (1 + levels) / 2], dim=1).reshape(-1, 1)
    names = [f"{end}{label}" for label in CREDIBLE_LEVELS for end in ("lo", "hi")]
    return dict(zip(names, marginal.ppf(tails), strict=True))


def _column(quantity: Quantity, statistic: str, values: Tensor, unit: str, ucd: str) -> Column:
    """One statistic of one quantity."""
    words = [word for word in ucd.format(quantity.ucd).split(";") if word]
    return Column(
        f"{quantity.name}_{statistic}",
        single(values),
        unit=unit,
        ucd=";".join(words),
        description=f"{_MEANINGS[statistic]} of the posterior of the {quantity.description}",
    )


_EDGE_UCD = "stat.percentile;{}"
_UCDS = {
    "median": "{};stat.median",
    "mean": "{};stat.mean",
    "mode": "{}",
    "std": "stat.stdev;{}",
    "skewness": "stat.param;{}",
    "kurtosis": "stat.param;{}",
    "hdi68": "{};stat.interval",
}
_MEANINGS = {
    "median": "median",
    "mean": "mean",
    "mode": "place of highest density",
    "std": "standard deviation",
    "skewness": "skewness",
    "kurtosis": "kurtosis less 3",
    "hdi68": "segments (low, high) of the 68.27 % highest-density region",
} | {
    f"{end}{label}": f"{side} end of the equal-tailed {100 * level:.2f} % interval"
    for label, level in CREDIBLE_LEVELS.items()
    for end, side in (("lo", "lower"), ("hi", "upper"))
}


def _correlations(posterior: Posterior) -> Iterator[Column]:
    """The correlation of the values of each pair of parameters."""
    correlation = posterior.correlation
    for one, other in combinations(range(len(posterior.space)), 2):
        first, second = posterior.space.names[one], posterior.space.names[other]
        yield Column(
            f"corr_{first}_{second}",
            single(correlation[:, one, other]),
            ucd="stat.correlation",
            description=f"correlation of {first} and {second} over the posterior",
        )


def _epistemic_fractions(posterior: Posterior) -> Iterator[Column]:
    """Each parameter's share of variance that comes from what the network does not know."""
    columns = zip(posterior.space.names, posterior.epistemic_fraction.unbind(-1), strict=True)
    for name, fraction in columns:
        yield Column(
            f"{name}_epistemic_fraction",
            single(fraction),
            ucd="stat.variance;arith.ratio",
            description=f"epistemic share of the variance of {name} in unconstrained space",
        )


def _kinds(posterior: Posterior, categories: Categories) -> Iterator[Column]:
    """The probabilities of the categories and the label that follows, if there is a B/T."""
    if RATIO not in posterior.space.names:
        return
    found = categories.of(posterior)
    for name, probability, threshold in (
        ("p_disk_dominated", found.p_disk_dominated, f"< {categories.disk_below:g}"),
        ("p_bulge_dominated", found.p_bulge_dominated, f"> {categories.bulge_above:g}"),
    ):
        yield Column(
            name,
            single(probability),
            ucd="stat.probability;src.morph.type",
            description=f"posterior probability that {RATIO} {threshold}",
        )
    yield Column(
        "category",
        found.labels,
        ucd="src.morph.type",
        description=f"the category of a probability of {categories.confidence:g} or more",
    )
