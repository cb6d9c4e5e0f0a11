"""Sersic profiles to images: summed in Fourier space, spread by PSF and pixel, transformed once.

Each component is its profile's Hankel transform at the elliptical frequency, times the phase of its
place; their sum is carried through the PSF and the pixel and comes back by one inverse FFT a galaxy
on a padded grid, with the wings that would fold there summed apart. Everything is differentiable in
every parameter.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from gampen.rendering.frequencies import FrequencyGrid, Windows, direct_sum
from gampen.rendering.hankel import read_rows
from gampen.rendering.psf import PointSpreadFunction
from gampen.rendering.sersic import Sersic, sersic_table

PADDING = 2.0
SAMPLES_AT_ONCE = 2**20  # of the FFT's grids, so that a group of galaxies stays inside the cache
_FAST_FACTORS = (2, 3, 5)


def fast_length(length: int) -> int:
    """The smallest even length, at least `length`, that FFTs handle well."""
    length += length % 2
    while True:
        rest = length
        for factor in _FAST_FACTORS:
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 2


def _spectrum(
    component: dict[str, Float[Tensor, " profile"]], grid: FrequencyGrid
) -> Complex[Tensor, "profile height half_width"]:
    """The Fourier transform of single profiles, before PSF and pixel."""
    angle = torch.deg2rad(component["angle"])[:, None, None]
    flattening = 1 - component["axis_ratio"][:, None, None].square()
    # (k / R)^2 of the ellipse as a quadratic form in (kx, ky), with as few passes as can be
    cross = grid.kx * (flattening * (2 * angle).sin()) - grid.ky * (flattening * angle.cos() ** 2)
    form = torch.addcmul(grid.kx**2 * (1 - flattening * angle.sin() ** 2), cross, grid.ky)
    log_k = (form + grid.ky**2).clamp(min=1e-20).log() / 2
    rows = sersic_table().rows(component["index"])
    amplitude = read_rows(rows, log_k, component["effective_radius"].log())
    along_y = torch.exp(-1j * grid.ky * component["y"][:, None, None])
    along_x = torch.exp(-1j * grid.kx * component["x"][:, None, None])
    return amplitude * (along_y * component["flux"][:, None, None]) * along_x


def render(
    profile: Sersic,
    psf: PointSpreadFunction,
    shape: tuple[int, int],
    padding: float = PADDING,
    oversampling: int = 1,
    wings: bool = True,
) -> Float[Tensor, "galaxy height width"]:
    """Noise-free images of `shape` pixels, in the profiles' flux units per pixel.

    Offsets x and y count from the centre of the stamp, `((width - 1) / 2, (height - 1) / 2)`.
    `padding` is the FFT's extent over the stamp's; light that leaves it folds back, with `wings`
    only from beyond 8 such extents. A PSF narrower than 3 pixels needs `oversampling=2`, since it
    carries frequencies beyond the pixel's own.
    """
    clear = (padding - 1) * max(shape)
    height, width = (fast_length(int(side + clear) + 1) * oversampling for side in shape)
    grid = FrequencyGrid.of(height, width, 1 / oversampling, profile.flux)
    spectrum = _observed(profile, psf, shape, grid)
    if not wings:
        return _sampled(spectrum, shape, oversampling)
    windows = Windows(max(shape), max(height, width) / oversampling)
    near = _sampled(spectrum * windows.outside(grid.k, 0), shape, oversampling)
    closer, weight = windows.closer(profile.flux)
    return near + direct_sum(_observed(profile, psf, shape, closer) * weight, closer, shape)


def render_in_groups(
    profile: Sersic, psf: PointSpreadFunction, shape: tuple[int, int], oversampling: int = 1
) -> Float[Tensor, "galaxy height width"]:
    """The images of `render`, a few galaxies at a time: faster for many or large ones."""
    samples = (PADDING * oversampling) ** 2 * shape[0] * shape[1]
    size = max(1, int(SAMPLES_AT_ONCE / samples))
    groups = [slice(start, start + size) for start in range(0, len(profile.flux), size)]
    images = [
        render(profile.take(group), psf.select(group), shape, oversampling=oversampling)
        for group in groups
    ]
    return torch.cat(images)


def _observed(
    profile: Sersic, psf: PointSpreadFunction, shape: tuple[int, int], grid: FrequencyGrid
) -> Complex[Tensor, "galaxy height half_width"]:
    """The spectra of images whose first pixel is the origin, spread by PSF and pixel."""
    spectrum = _sum_components(profile, grid) * psf.transfer(grid)
    if not psf.includes_pixel:
        to_pixel = 0.5 / torch.pi
        spectrum = spectrum * (torch.sinc(grid.ky * to_pixel) * torch.sinc(grid.kx * to_pixel))
    centre_y, centre_x = ((side - 1) / 2 for side in shape)
    return spectrum * (torch.exp(-1j * grid.ky * centre_y) * torch.exp(-1j * grid.kx * centre_x))


def _sampled(
    spectrum: Complex[Tensor, "galaxy rows half_width"], shape: tuple[int, int], oversampling: int
) -> Float[Tensor, "galaxy height width"]:
    """The images of FFT spectra at the pixels of the stamp."""
    image: Tensor = torch.fft.irfft2(spectrum) * oversampling**2
    return image[:, ::oversampling, ::oversampling][:, : shape[0], : shape[1]]


def _sum_components(
    profile: Sersic, grid: FrequencyGrid
) -> Complex[Tensor, "galaxy height half_width"]:
    """The summed spectra of each galaxy's components, empty places skipped."""
    flux = profile.flux
    sides = (flux.shape[0], grid.ky.shape[0], grid.kx.shape[1])
    total = torch.zeros(sides, dtype=flux.dtype.to_complex(), device=flux.device)
    for place in range(flux.shape[1]):
        column = {name: value[:, place] for name, value in vars(profile).items()}
        (filled,) = column["flux"].nonzero(as_tuple=True)
        if len(filled):
            present = {name: value[filled] for name, value in column.items()}
            total = total.index_add(0, filled, _spectrum(present, grid))
    return total
