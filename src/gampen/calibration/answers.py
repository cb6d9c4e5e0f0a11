"""What an estimator says of galaxies, with what is known of each without its truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gampen.parameters import ParameterSpace
from gampen.parameters.pairs import (
    back,
    framed_points,
    own_heading,
    turned_covariance,
    turned_mixture,
)
from gampen.probability.mixtures import GaussianMixture

OF_THE_IMAGE = 3  # features beside two of each parameter


@dataclass(frozen=True, eq=False)
class Answers:
    """An estimator's mixtures in unconstrained space, in pixels and sky sigmas.

    `epistemic` is the covariance of the mean over draws of the network, `crop_scale` the crop's
    side over the frame's, `psf_fwhm` [pixel] is NaN where unknown.
    """

    mixture: GaussianMixture
    epistemic: Float64[Tensor, "galaxy parameter parameter"]
    crop_scale: Float64[Tensor, " galaxy"]
    psf_fwhm: Float64[Tensor, " galaxy"]

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.mixture)

    def select(self, galaxies: Int[Tensor, " selected"]) -> Answers:
        """The answers for some galaxies, in the order given."""
        names = ("epistemic", "crop_scale", "psf_fwhm")
        chosen = {name: getattr(self, name)[galaxies] for name in names}
        return Answers(self.mixture.select(galaxies), **chosen)

    @classmethod
    def cat(cls, parts: Sequence[Answers]) -> Answers:
        """The galaxies of all parts, one after the other."""
        names = ("epistemic", "crop_scale", "psf_fwhm")
        joined = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        return cls(GaussianMixture.cat([part.mixture for part in parts]), **joined)

    def turned(self, space: ParameterSpace, heading: Float64[Tensor, "galaxy 2"]) -> Answers:
        """The answers with every pair of the space turned by its galaxy's heading."""
        mixture = turned_mixture(space, self.mixture, heading)
        epistemic = turned_covariance(space, self.epistemic, heading)
        return replace(self, mixture=mixture, epistemic=epistemic)

    @property
    def deviations(self) -> Float64[Tensor, "galaxy parameter"]:
        """The standard deviation of each parameter."""
        return self.mixture.covariance.diagonal(dim1=-2, dim2=-1).sqrt()

    @property
    def features(self) -> Float64[Tensor, "galaxy feature"]:
        """What calibration may depend on; NaN where unknown.

        Means and ln deviations of the parameters, ln of the crop's scale and of the PSF's width,
        and whether that is known. The signal-to-noise ratio, and how well a galaxy is resolved,
        follow from these, as ln flux [sky sigma] and ln radius [pixel] are among the means.
        """
        known = self.psf_fwhm.isfinite()
        image = (self.crop_scale.log(), self.psf_fwhm.log(), known.to(self.psf_fwhm.dtype))
        columns = torch.stack(image, dim=1)
        return torch.cat([self.mixture.mean, self.deviations.log(), columns], dim=1)

    def corrected(
        self,
        log_scale: Float[Tensor, "#galaxy parameter"],
        shift: Float[Tensor, "#galaxy parameter"],
    ) -> Answers:
        """The answers with each mixture drawn out about its mean m, and moved.

        A component's mean becomes m + D (mean - m) + b, its covariance D covariance D, with D the
        diagonal of exp(log_scale) and b `shift` in units of the mixture's own deviations.
        """
        mean, scale = self.mixture.mean, log_scale.exp()
        moved = self.mixture.affine(scale, mean + shift * self.deviations - scale * mean)
        epistemic = self.epistemic * scale[:, :, None] * scale[:, None, :]
        return replace(self, mixture=moved, epistemic=epistemic)


def in_own_frames(
    space: ParameterSpace, answers: Answers, change: Callable[[Answers], Answers]
) -> Answers:
    """What a change makes of answers that are told in frames which turn with their galaxies.

    So it does not depend on how the camera was held. Without pairs there is one frame for all.
    """
    if not space.pairs:
        return change(answers)
    heading = own_heading(space, answers.mixture)
    return change(answers.turned(space, back(heading))).turned(space, heading)


def told_in_own_frames(
    space: ParameterSpace, answers: Answers, points: Float64[Tensor, "galaxy parameter"]
) -> tuple[Answers, Float64[Tensor, "galaxy parameter"]]:
    """Answers and true points in frames that turn with the galaxies."""
    if not space.pairs:
        return answers, points
    heading = own_heading(space, answers.mixture)
    return answers.turned(space, back(heading)), framed_points(space, points, heading)
