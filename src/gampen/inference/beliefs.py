"""What is believed of a galaxy in a window before it is fitted: its posterior, and a prior's rest.

A normal law over the coordinates of `gampen.rendering.coordinates`, in pixels and units of the
window. The three targets have the posterior's own mean and covariance; the nuisances what the prior
of simulations says of them (`gampen.settings.PriorSettings`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn.functional import grid_sample

from gampen.inference.windows import Windows
from gampen.probability.mixtures import GaussianMixture
from gampen.rendering.coordinates import COORDINATES, TARGETS

PLACE = {name: place for place, name in enumerate(COORDINATES)}
# The middle and the deviation of each nuisance, as its prior has them.
NUISANCES = {
    "radius_ratio": (math.log(0.39), 0.55),
    "bulge_index": (4.0, 0.58),
    "disk_index": (0.95, 0.2),
    "bulge_axis_ratio": (0.7, 0.17),
    "disk_axis_ratio": (0.6, 0.25),
    "twist": (0.0, 20.0),
    "sky": (0.0, 0.1),
}
ANGLE_DEVIATION = 50.0  # [degree] about the angle that the moments have: hardly a constraint
CENTRE_DEVIATION = 1.0  # [pixel]
WIDTH_DEVIATION, WIDTH_UNKNOWN = 0.05, 0.45  # of ln FWHM, where one is told and where not
SLOPE_DEVIATION, SLOPE_UNKNOWN = 0.5, 1.3
# Beyond these no coordinate goes: where profiles end, or the renderer's tables.
LIMITS = {
    "bulge_to_total": (-7.0, 7.0),
    "radius_ratio": (math.log(0.05), math.log(2.5)),
    "bulge_index": (2.0, 5.95),
    "disk_index": (0.52, 1.9),
    "bulge_axis_ratio": (0.15, 1.0),
    "disk_axis_ratio": (0.08, 1.0),
    "twist": (-90.0, 90.0),
    "psf_fwhm": (-1.2, 1.2),
    "psf_slope": (1.25, 11.5),
}
ROUNDEST, FLATTEST = 0.97, 0.2
MOMENT_WINDOW = 1.2  # standard deviation of the window of moments, in radii as seen
FWHM_TO_SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))


@dataclass(frozen=True)
class Beliefs:
    """A normal law over the coordinates of each galaxy, and where a fit starts."""

    middle: Float64[Tensor, "galaxy coordinate"]
    precision: Float64[Tensor, "galaxy coordinate coordinate"]

    @classmethod
    def of(
        cls,
        windows: Windows,
        mixture: GaussianMixture,
        pixel_scale: Float64[Tensor, " galaxy"],
    ) -> Beliefs:
        """The beliefs of windows of galaxies with these posteriors of `MORPHOLOGY`.

        `pixel_scale` is that of the posteriors' radii [their unit / pixel].
        """
        targets = mixture.mean.clone()
        targets[:, 1] -= (pixel_scale * windows.binning).log()
        targets[:, 2] -= windows.unit.log()
        middle = torch.zeros(len(windows), len(COORDINATES), dtype=torch.float64)
        deviation = torch.ones_like(middle)
        for name, (value, spread) in NUISANCES.items():
            middle[:, PLACE[name]], deviation[:, PLACE[name]] = value, spread
        middle[:, :TARGETS] = targets
        middle[:, PLACE["x"]], middle[:, PLACE["y"]] = windows.centre.unbind(1)
        middle[:, PLACE["psf_slope"]] = windows.psf_slope
        shape = moments(windows, targets[:, 1].exp())
        middle[:, PLACE["disk_axis_ratio"]], middle[:, PLACE["angle"]] = shape
        deviation[:, PLACE["angle"]] = ANGLE_DEVIATION
        for name in "xy":
            deviation[:, PLACE[name]] = CENTRE_DEVIATION / windows.binning
        deviation[:, PLACE["sky"]] *= windows.binning
        width, slope = windows.told.unbind(1)
        deviation[:, PLACE["psf_fwhm"]] = torch.where(width, WIDTH_DEVIATION, WIDTH_UNKNOWN)
        deviation[:, PLACE["psf_slope"]] = torch.where(slope, SLOPE_DEVIATION, SLOPE_UNKNOWN)
        precision = torch.diag_embed(deviation**-2)
        precision[:, :TARGETS, :TARGETS] = torch.linalg.inv(mixture.covariance)
        return cls(middle, precision)


def within_limits(points: Float64[Tensor, "galaxy coordinate"]) -> Tensor:
    """The points, no coordinate beyond its limits."""
    points = points.clone()
    for name, (low, high) in LIMITS.items():
        points[:, PLACE[name]] = points[:, PLACE[name]].clamp(low, high)
    return points


def opposite(
    images: Float[Tensor, "galaxy side side"], centre: Float[Tensor, "galaxy 2"]
) -> Float[Tensor, "galaxy side side"]:
    """Images turned by half a turn about their centres (x, y); NaN beyond their edges."""
    side = images.shape[-1]
    place = torch.arange(side, dtype=images.dtype) - (side - 1) / 2
    scale = 2 / side
    along_x = (2 * centre[:, :1].to(images.dtype) - place) * scale
    along_y = (2 * centre[:, 1:].to(images.dtype) - place) * scale
    grid = torch.stack(
        [along_x[:, None, :].expand(-1, side, -1), along_y[:, :, None].expand(-1, -1, side)], dim=-1
    )
    turned = grid_sample(images[:, None], grid, align_corners=False, padding_mode="border")[:, 0]
    return turned.masked_fill((grid.abs() > 1).any(dim=-1), torch.nan)


def filled(
    windows: Windows, centre: Float64[Tensor, "galaxy 2"]
) -> Float[Tensor, "galaxy side side"]:
    """The images, with the pixel across the centre in place of a bad one; nought if it is too."""
    images = windows.images.masked_fill(windows.bad, 0)
    across = opposite(images, centre).nan_to_num(0)
    return torch.where(windows.bad, across, images)


def moments(
    windows: Windows, radius: Float64[Tensor, " galaxy"]
) -> tuple[Float64[Tensor, " galaxy"], Float64[Tensor, " galaxy"]]:
    """Axis ratio and angle [degree] from second moments, with window and PSF taken off.

    Of the light that is alike across the centre, so that neighbours count little.
    """
    images = filled(windows, windows.centre)
    light = torch.minimum(images, opposite(images, windows.centre).nan_to_num(0)).double()
    side = images.shape[-1]
    place = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    x = (place[None, :] - windows.centre[:, :1])[:, None, :]
    y = (place[None, :] - windows.centre[:, 1:])[:, :, None]
    psf = (windows.psf_fwhm * FWHM_TO_SIGMA).square()
    breadth = (MOMENT_WINDOW**2 * (radius.square() + psf)).clamp(max=(side / 4) ** 2)
    weighted = light * (-(x.square() + y.square()) / (2 * breadth[:, None, None])).exp()
    total = weighted.sum(dim=(1, 2)).clamp(min=1e-6)
    seconds = [(weighted * product).sum(dim=(1, 2)) / total for product in (x * x, x * y, y * y)]
    xx, xy, yy = seconds
    seen = torch.stack([xx, xy, xy, yy], dim=1).view(-1, 2, 2).nan_to_num(0)
    value, axis = torch.linalg.eigh(seen)
    value = torch.minimum(value.clamp(min=1e-3), 0.95 * breadth[:, None])
    # a Gaussian seen through a Gaussian window
    own = (1 / (1 / value - 1 / breadth[:, None]) - psf[:, None]).clamp(min=1e-2)
    ratio = (own[:, 0] / own[:, 1]).sqrt().clamp(FLATTEST, ROUNDEST)
    angle = torch.rad2deg(torch.atan2(axis[:, 1, 1], axis[:, 0, 1]))
    return ratio, angle
