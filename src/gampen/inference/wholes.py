"""How large and how bright whole galaxies are, where their parameters are those of their parts.

The circle that holds half of the light follows from the components (`gampen.rendering.sersic`).
What parameters leave open of their shapes stands at the middle of its prior, on which such a circle
hardly depends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gampen.parameters import ParameterSpace
from gampen.probability.marginals import Marginal
from gampen.probability.mixtures import GaussianMixture
from gampen.rendering.sersic import GrowthCurve, Sersic, half_light_radius
from gampen.settings import GalaxyModel, PriorSettings, Range

RADIUS, FLUX, RATIO = "effective_radius", "flux", "bulge_to_total"
BULGE, DISK = "bulge_", "disk_"
DRAWS = 256  # of each posterior: the same quasi-random ones for every galaxy
NODES = 8  # on a quarter of an ellipse: shares of light to 1e-3

Values = Mapping[str, Float[Tensor, " galaxy"]]


@dataclass(frozen=True)
class Wholes:
    """The radius [pixel] and the flux [sky sigma] of whole galaxies with these parameters."""

    space: ParameterSpace
    prior: PriorSettings

    def radius(self, values: Values) -> Float[Tensor, " galaxy"] | None:
        """The radius of the circle that holds half of the light, if parameters tell it."""
        if RADIUS in values:
            return values[RADIUS]
        profiles = self.profiles(values)
        return None if profiles is None else half_light_radius(profiles, nodes=NODES)

    def chance_below(
        self, mixture: GaussianMixture, limit: Float[Tensor, " galaxy"]
    ) -> Float[Tensor, " galaxy"]:
        """The probability that the radius of each galaxy is below a limit [pixel].

        Exact where the radius is a parameter, a share of draws, to about 0.01, where it follows
        from others, and nought where it does not.
        """
        mixture = mixture.to(torch.float64)
        if RADIUS in self.space.names:
            place = self.space.index(RADIUS)
            bijection = list(self.space)[place].bijection
            return Marginal.of(mixture.marginal([place]), bijection).probability(below=limit)
        profiles = self.profiles(self.named(drawn(mixture).flatten(0, 1)))
        if profiles is None:
            return torch.zeros_like(limit)
        small = smaller(profiles, limit.repeat(DRAWS))
        return small.view(DRAWS, -1).double().mean(dim=0)

    def named(self, points: Float[Tensor, "galaxy parameter"]) -> Values:
        """The values at unconstrained points, by name."""
        columns = self.space.constrain(points).unbind(-1)
        return dict(zip(self.space.names, columns, strict=True))

    def profiles(self, values: Values) -> Sersic | None:
        """The components of galaxies of unit flux; nothing where no radius or share is told."""
        if self.prior.model is GalaxyModel.SERSIC:
            radius = values.get("semi_major_axis")
            return None if radius is None else joined([self._profile(values, "", radius, 1.0)])
        share, radii = bulge_share(values), self._radii(values)
        if share is None or radii is None:
            return None
        told = ((BULGE, radii[0], share), (DISK, radii[1], 1 - share))
        return joined([self._profile(values, *part) for part in told])

    def _radii(self, values: Values) -> tuple[Tensor, Tensor] | None:
        """Those of bulge and disk, of which one that is not told follows from the other."""
        bulge, disk = (values.get(f"{part}{RADIUS}") for part in (BULGE, DISK))
        ratio = math.sqrt(math.prod(self.prior.radius_ratio))  # its prior is log-uniform
        if bulge is not None:
            return bulge, bulge / ratio if disk is None else disk
        return None if disk is None else (disk * ratio, disk)

    def _profile(
        self, values: Values, prefix: str, radius: Tensor, flux: Tensor | float
    ) -> tuple[Tensor, ...]:
        """Flux, radius, index and axis ratio of a component."""
        one = torch.ones_like(radius)
        index = values.get(f"{prefix}index", middle(getattr(self.prior, f"{prefix}index")) * one)
        shape = axis_ratio(values, prefix)
        usual = middle(getattr(self.prior, f"{prefix}axis_ratio")) * one
        return flux * one, radius, index, usual if shape is None else shape


def joined(parts: list[tuple[Tensor, ...]]) -> Sersic:
    """Components about one centre; their angles do not matter to a circle."""
    flux, radius, index, ratio = (torch.stack(told, dim=1) for told in zip(*parts, strict=True))
    none = torch.zeros_like(flux)
    return Sersic(flux, radius, index, ratio, angle=none, x=none, y=none)


def middle(limits: Range) -> float:
    """Half-way between the ends of a range."""
    return sum(limits) / 2


def flux_of(values: Values) -> Float[Tensor, " galaxy"] | None:
    """The flux of whole galaxies, if it is told."""
    bulge, disk, ratio = (values.get(n) for n in (f"{BULGE}{FLUX}", f"{DISK}{FLUX}", RATIO))
    if FLUX in values:
        return values[FLUX]
    if bulge is not None and disk is not None:
        return bulge + disk
    if bulge is not None and ratio is not None:
        return bulge / ratio
    return disk / (1 - ratio) if disk is not None and ratio is not None else None


def bulge_share(values: Values) -> Float[Tensor, " galaxy"] | None:
    """The share of a galaxy's flux that is its bulge's, if it is told."""
    if RATIO in values:
        return values[RATIO]
    bulge, disk, flux = (values.get(n) for n in (f"{BULGE}{FLUX}", f"{DISK}{FLUX}", FLUX))
    if bulge is not None and disk is not None:
        return bulge / (bulge + disk)
    if bulge is not None and flux is not None:
        return (bulge / flux).clamp(max=1)
    return (1 - disk / flux).clamp(min=0) if disk is not None and flux is not None else None


def axis_ratio(values: Values, prefix: str) -> Float[Tensor, " galaxy"] | None:
    """The axis ratio of a component, if it or its elongation is told."""
    pair = [values.get(f"{prefix}elongation_{half}") for half in (1, 2)]
    if f"{prefix}axis_ratio" in values:
        return values[f"{prefix}axis_ratio"]
    first, second = pair
    return None if first is None or second is None else (-(first**2 + second**2)).exp()


def smaller(profiles: Sersic, limit: Float[Tensor, " galaxy"]) -> Bool[Tensor, " galaxy"]:
    """Whether a circle of this radius holds more than half of the light.

    It does not lie within the smallest ellipse, and does around the largest; only what is between
    has to be worked out.
    """
    axes = profiles.effective_radius
    found = axes.amax(dim=1) < limit
    open_ = ~found & ((axes * profiles.axis_ratio).amin(dim=1) < limit)
    places = open_.nonzero()[:, 0]
    some = profiles.take(places)
    held = (some.flux * GrowthCurve.of(some, NODES)(limit[places])).sum(dim=1)
    found[places] = held > some.flux.sum(dim=1) / 2
    return found


def drawn(mixture: GaussianMixture) -> Float[Tensor, "draw galaxy parameter"]:
    """Draws of every galaxy at the same quasi-random places, so that none depends on another."""
    shares = places(mixture.parameters + 1).to(mixture.means)
    noise = torch.special.ndtri(shares[:, None, 1:]).expand(-1, len(mixture), -1)
    return mixture.drawn(shares[:, :1].expand(-1, len(mixture)), noise)


@cache
def places(dimensions: int) -> Float[Tensor, "draw dimension"]:
    """Places spread evenly within a unit cube, off its faces."""
    engine = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=0)  # type: ignore[no-untyped-call]
    found: Tensor = engine.draw(DRAWS, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)
    return found
