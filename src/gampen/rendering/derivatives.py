"""Derivatives of rendered bulge and disk by the quantities that the renderer wants.

In Fourier space most derivatives are products: of the profile's transform H and its slopes by ln k
and by index, with the elliptical frequency's own derivatives, the phase, and the PSF's transfer. So
the costly look-ups are made once for all derivatives, which would be made anew for each by finite
differences or by automatic differentiation through `render`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from gampen.rendering.coordinates import profile_of
from gampen.rendering.exposures import Exposure, sloped, widened
from gampen.rendering.frequencies import FrequencyGrid, Windows, direct_sum
from gampen.rendering.hankel import LOG_K_NODES, LOG_K_RANGE, read_rows
from gampen.rendering.render import PADDING, fast_length
from gampen.rendering.sersic import Sersic, sersic_table

_STEP = 0.01  # of ln width, PSF slope and index: in these the transforms are smooth
_LOG_K_STEP = (LOG_K_RANGE[1] - LOG_K_RANGE[0]) / (LOG_K_NODES - 1)


@dataclass(frozen=True)
class Slopes:
    """The light of bulges and disks, and which of their exposures' PSFs are unsure."""

    quantities: Float[Tensor, "galaxy quantity"]
    exposure: Exposure
    unsure_width: bool
    unsure_slope: bool

    def images(self) -> Float[Tensor, "galaxy quantity height width"]:
        """The derivative of each image of `render` by each quantity; nought by those of a sure PSF.

        Those by the ln of the two fluxes are the bulge and the disk themselves.
        """
        shape, finer = self.exposure.shape, self.exposure.oversampling
        clear = (PADDING - 1) * max(shape)
        height, width = (fast_length(int(side + clear) + 1) * finer for side in shape)
        windows = Windows(max(shape), max(height, width) / finer)
        grid = FrequencyGrid.of(height, width, 1 / finer, self.quantities)
        closer, weight = windows.closer(self.quantities)
        near = _sampled(self._spectra(grid) * windows.outside(grid.k, 0), shape, finer)
        far = direct_sum((self._spectra(closer) * weight).flatten(0, 1), closer, shape)
        light = near + far.view_as(near)
        none = torch.zeros_like(light[:, :1])
        sky = none + self.exposure.sky_sigma[:, None, None, None]
        width_slopes = light[:, _WIDTH : _WIDTH + 1] if self.unsure_width else none
        slope_slopes = light[:, -1:] if self.unsure_slope else none
        return torch.cat([light[:, :_WIDTH], sky, width_slopes, slope_slopes], dim=1)

    def _spectra(self, grid: FrequencyGrid) -> Complex[Tensor, "galaxy spectrum rows half_width"]:
        """The spectra of the derivatives by all quantities but the sky and a sure PSF's."""
        profile, psf = profile_of(self.quantities), self.exposure.psf
        parts = [_part(profile.select(slice(place, place + 1)), grid) for place in range(2)]
        light = parts[0][:, 0] + parts[1][:, 0]
        moved = torch.stack([-1j * grid.kx * light, -1j * grid.ky * light], dim=1)
        spectra = [torch.cat([*parts, moved], dim=1) * psf.transfer(grid)[:, None]]
        if self.unsure_width:
            sure = torch.zeros_like(self.exposure.sky_sigma)
            wider = _slope(lambda factor: widened(psf, factor).transfer(grid), sure)
            spectra.append((light * wider)[:, None])
        if self.unsure_slope:
            bent = _slope(lambda slope: sloped(psf, slope).transfer(grid), self.quantities[:, -1])
            spectra.append((light * bent)[:, None])
        return torch.cat(spectra, dim=1) * _response(grid, self.exposure)


_WIDTH = 12  # the place of the PSF's width among the spectra: after bulge, disk and centre


def _response(grid: FrequencyGrid, exposure: Exposure) -> Complex[Tensor, "rows half_width"]:
    """The pixel's response, where the PSF does not hold it, from the first pixel as origin."""
    centre_y, centre_x = ((side - 1) / 2 for side in exposure.shape)
    phase = torch.exp(-1j * grid.ky * centre_y) * torch.exp(-1j * grid.kx * centre_x)
    if exposure.psf.includes_pixel:
        return phase
    to_pixel = 0.5 / torch.pi
    sinc: Tensor = torch.sinc(grid.ky * to_pixel) * torch.sinc(grid.kx * to_pixel)
    return phase * sinc


def _part(
    profile: Sersic, grid: FrequencyGrid
) -> Complex[Tensor, "galaxy spectrum rows half_width"]:
    """A component's spectrum and its derivatives by ln radius, index, axis ratio and angle."""
    of = {name: value[:, :1, None] for name, value in vars(profile).items()}
    angle, flattening = torch.deg2rad(of["angle"]), 1 - of["axis_ratio"].square()
    minor = grid.kx * angle.sin() - grid.ky * angle.cos()
    major = grid.kx * angle.cos() + grid.ky * angle.sin()
    # (k / R)^2 of the ellipse
    form = (major.square() + (1 - flattening) * minor.square()).clamp(min=1e-20)
    value, by_log_k, by_index = _transforms(profile, form.log() / 2)
    by_form = by_log_k / form
    by_axis_ratio = by_form * minor.square() * of["axis_ratio"]
    by_angle = by_form * minor * major * (-flattening * math.pi / 180)
    real = torch.stack([value, by_log_k, by_index, by_axis_ratio, by_angle], dim=1)
    phase: Tensor = (
        torch.exp(-1j * grid.ky * of["y"]) * of["flux"] * torch.exp(-1j * grid.kx * of["x"])
    )
    return real * phase[:, None]


def _transforms(profile: Sersic, log_k: Float[Tensor, "galaxy rows half_width"]) -> list[Tensor]:
    """The transforms at the elliptical frequencies, and their slopes by ln k and by index."""
    index, log_radius = profile.index[:, 0].to(torch.float64), profile.effective_radius[:, 0].log()
    rows = sersic_table().rows(index)
    (by_log_k,) = torch.gradient(rows, spacing=_LOG_K_STEP, dim=1)
    tables = (rows, by_log_k, _slope(sersic_table().rows, index))
    return [read_rows(table.to(log_k.dtype), log_k, log_radius) for table in tables]


def _slope(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """A function's central differences, each by its own galaxy's argument."""
    rise: Tensor = function(at + _STEP) - function(at - _STEP)
    return rise / (2 * _STEP)


def _sampled(
    spectra: Complex[Tensor, "galaxy spectrum rows half_width"], shape: tuple[int, int], finer: int
) -> Float[Tensor, "galaxy spectrum height width"]:
    """The images of FFT spectra; only the rows of the stamp are transformed along x."""
    rows = torch.fft.ifft(spectra, dim=-2)[..., ::finer, :][..., : shape[0], :]
    images: Tensor = torch.fft.irfft(rows, dim=-1)[..., ::finer][..., : shape[1]] * finer**2
    return images
