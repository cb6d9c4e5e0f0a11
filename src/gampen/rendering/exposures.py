"""How a galaxy was seen: PSF, noise and bad pixels; and images in units of independent noise."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gampen.errors import UsageError
from gampen.rendering.noise import noise_variance
from gampen.rendering.psf import Composite, Moffat, PointSpreadFunction, Seeing

MOST_SOLVER_STEPS = 300
SOLVER_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Exposure:
    """What lies between each galaxy and its image, in frames of one size.

    Its noise is normal, of variance `sky_sigma^2 + light / gain`, correlated as by
    `gampen.rendering.noise.correlate` of the strength `correlation`. `psf_fwhm` [pixel], as it is
    told; `sky_sigma` [image units / pixel]; `gain` [electron / image unit]. A PSF narrower than 3
    pixels needs `oversampling=2`.
    """

    psf: PointSpreadFunction
    psf_fwhm: Float[Tensor, " galaxy"]
    sky_sigma: Float[Tensor, " galaxy"]
    gain: Float[Tensor, " galaxy"]
    correlation: Float[Tensor, " galaxy"]
    bad: Bool[Tensor, "galaxy height width"]
    oversampling: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frames [pixel]."""
        return self.bad.shape[1], self.bad.shape[2]

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.bad)

    def take(self, galaxies: Int[Tensor, " chosen"] | slice) -> Exposure:
        """The exposures of some galaxies, in any order and as often as asked for."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {name: v[galaxies] for name, v in values.items() if isinstance(v, Tensor)}
        return Exposure(**(values | chosen | {"psf": self.psf.select(galaxies)}))

    def variance(
        self, light: Float[Tensor, "galaxy height width"]
    ) -> Float[Tensor, "galaxy height width"]:
        """The variance of each pixel under this light."""
        return noise_variance(light, self.sky_sigma, self.gain)


def widened(psf: PointSpreadFunction, log_factor: Float[Tensor, " galaxy"]) -> PointSpreadFunction:
    """The PSF, wider by a factor; `UsageError` where it is an image, whose width is as it is."""
    if not isinstance(psf, Seeing | Composite):
        raise UsageError(
            f"an unsure PSF width needs a PSF of a family; got {type(psf).__name__}; "
            "set psf_error=0 in the priors"
        )
    return psf.scaled(log_factor.exp())


def slope_of(psf: PointSpreadFunction) -> Float[Tensor, " galaxy"] | None:
    """The slope of a Moffat, or of the first that a composite holds: its core; None without one."""
    if isinstance(psf, Composite):
        return next((part.beta for part in psf.parts if isinstance(part, Moffat)), None)
    return psf.beta if isinstance(psf, Moffat) else None


def sloped(psf: PointSpreadFunction, slope: Float[Tensor, " galaxy"]) -> PointSpreadFunction:
    """The PSF with this slope of its core; `UsageError` where it has none."""
    if isinstance(psf, Moffat):
        return replace(psf, beta=slope)
    if isinstance(psf, Composite) and slope_of(psf) is not None:
        core = next(part for part in psf.parts if isinstance(part, Moffat))
        bent = replace(core, beta=slope)
        return replace(psf, parts=tuple(bent if part is core else part for part in psf.parts))
    raise UsageError(
        f"an unsure PSF slope needs a Moffat PSF; got {type(psf).__name__}; "
        "leave psf_slope out of the priors"
    )


@dataclass(frozen=True)
class Whitening:
    """Makes the correlated noise of whole frames independent, exactly and up to their edges.

    Along each axis the noise's covariance is T = K K^t, with K the kernel as a matrix from the
    padded side to the side; the inverse of T's Cholesky factor whitens. Both axes in turn whiten
    the frame, whose covariance is the Kronecker product.
    """

    rows: Float[Tensor, "galaxy height height"]
    columns: Float[Tensor, "galaxy width width"]
    plain: bool

    @classmethod
    def of(cls, exposure: Exposure) -> Whitening:
        """The whitening of each galaxy's frame."""
        height, width = exposure.shape
        rows = _whitening(exposure.correlation, height)
        columns = rows if width == height else _whitening(exposure.correlation, width)
        return cls(rows, columns, plain=not bool(exposure.correlation.any()))

    def take(self, galaxies: Int[Tensor, " chosen"] | slice) -> Whitening:
        """The whitening of some galaxies, in any order and as often as asked for."""
        return Whitening(self.rows[galaxies], self.columns[galaxies], self.plain)

    def __call__(
        self,
        images: Float[Tensor, "galaxy image height width"],
        bad: Bool[Tensor, "galaxy height width"],
    ) -> Float[Tensor, "galaxy image height width"]:
        """Images over the deviation of each pixel, as numbers with independent unit noise.

        A bad pixel says nothing: it is given the value that the others' noise makes most probable,
        which is the same as leaving it out of the covariance.
        """
        images = images.masked_fill(bad[:, None], 0)
        if self.plain:
            return images
        if bool(bad.any()):
            images = images + self._most_probable(images, bad[:, None].to(images.dtype))
        return self._along_both(self.rows, self.columns, images)

    def _most_probable(
        self,
        images: Float[Tensor, "galaxy image height width"],
        bad: Float[Tensor, "galaxy 1 height width"],
    ) -> Float[Tensor, "galaxy image height width"]:
        """Values in bad pixels that make the whitened images least, by conjugate gradients."""
        rows, columns = (side.mT @ side for side in (self.rows, self.columns))
        rest = -bad * self._along_both(rows, columns, images)
        values, direction, size = torch.zeros_like(rest), rest, _square(rest)
        enough = SOLVER_TOLERANCE**2 * size
        for _ in range(MOST_SOLVER_STEPS):
            if bool((size <= enough).all()):
                break
            bent = bad * self._along_both(rows, columns, direction)
            step = size / (direction * bent).sum(dim=(-2, -1), keepdim=True).clamp(min=1e-30)
            values, rest = values + step * direction, rest - step * bent
            direction = rest + _square(rest) / size.clamp(min=1e-30) * direction
            size = _square(rest)
        return values

    @staticmethod
    def _along_both(rows: Tensor, columns: Tensor, images: Tensor) -> Tensor:
        along_x: Tensor = images @ columns[:, None].mT
        return rows[:, None] @ along_x


def _square(images: Float[Tensor, "galaxy image height width"]) -> Tensor:
    return images.square().sum(dim=(-2, -1), keepdim=True)


def _whitening(strength: Float[Tensor, " galaxy"], side: int) -> Float[Tensor, "galaxy side side"]:
    """The inverse of the lower Cholesky factor of the noise's covariance along an axis."""
    a = strength.to(torch.float64)[:, None, None]
    place = torch.arange(side + 2, device=strength.device)
    apart = place[None, :] - place[:side, None]  # the kernel spans 0, 1 and 2
    kernel = ((apart == 1) + a * ((apart == 0) | (apart == 2))) / (1 + 2 * a.square()).sqrt()
    factor = torch.linalg.cholesky(kernel @ kernel.mT)
    one = torch.eye(side, dtype=torch.float64, device=strength.device)
    inverse: Tensor = torch.linalg.solve_triangular(factor, one, upper=False)
    return inverse.to(strength.dtype)
