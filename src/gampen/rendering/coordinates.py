"""The coordinates in which an isolated galaxy is fitted: the targets first, then the nuisances.

The targets stand in the unconstrained space of `gampen.parameters.MORPHOLOGY`. The renderer wants
other numbers, the quantities of bulge and disk; the two are tied by the half-light radius, which is
found as a root, so its derivatives come from the implicit function theorem.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from gampen.rendering.sersic import GrowthCurve, Sersic, half_light_radius

COORDINATES = (
    "bulge_to_total",  # logistic
    "effective_radius",  # ln [pixel], of the circle that holds half of the light
    "flux",  # ln [image units]
    "radius_ratio",  # ln of the bulge's effective radius over the disk's
    "bulge_index",
    "disk_index",
    "bulge_axis_ratio",
    "disk_axis_ratio",
    "angle",  # [degree] of the disk
    "twist",  # [degree] of the bulge from the disk
    "x",  # [pixel] from the centre of the frame
    "y",
    "sky",  # [sky sigma] left in every pixel
    "psf_fwhm",  # ln of the PSF's width over that of the exposure
    "psf_slope",  # of a Moffat PSF
)
TARGETS = 3
# The quantities: five of the bulge (ln flux, ln radius, index, axis ratio, angle), the same five of
# the disk, and the last five coordinates as they are.
PART = 5

_RATIO_TO_DISK_AXIS = [COORDINATES.index(name) for name in COORDINATES[3:8]]
_SHAPING = [0, *_RATIO_TO_DISK_AXIS]  # what the half-light radius in disk radii depends on
_STEP = 1e-4
_ROOT_STEPS = 40


def coordinates_of(
    profile: Sersic, psf_slope: Float[Tensor, " galaxy"] | None = None
) -> Float[Tensor, "galaxy coordinate"]:
    """The point of each bulge (component 0) and disk (component 1), in double precision.

    Its sky and PSF are those of the exposure, whose core's slope is `psf_slope` where it has one.
    """
    profile = Sersic(**{name: value.to(torch.float64) for name, value in vars(profile).items()})
    (bulge, disk), radius = profile.flux.unbind(1), half_light_radius(profile, _ROOT_STEPS)
    bend = (profile.angle[:, 0] - profile.angle[:, 1] + 90) % 180 - 90
    none = torch.zeros_like(bulge)
    radii, index, axis_ratio = profile.effective_radius, profile.index, profile.axis_ratio
    columns = [(bulge / disk).log(), radius.log(), (bulge + disk).log()]
    columns += [(radii[:, 0] / radii[:, 1]).log(), *index.unbind(1), *axis_ratio.unbind(1)]
    columns += [profile.angle[:, 1], bend, profile.x[:, 1], profile.y[:, 1]]
    slope = none if psf_slope is None else psf_slope.to(none)
    return torch.stack([*columns, none, none, slope], dim=-1)


def quantities_of(
    points: Float[Tensor, "*any coordinate"], log_half_light: Float[Tensor, "*any"]
) -> Float[Tensor, "*any quantity"]:
    """What the renderer wants; `log_half_light` is ln of the half-light radius in disk radii."""
    of = dict(zip(COORDINATES, points.unbind(-1), strict=True))
    disk_radius = of["effective_radius"] - log_half_light
    bulge = [logsigmoid(of["bulge_to_total"]) + of["flux"], disk_radius + of["radius_ratio"]]
    bulge += [of["bulge_index"], of["bulge_axis_ratio"], of["angle"] + of["twist"]]
    disk = [logsigmoid(-of["bulge_to_total"]) + of["flux"], disk_radius]
    disk += [of["disk_index"], of["disk_axis_ratio"], of["angle"]]
    return torch.stack([*bulge, *disk, *points.unbind(-1)[-PART:]], dim=-1)


def profile_of(quantities: Float[Tensor, "galaxy quantity"]) -> Sersic:
    """Bulge and disk with these quantities."""
    parts = quantities[:, : 2 * PART].reshape(-1, 2, PART)
    log_flux, log_radius, index, axis_ratio, angle = parts.unbind(-1)
    x, y = (quantities[:, 2 * PART + place, None].expand(-1, 2) for place in range(2))
    return Sersic(log_flux.exp(), log_radius.exp(), index, axis_ratio, angle, x, y)


def bulge_and_disk(points: Float[Tensor, "galaxy coordinate"], steps: int = 20) -> Sersic:
    """The light at each point; `steps` of the search for the half-light radius."""
    log_half_light = half_light_radius(_disk_of_radius_one(points), steps).log()
    return profile_of(quantities_of(points, log_half_light))


def quantity_slopes(
    points: Float[Tensor, "galaxy coordinate"],
) -> tuple[Float[Tensor, "galaxy quantity"], Float[Tensor, "galaxy quantity coordinate"]]:
    """The quantities at each point, and their derivatives by its coordinates.

    With g the light inside the radius R less one half, `d ln R / d c = -(dg/dc) / (dg/d ln R)`.
    All are central differences, since the incomplete gamma function has no derivative by its shape.
    """
    log_radius = half_light_radius(_disk_of_radius_one(points), _ROOT_STEPS).log()
    outwards = _light_inside(points, log_radius + _STEP) - _light_inside(points, log_radius - _STEP)
    slopes = torch.zeros_like(points)
    for place in _SHAPING:
        change = torch.zeros_like(points)
        change[:, place] = _STEP
        rise = _light_inside(points + change, log_radius)
        rise = rise - _light_inside(points - change, log_radius)
        slopes[:, place] = -rise / outwards
    steps = _STEP * torch.eye(len(COORDINATES), dtype=points.dtype, device=points.device)
    ahead, behind = (
        quantities_of(points[:, None] + sign * steps, log_radius[:, None] + sign * _STEP * slopes)
        for sign in (1, -1)
    )
    return quantities_of(points, log_radius), (ahead - behind).mT / (2 * _STEP)


def _disk_of_radius_one(points: Float[Tensor, "galaxy coordinate"]) -> Sersic:
    return profile_of(quantities_of(points, points[:, COORDINATES.index("effective_radius")]))


def _light_inside(
    points: Float[Tensor, "galaxy coordinate"], log_radius: Float[Tensor, " galaxy"]
) -> Float[Tensor, " galaxy"]:
    """The share of the light inside circles of these radii [disk radius]."""
    profile = _disk_of_radius_one(points)
    share = profile.flux / profile.flux.sum(dim=1, keepdim=True)
    inside: Tensor = (share * GrowthCurve.of(profile)(log_radius.exp())).sum(dim=1)
    return inside
