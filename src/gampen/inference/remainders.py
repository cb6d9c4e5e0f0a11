"""What a fitted model leaves over, and whether noise can account for it.

Remainders are smoothed to the scale of the PSF, below which no light can vary, and held against
what the noise's measured texture, the photons' and the fit itself let one expect of each smoothed
pixel. The gain is read from what the smoothing takes away, which a wrong model hardly touches. So
the ratio is about one for a galaxy that is as supposed, however its noise is correlated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from gampen.inference.beliefs import FWHM_TO_SIGMA, PLACE, Beliefs, filled, opposite
from gampen.inference.fitting import Look, Normal
from gampen.inference.windows import Windows
from gampen.rendering.coordinates import TARGETS

ALLOWANCE = 0.005  # of the light: PSFs are no Moffats, and steps are few
LEAST_FWHM = 1.5  # [window pixel] of the smoothing
GAINS = torch.logspace(0.5, 3, 26, dtype=torch.float64)  # [electron / sky sigma]
OUTLIER = 9.0  # squared deviations that count towards the gain, at the most
NEIGHBOUR_SIGMA, NEIGHBOUR_SHARE = 4.0, 0.2  # by which a pixel may exceed its opposite
CORE = 0.75  # [FWHM] around the centre, in which nothing is taken for a neighbour
APERTURE_RADII = 2.0
LEAST_LEFT = 0.05  # of its noise that a fit leaves in a pixel


@dataclass(frozen=True)
class Smoothing:
    """Gaussian smoothing of each window to its PSF's width, and what it makes of the noise."""

    matrix: Float[Tensor, "galaxy side side"]
    texture: Float64[Tensor, "galaxy 3"]

    @classmethod
    def of(cls, windows: Windows, fwhm: Float64[Tensor, " galaxy"]) -> Smoothing:
        """The smoothing by PSFs of this FWHM [window pixel]."""
        place = torch.arange(windows.images.shape[-1], dtype=torch.float64)
        apart = (place[:, None] - place[None, :])[None]
        width = (fwhm.clamp(min=LEAST_FWHM) * FWHM_TO_SIGMA)[:, None, None]
        kernel = (-0.5 * (apart / width).square()).exp()
        middle = kernel[:, kernel.shape[1] // 2].sum(dim=1)
        return cls((kernel / middle[:, None, None]).float(), windows.texture)

    def __call__(
        self, images: Float[Tensor, "galaxy *image side side"]
    ) -> Float[Tensor, "galaxy *image side side"]:
        """The images, smoothed."""
        return _along_both(self.matrix, images)

    def variance(
        self, variance: Float[Tensor, "galaxy side side"]
    ) -> Float[Tensor, "galaxy side side"]:
        """The variance of smoothed noise, that had this variance but for its texture."""
        square = self.matrix.square()
        row = square[:, square.shape[1] // 2].sum(dim=1).double()
        share = (self.correlation[:, 0] / row).square().float()
        return share[:, None, None] * _along_both(square, variance)

    @cached_property
    def correlation(self) -> Float64[Tensor, "galaxy lag"]:
        """The autocovariance of smoothed noise along an axis, at all lags of the window."""
        row = self.matrix[:, self.matrix.shape[1] // 2].double()
        spectrum = torch.fft.rfft(row, 4 * row.shape[1]).abs().square()
        own = torch.fft.irfft(spectrum, 4 * row.shape[1])
        near = [own.roll(lag, 1) + own.roll(-lag, 1) for lag in (1, 2)]
        level, first, second = self.texture[..., None].unbind(1)
        whole: Tensor = level * own + first * near[0] + second * near[1]
        return whole[:, : row.shape[1]]

    @property
    def resolution(self) -> Float64[Tensor, " galaxy"]:
        """How many smoothed pixels tell as much as one independent number."""
        shares = (self.correlation / self.correlation[:, :1]).square()
        along: Tensor = 2 * shares.sum(dim=1) - 1
        return along.square()

    @property
    def rest(self) -> Float64[Tensor, " galaxy"]:
        """The variance of what smoothing takes away, in units of the noise's."""
        row = self.matrix[:, self.matrix.shape[1] // 2].double()
        middle = row.shape[1] // 2
        first = row[:, middle - 1] + row[:, middle + 1]
        second = row[:, middle - 2] + row[:, middle + 2]
        level, near, far = self.texture.unbind(1)
        with_itself = row[:, middle] * level + first * near + second * far
        smoothed = self.correlation[:, 0]
        return (level.square() - 2 * with_itself.square() + smoothed.square()).clamp(min=1e-3)


def _along_both(matrix: Tensor, images: Tensor) -> Tensor:
    matrix = matrix.view(len(matrix), *[1] * (images.dim() - 3), *matrix.shape[1:])
    both: Tensor = matrix @ images @ matrix.mT
    return both


def aperture(
    windows: Windows, look: Look, radii: float = APERTURE_RADII
) -> Bool[Tensor, "galaxy side side"]:
    """The pixels within some half-light radii and one FWHM of the fitted centre."""
    radius = look.points[:, PLACE["effective_radius"]].exp()
    return (
        _distance(look, windows.images.shape[-1])
        <= (radii * radius + fwhm(windows, look))[:, None, None]
    )


def fwhm(windows: Windows, look: Look) -> Float64[Tensor, " galaxy"]:
    """The fitted FWHM of each PSF [window pixel]."""
    return windows.psf_fwhm * look.points[:, PLACE["psf_fwhm"]].exp()


def _distance(look: Look, side: int) -> Float64[Tensor, "galaxy side side"]:
    place = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    x = place[None, :] - look.points[:, PLACE["x"], None]
    y = place[None, :] - look.points[:, PLACE["y"], None]
    return torch.hypot(x[:, None, :], y[:, :, None])


def neighbours(
    windows: Windows, look: Look, smoothing: Smoothing, variance: Float[Tensor, "galaxy side side"]
) -> Bool[Tensor, "galaxy side side"]:
    """The pixels that are much brighter than both the model and the pixel across the centre."""
    centre = look.points[:, [PLACE["x"], PLACE["y"]]]
    light = smoothing(filled(windows, centre))
    across, model = opposite(light, centre), smoothing(look.image)
    expected = torch.maximum(across.nan_to_num(-torch.inf), model)
    noise = (2 * smoothing.variance(variance)).sqrt()
    core = _distance(look, light.shape[-1]) < (CORE * fwhm(windows, look))[:, None, None]
    found = light - expected > NEIGHBOUR_SIGMA * noise + NEIGHBOUR_SHARE * expected.abs()
    found = (found & ~core).float()
    return (torch.nn.functional.max_pool2d(found, 3, 1, 1) > 0) & ~core


def fitted_gain(
    windows: Windows,
    look: Look,
    smoothing: Smoothing,
    used: Bool[Tensor, "galaxy side side"],
) -> Float64[Tensor, " galaxy"]:
    """The most probable gain [electron / unit] of each image, among a few."""
    left = (windows.images - look.image).masked_fill(~used, 0)
    fine = (left - smoothing(left)).double().square() / smoothing.rest[:, None, None]
    light = look.light.clamp(min=0).double()
    scores = []
    for gain in GAINS.tolist():
        variance = 1 + light / (gain * windows.binning[:, None, None])
        terms = (fine / variance).clamp(max=OUTLIER) + variance.log()
        scores.append(terms.masked_fill(~used, 0).sum(dim=(1, 2)))
    return GAINS[torch.stack(scores).argmin(dim=0)] * windows.binning


@dataclass(frozen=True)
class Remainder:
    """What is left over near each galaxy, beside what noise lets one expect.

    `chi_square`: its ratio; `degrees`: how many independent numbers went into it.
    """

    chi_square: Float64[Tensor, " galaxy"]
    degrees: Float64[Tensor, " galaxy"]

    @classmethod
    def of(
        cls,
        windows: Windows,
        look: Look,
        smoothing: Smoothing,
        noise: Noise,
        beliefs: Beliefs,
    ) -> Remainder:
        """The remainder of a fit."""
        used = noise.used & aperture(windows, look)
        left = smoothing((windows.images - look.image).masked_fill(~noise.used, 0))
        expected = smoothing.variance(noise.variance.masked_fill(~noise.used, 0))
        allowed = (ALLOWANCE * smoothing(look.light)).square()
        fitted = _fitted_away(look, smoothing, noise, beliefs)
        scale = (expected + allowed).clamp(min=1e-30)
        share = (torch.maximum(expected - fitted, LEAST_LEFT * expected) + allowed) / scale
        shares = share.masked_fill(~used, 0).double().sum(dim=(1, 2))
        found = (left.square() / scale).masked_fill(~used, 0).double().sum(dim=(1, 2))
        return cls(found / shares, (shares / smoothing.resolution).clamp(min=1))

    @property
    def surprise(self) -> Float64[Tensor, " galaxy"]:
        """The ratio as a normal deviate (Wilson & Hilferty 1931, doi:10.1073/pnas.17.12.684)."""
        spread = 2 / (9 * self.degrees)
        return (self.chi_square.pow(1 / 3) - (1 - spread)) / spread.sqrt()


@dataclass(frozen=True)
class Noise:
    """The variance of each pixel [unit^2] but for the texture, and the pixels that are used."""

    variance: Float[Tensor, "galaxy side side"]
    light: Float[Tensor, "galaxy side side"]
    used: Bool[Tensor, "galaxy side side"]
    texture: Float64[Tensor, "galaxy 3"]

    @property
    def weight(self) -> Float[Tensor, "galaxy side side"]:
        """The inverse variance of what is as broad as a galaxy; nought where not used."""
        level, near, far = self.texture.unbind(1)
        broad = (level + 2 * near + 2 * far).square().float()[:, None, None]
        model = (ALLOWANCE * self.light).square()
        return (1 / (broad * self.variance + model)).masked_fill(~self.used, 0)


def width_surprise(
    windows: Windows, look: Look, noise: Noise, beliefs: Beliefs
) -> Float64[Tensor, " galaxy"]:
    """What the image alone says of the PSF's width beside what is believed, as a normal deviate.

    To first order: the belief's pull is taken off the fitted width.
    """
    place = PLACE["psf_fwhm"]
    precision = beliefs.precision[:, place, place]
    curvature = Normal.of(look, windows, noise.weight, beliefs).curvature
    scale = curvature.diagonal(dim1=1, dim2=2).rsqrt()
    scaled = curvature * scale[:, :, None] * scale[:, None, :]
    inverse, _ = torch.linalg.inv_ex(scaled)
    fitted = inverse[:, place, place] * scale[:, place].square()
    told = (1 / fitted - precision).clamp(min=1e-6)
    found: Tensor = look.points[:, place] * precision * (1 / told + 1 / precision).sqrt()
    return found


def _fitted_away(
    look: Look, smoothing: Smoothing, noise: Noise, beliefs: Beliefs
) -> Float[Tensor, "galaxy side side"]:
    """The variance that the fit takes out of each smoothed pixel, to first order.

    The targets' own beliefs came from the same image, so they are not counted against it.
    """
    rows = (look.slopes * noise.weight.sqrt()[:, None]).flatten(2).double()
    prior = beliefs.precision.clone()
    prior[:, :TARGETS, :TARGETS] = 1e-4 * torch.eye(TARGETS, dtype=torch.float64)
    scale = prior.diagonal(dim1=1, dim2=2).rsqrt()
    scaled = (rows @ rows.mT + prior) * scale[:, :, None] * scale[:, None, :]
    factor, _ = torch.linalg.cholesky_ex(scaled)
    smooth = smoothing(look.slopes.masked_fill(~noise.used[:, None], 0))
    onto = smooth.flatten(2).double() * scale[..., None]
    part = torch.linalg.solve_triangular(factor, onto, upper=False)
    taken: Tensor = part.square().sum(dim=1).view_as(look.light)
    return taken.float()
