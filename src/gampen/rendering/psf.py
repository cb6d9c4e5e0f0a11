"""Point spread functions, as what they do in Fourier space: their (real or complex) transfer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cache

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from gampen.network.symmetry import Symmetry
from gampen.rendering.frequencies import FrequencyGrid
from gampen.rendering.hankel import ProfileTable, log_gamma, read_rows
from gampen.settings import MOFFAT_SLOPE

KOLMOGOROV_FWHM = 0.9758634299  # [lambda / r0]
KOLMOGOROV_FALL = math.pow(24 / 5 * math.gamma(6 / 5), 5 / 6)
SLOPES = 400  # of which one is chosen for a concentration: 0.6 % apart
KOLMOGOROV_END = 15.0  # ln of one over the transfer, beyond which there is nothing


class PointSpreadFunction(ABC):
    """How a point of light spreads; one for each galaxy of a batch."""

    includes_pixel = False

    @abstractmethod
    def transfer(self, grid: FrequencyGrid) -> Tensor:
        """Factors [galaxy height half_width] by which each frequency is carried; 1 at k = 0."""

    @abstractmethod
    def select(self, galaxies: Tensor | slice) -> PointSpreadFunction:
        """The same for some galaxies: indices, a mask or a slice."""

    def turned(self, _symmetry: Symmetry) -> PointSpreadFunction:
        """The same in another orientation, which of a round PSF is the same."""
        return self


class Seeing(PointSpreadFunction):
    """A PSF of a known family, so that it can be made wider."""

    fwhm: Float[Tensor, " galaxy"]

    @abstractmethod
    def light_within(self, radius: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
        """The share of the light inside a circle of the radius [pixel]."""

    def scaled(self, factor: Float[Tensor, " galaxy"]) -> Seeing:
        """The same PSF, wider by a factor for each galaxy."""
        return replace(self, fwhm=self.fwhm * factor)  # type: ignore[type-var]

    def select(self, galaxies: Tensor | slice) -> Seeing:
        """The same for some galaxies: indices, a mask or a slice."""
        chosen = {name: value[galaxies] for name, value in vars(self).items()}
        return replace(self, **chosen)  # type: ignore[type-var]


@dataclass(frozen=True)
class Gaussian(Seeing):
    """A Gaussian of the given full width at half maximum [pixel]."""

    fwhm: Float[Tensor, " galaxy"]

    def transfer(self, grid: FrequencyGrid) -> Float[Tensor, "galaxy height half_width"]:
        """`exp(-(k sigma)^2 / 2)`."""
        sigma = self.fwhm / (2 * math.sqrt(2 * math.log(2)))
        return (-0.5 * (grid.k * sigma[:, None, None]).square()).exp()

    def light_within(self, radius: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
        """`1 - 2^(-(2 r / FWHM)^2)`."""
        return 1 - 2 ** -(2 * radius / self.fwhm).square()


@dataclass(frozen=True)
class Kolmogorov(Seeing):
    """Long-exposure atmospheric seeing (Fried 1966, doi:10.1364/JOSA.56.001372); FWHM [pixel]."""

    fwhm: Float[Tensor, " galaxy"]

    def transfer(self, grid: FrequencyGrid) -> Float[Tensor, "galaxy height half_width"]:
        """`exp(-3.44 (k lambda / (2 pi r0))^(5/3))`."""
        scale = self.fwhm / (2 * math.pi * KOLMOGOROV_FWHM)
        return (-KOLMOGOROV_FALL * (grid.k * scale[:, None, None]).pow(5 / 3)).exp()

    def light_within(self, radius: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
        """The integral of `J1(t)` times the transfer at `t / r` over t, by the midpoint rule."""
        scale = (self.fwhm / (2 * math.pi * KOLMOGOROV_FWHM) / radius)[:, None]
        steps = (torch.arange(1200).to(radius) + 0.5) / 1200
        reach = (KOLMOGOROV_END / KOLMOGOROV_FALL) ** 0.6 / scale
        place = reach * steps
        transfer = (-KOLMOGOROV_FALL * (place * scale).pow(5 / 3)).exp()
        light: Tensor = (torch.special.bessel_j1(place) * transfer).mean(dim=1) * reach[:, 0]
        return light


def _moffat_log_mellin(s: Complex[Tensor, "a node"], beta: Float[Tensor, "shape 1"]) -> Tensor:
    # shape = beta - 1 > 0, so that the family's logarithmic grid resolves its broadest members
    return log_gamma(s / 2) + log_gamma(beta + 1 - s / 2) - log_gamma(beta + 1 + 0j)


@cache
def moffat_table() -> ProfileTable:
    """The table of the Moffat family over beta - 1, for core radius 1, computed once a process."""
    low, high = MOFFAT_SLOPE
    return ProfileTable.build(_moffat_log_mellin, low - 1, high - 1)


@dataclass(frozen=True)
class Moffat(Seeing):
    """A Moffat profile (Moffat 1969) of FWHM [pixel] and wing slope beta in 1.2-12."""

    fwhm: Float[Tensor, " galaxy"]
    beta: Float[Tensor, " galaxy"]

    def transfer(self, grid: FrequencyGrid) -> Float[Tensor, "galaxy height half_width"]:
        """The profile's Hankel transform, from a table."""
        core = self.fwhm / (2 * (2 ** (1 / self.beta) - 1).sqrt())
        log_k = grid.k.clamp(min=1e-12).log().expand(len(core), -1, -1)
        return read_rows(moffat_table().rows(self.beta - 1), log_k, core.log())

    def light_within(self, radius: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
        """`1 - (1 + (r / core)^2)^(1 - beta)`."""
        core = self.fwhm / (2 * (2 ** (1 / self.beta) - 1).sqrt())
        return 1 - (1 + (radius / core).square()) ** (1 - self.beta)


def moffat_slope(concentration: float) -> float:
    """The slope of the Moffat with this share of its light within one FWHM of its centre.

    The steepest or shallowest that can be rendered, where that does not reach.
    """
    low, high = MOFFAT_SLOPE
    slopes = torch.linspace(math.log(low), math.log(high), SLOPES, dtype=torch.float64).exp()
    one = torch.ones_like(slopes)
    shares = Moffat(one, slopes).light_within(one)
    return float(slopes[int(torch.searchsorted(shares, concentration).clamp(max=SLOPES - 1))])


@dataclass(frozen=True)
class Composite(PointSpreadFunction):
    """A weighted sum of PSFs, such as a core and its wings; weights sum to one for each galaxy.

    A part is evaluated only where its weight is above nought, so galaxies of several families can
    share a batch.
    """

    parts: tuple[Seeing, ...]
    weights: Float[Tensor, "galaxy part"]

    def transfer(self, grid: FrequencyGrid) -> Float[Tensor, "galaxy height half_width"]:
        """The weighted sum of the parts' factors."""
        sides = (len(self.weights), grid.ky.shape[0], grid.kx.shape[1])
        total = torch.zeros(sides, dtype=self.weights.dtype, device=self.weights.device)
        for part, weight in zip(self.parts, self.weights.unbind(1), strict=True):
            (present,) = weight.nonzero(as_tuple=True)
            if len(present):
                share = weight[present, None, None] * part.select(present).transfer(grid)
                total = total.index_add(0, present, share)
        return total

    def light_within(self, radius: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
        """The share of the light inside a circle of the radius [pixel]."""
        inside = torch.stack([part.light_within(radius) for part in self.parts], dim=1)
        return (self.weights * inside).sum(dim=1)

    def scaled(self, factor: Float[Tensor, " galaxy"]) -> Composite:
        """The same PSF, wider by a factor for each galaxy."""
        return replace(self, parts=tuple(part.scaled(factor) for part in self.parts))

    def select(self, galaxies: Tensor | slice) -> Composite:
        """The same for some galaxies: indices, a mask or a slice."""
        parts = tuple(part.select(galaxies) for part in self.parts)
        return Composite(parts, self.weights[galaxies])


@dataclass(frozen=True)
class PixelPSF(PointSpreadFunction):
    """A PSF given as images on the pixel grid of the data, centred on pixel (size // 2, size // 2).

    Such an image already holds the response of the pixel, so none is applied again. Each is divided
    by its sum. Between its pixels it is taken to hold no frequencies beyond the pixel's own.
    """

    image: Float[Tensor, "galaxy size size"]
    includes_pixel = True

    def select(self, galaxies: Tensor | slice) -> PixelPSF:
        """The same for some galaxies: indices, a mask or a slice."""
        return PixelPSF(self.image[galaxies])

    def turned(self, symmetry: Symmetry) -> PixelPSF:
        """The same in another orientation; its images must have a middle: an odd number of rows."""
        return PixelPSF(symmetry.of(self.image).contiguous())

    def transfer(self, grid: FrequencyGrid) -> Complex[Tensor, "galaxy height half_width"]:
        """The discrete Fourier transform of the image, at the frequencies of the grid."""
        size = self.image.shape[-1]
        offsets = torch.arange(size, dtype=self.image.dtype, device=self.image.device) - size // 2
        image = self.image / self.image.sum(dim=(1, 2), keepdim=True)
        rows = torch.exp(-1j * grid.ky * offsets)
        columns = torch.exp(-1j * grid.kx[:, :, None] * offsets)
        within = (grid.ky.abs() <= math.pi) & (grid.kx.abs() <= math.pi)
        transfer = torch.einsum("grs,rks->grk", rows @ image.to(rows.dtype), columns)
        return transfer * within
