"""Sersic light profiles: their scale, their Fourier transforms and the light that a circle holds.

I(r) falls as exp(-b (r / R_e)^(1/n)); b makes R_e hold half of the light (Sersic 1963; Graham &
Driver 2005, doi:10.1071/AS05001). Radii are semi-major axes [pixel], angles counter-clockwise from
+x [degree].
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cache

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from gampen.network.symmetry import Symmetry
from gampen.rendering.hankel import ProfileTable, log_gamma
from gampen.settings import SERSIC_INDEX

NEWTON_STEPS = 4
QUADRATURE_NODES = 32


def sersic_b(index: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The b of each Sersic index: the root of P(2n, b) = 1/2, with P the lower gamma function.

    Starts from the series of Ciotti & Bertin (1999, astro-ph/9911078) and polishes it by Newton.
    """
    n = index.to(torch.float64)
    b = 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2) + 131 / (1148175 * n**3)
    for _ in range(NEWTON_STEPS):
        slope = ((2 * n - 1) * b.log() - b - torch.lgamma(2 * n)).exp()
        b = b - (torch.special.gammainc(2 * n, b) - 0.5) / slope
    return b.to(index.dtype)


def _log_mellin(s: Complex[Tensor, "a node"], index: Float[Tensor, "shape 1"]) -> Tensor:
    return log_gamma(index * s) - index * s * sersic_b(index).log()


@cache
def sersic_table() -> ProfileTable:
    """The table of the Sersic family, for R_e = 1, computed once a process."""
    return ProfileTable.build(_log_mellin, *SERSIC_INDEX)


@dataclass(frozen=True)
class Sersic:
    """Sersic profiles, `component` of them a galaxy; a flux of zero marks an empty place.

    `flux` in units of the image, `effective_radius` (semi-major), `x` and `y` (offsets from the
    centre of the stamp) in pixels, `index` in 0.5-6, `angle` in degrees.
    """

    flux: Float[Tensor, "galaxy component"]
    effective_radius: Float[Tensor, "galaxy component"]
    index: Float[Tensor, "galaxy component"]
    axis_ratio: Float[Tensor, "galaxy component"]
    angle: Float[Tensor, "galaxy component"]
    x: Float[Tensor, "galaxy component"]
    y: Float[Tensor, "galaxy component"]

    @classmethod
    def cat(cls, *groups: Sersic) -> Sersic:
        """All components of the groups, side by side."""
        names = [field.name for field in fields(cls)]
        return cls(**{n: torch.cat([getattr(g, n) for g in groups], dim=1) for n in names})

    def select(self, components: slice) -> Sersic:
        """Some components of every galaxy."""
        names = [field.name for field in fields(self)]
        return replace(self, **{name: getattr(self, name)[:, components] for name in names})

    def take(self, galaxies: Tensor | slice) -> Sersic:
        """All components of some galaxies: indices, a mask or a slice."""
        names = [field.name for field in fields(self)]
        return replace(self, **{name: getattr(self, name)[galaxies] for name in names})

    def rotated(self, degrees: float) -> Sersic:
        """The same galaxies turned counter-clockwise about the centre of the stamp."""
        cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x, y = cosine * self.x - sine * self.y, sine * self.x + cosine * self.y
        return replace(self, x=x, y=y, angle=self.angle + degrees)

    def turned(self, symmetry: Symmetry) -> Sersic:
        """The same galaxies in a stamp that is turned or mirrored about its centre."""
        x, y = symmetry.point(self.x, self.y)
        return replace(self, x=x, y=y, angle=symmetry.angle(self.angle))


@dataclass(frozen=True)
class GrowthCurve:
    """Share of each component's light inside a centred circle, as a function of its radius.

    In the eccentric anomaly psi an ellipse of axis ratio q meets the circle of radius R at the
    elliptical radius R / sqrt(cos^2 psi + q^2 sin^2 psi), so the share is the mean over psi of the
    round profile's growth curve there: the midpoint rule on a periodic function, which converges
    exponentially.
    """

    scale: Float[Tensor, "galaxy component node"]
    shape: Float[Tensor, "galaxy component 1"]
    power: Float[Tensor, "galaxy component 1"]

    @classmethod
    def of(cls, profile: Sersic, nodes: int = QUADRATURE_NODES) -> GrowthCurve:
        """The growth curves of the profiles, with `nodes` places on a quarter of the ellipse."""
        like = profile.effective_radius
        places = (torch.arange(nodes, dtype=like.dtype, device=like.device) + 0.5) / nodes
        psi = places * (math.pi / 2)
        stretch = (psi.cos() ** 2 + (profile.axis_ratio[..., None] * psi.sin()) ** 2).sqrt()
        n = profile.index[..., None]
        # b (R / (R_e stretch))^(1/n) = (R scale)^(1/n)
        return cls(sersic_b(n) ** n / (like[..., None] * stretch), 2 * n, 1 / n)

    def __call__(self, radius: Float[Tensor, " galaxy"]) -> Float[Tensor, "galaxy component"]:
        """Shares inside the circles of `radius` [pixel]."""
        argument = (radius[:, None, None] * self.scale) ** self.power
        share: Tensor = torch.special.gammainc(self.shape.expand_as(argument), argument)
        return share.mean(dim=-1)


def half_light_radius(
    profile: Sersic, steps: int = 20, nodes: int = QUADRATURE_NODES
) -> Float[Tensor, " galaxy"]:
    """Radius [pixel] of the circle that holds half of the light of all components together.

    Regula falsi with Illinois' rule on the enclosed share in ln R, from the bracket of the
    components' own smallest and largest axes; converges to float precision.
    """
    share = profile.flux / profile.flux.sum(dim=1, keepdim=True)
    growth = GrowthCurve.of(profile, nodes)
    lower = (profile.effective_radius * profile.axis_ratio).amin(dim=1).log()
    upper = profile.effective_radius.amax(dim=1).log()

    def excess(log_radius: Tensor) -> Tensor:
        return (share * growth(log_radius.exp())).sum(dim=1) - 0.5

    below, above = excess(lower), excess(upper)
    for _ in range(steps):
        part = below / (below - above).clamp(max=-1e-30)
        middle = lower + (upper - lower) * part.clamp(0, 1)
        value = excess(middle)
        left = value < 0
        # halving the weight of the end that stays keeps the bracket shrinking from both sides
        above = torch.where(left, above / 2, value)
        below = torch.where(left, value, below / 2)
        lower, upper = torch.where(left, middle, lower), torch.where(left, upper, middle)
    return torch.where(below.abs() < above.abs(), lower, upper).exp()
