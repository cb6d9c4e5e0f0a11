"""The frequencies at which light is summed: an FFT's grid, and closer ones around frequency zero.

An FFT's image is periodic, so wings that leave its grid fold back into the stamp. Only the lowest
frequencies hold wings, so windows around zero, each narrower than the last, part the spectrum
`1 = (1 - W_0) + (W_0 - W_1) + ... + W_last`. The FFT carries the first part, whose light stays near
its source; each further part is summed directly, over frequencies twice as closely spaced as those
of the part before, so that it folds at twice the distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

LEVELS = 3  # parts that are summed directly: the last folds 2^3 times as far out as the FFT
ORDER = 3  # the light of all parts but the last falls by distance^-6 more steeply than its source
REACH = 4.0  # from stamp to its next period, in widths of a window: e^-8 of its light folds
CUT = 4.2  # frequency times width beyond which a window is below 5e-4


@dataclass(frozen=True)
class FrequencyGrid:
    """Angular frequencies [radian / pixel] of a real image, of which those with kx >= 0 suffice."""

    ky: Float[Tensor, "height 1"]
    kx: Float[Tensor, "#height half_width"]

    @classmethod
    def of(cls, height: int, width: int, spacing: float, like: Tensor) -> FrequencyGrid:
        """The grid of the FFT of height x width samples, `spacing` pixels apart."""
        ky = torch.fft.fftfreq(height, spacing, dtype=like.dtype) * (2 * math.pi)
        kx = torch.fft.rfftfreq(width, spacing, dtype=like.dtype) * (2 * math.pi)
        ky, kx = ky.to(like.device), kx.to(like.device)
        return cls(ky[:, None], kx[None, :])

    @property
    def k(self) -> Float[Tensor, "height half_width"]:
        """The length of each frequency."""
        return (self.ky**2 + self.kx**2).sqrt()


@dataclass(frozen=True)
class Windows:
    """Windows around frequency zero, for stamps of `side` pixels and an FFT of `period` pixels."""

    side: float
    period: float

    def width(self, level: int) -> float:
        """Width [pixel] of a window's own image: light that it passes is smeared by so much."""
        return float(self.period * 2**level - self.side) / (REACH * math.sqrt(ORDER))

    def outside(self, k: Tensor, level: int) -> Tensor:
        """The share `1 - W` of each frequency; it grows from nought as k^(2 ORDER)."""
        return (-torch.expm1(-0.5 * (k * self.width(level)) ** 2)) ** ORDER

    def closer(self, like: Tensor) -> tuple[FrequencyGrid, Float[Tensor, "height half_width"]]:
        """The frequencies of all levels, one level below the other, and their weights."""
        reach = math.ceil(CUT / self.width(0) * self.period / math.pi)
        steps = torch.arange(-reach, reach + 1).to(like)
        spacing = (math.pi / self.period / 2.0 ** torch.arange(LEVELS).to(like))[:, None, None]
        ky, kx = spacing * steps[:, None], spacing * steps[reach:]
        k = (ky**2 + kx**2).sqrt()
        shares = [self.outside(part, level + 1) for level, part in enumerate(k[:-1])]
        shares.append(torch.ones_like(k[-1]))
        inner = [self.outside(part, level) for level, part in enumerate(k)]
        mirrored = torch.where(steps[reach:] > 0, 2.0, 1.0) * (spacing / (2 * math.pi)) ** 2
        weight = (torch.stack(shares) - torch.stack(inner)) * mirrored
        rows = kx.expand(-1, len(steps), -1)
        return FrequencyGrid(ky.flatten(0, 1), rows.flatten(0, 1)), weight.flatten(0, 1)


def direct_sum(
    spectrum: Complex[Tensor, "galaxy rows half_width"],
    grid: FrequencyGrid,
    shape: tuple[int, int],
) -> Float[Tensor, "galaxy height width"]:
    """Images of weighted spectra on the frequencies of `Windows.closer`, summed pixel by pixel."""
    y, x = (torch.arange(side).to(grid.ky) for side in shape)
    height, half_width = grid.kx.shape
    levels = spectrum.view(-1, LEVELS, height // LEVELS, half_width)
    along_x = torch.exp(1j * grid.kx[:: height // LEVELS, :, None] * x)
    columns = (levels @ along_x).flatten(1, 2)
    return torch.real(torch.exp(1j * y[:, None] * grid.ky[:, 0]) @ columns)
