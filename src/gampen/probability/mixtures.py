"""Gaussian mixtures, one per galaxy: what the network returns and what a posterior holds.

A component is kept as the lower Cholesky factor L of its precision, P = L L^T. Densities, draws,
marginals and conditionals then need a triangular product, a triangular solve or an orthogonal
rotation, and never the inverse or the determinant of a matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of Gaussians in parameter space for every galaxy.

    `log_weights` are normalised over components; `precision_cholesky` is lower triangular with a
    positive diagonal. Any floating dtype; every method is differentiable and keeps the dtype.
    """

    log_weights: Float[Tensor, "*pass galaxy component"]
    means: Float[Tensor, "*pass galaxy component parameter"]
    precision_cholesky: Float[Tensor, "*pass galaxy component parameter parameter"]

    @classmethod
    def from_covariances(
        cls,
        weights: Float[Tensor, "galaxy component"],
        means: Float[Tensor, "galaxy component parameter"],
        covariances: Float[Tensor, "galaxy component parameter parameter"],
    ) -> GaussianMixture:
        """The mixture with these weights (any positive scale), means and covariances."""
        log_weights = torch.log_softmax(weights.log(), dim=-1)
        # Flipping the axes before and after turns the lower factor into the upper one, which is the
        # inverse transpose of the precision's lower factor.
        upper = torch.linalg.cholesky(covariances.flip(-1, -2)).flip(-1, -2)
        return cls(log_weights, means, _triangular_inverse(upper, upper=True).mT)

    @classmethod
    def cat(cls, mixtures: Sequence[GaussianMixture]) -> GaussianMixture:
        """The galaxies of several mixtures, one after the other."""
        return cls(
            torch.cat([mixture.log_weights for mixture in mixtures]),
            torch.cat([mixture.means for mixture in mixtures]),
            torch.cat([mixture.precision_cholesky for mixture in mixtures]),
        )

    @classmethod
    def stack(cls, mixtures: Sequence[GaussianMixture]) -> GaussianMixture:
        """Several mixtures of the same galaxies, as passes."""
        return cls(
            torch.stack([mixture.log_weights for mixture in mixtures]),
            torch.stack([mixture.means for mixture in mixtures]),
            torch.stack([mixture.precision_cholesky for mixture in mixtures]),
        )

    def __len__(self) -> int:
        """The number of galaxies."""
        return self.log_weights.shape[-2]

    @property
    def components(self) -> int:
        """The number of components."""
        return self.log_weights.shape[-1]

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return self.means.shape[-1]

    @property
    def covariance_factors(self) -> Float[Tensor, "*pass galaxy component parameter parameter"]:
        """The upper triangular U of each component, whose covariance is U U^T."""
        return _triangular_inverse(self.precision_cholesky, upper=False).mT

    @property
    def covariances(self) -> Float[Tensor, "*pass galaxy component parameter parameter"]:
        """The covariance of each component."""
        factors = self.covariance_factors
        return factors @ factors.mT

    @property
    def mean(self) -> Float[Tensor, "*pass galaxy parameter"]:
        """The mean of the whole mixture."""
        return (self.log_weights.exp().unsqueeze(-1) * self.means).sum(dim=-2)

    @property
    def covariance(self) -> Float[Tensor, "*pass galaxy parameter parameter"]:
        """The covariance of the whole mixture: within the components and between them."""
        offsets = self.means - self.mean.unsqueeze(-2)
        second = self.covariances + offsets.unsqueeze(-1) * offsets.unsqueeze(-2)
        return (self.log_weights.exp()[..., None, None] * second).sum(dim=-3)

    def component_log_prob(
        self, points: Float[Tensor, "*draw galaxy parameter"]
    ) -> Float[Tensor, "*draw galaxy component"]:
        """Log of each component's density at the points, without its weight."""
        offsets = points.unsqueeze(-2) - self.means
        # A product and a sum: faster than a batch of products of matrices as small as these.
        whitened = (offsets.unsqueeze(-1) * self.precision_cholesky).sum(dim=-2)
        log_diagonal = self.precision_cholesky.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        constant = 0.5 * self.parameters * math.log(2 * math.pi)
        return log_diagonal - constant - 0.5 * whitened.square().sum(dim=-1)

    def log_prob(
        self, points: Float[Tensor, "*draw galaxy parameter"]
    ) -> Float[Tensor, "*draw galaxy"]:
        """Log of the density at one point per galaxy, or at any number of them (leading axes)."""
        return torch.logsumexp(self.log_weights + self.component_log_prob(points), dim=-1)

    def sample(
        self, draws: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "draw galaxy parameter"]:
        """Independent draws from the mixture of each galaxy."""
        shape, like = (draws, len(self)), self.means
        uniform = torch.rand(shape, generator=generator, dtype=like.dtype, device=like.device)
        noise = torch.randn(
            (*shape, self.parameters), generator=generator, dtype=like.dtype, device=like.device
        )
        return self.drawn(uniform, noise)

    def drawn(
        self,
        uniform: Float[Tensor, "draw galaxy"],
        noise: Float[Tensor, "draw galaxy parameter"],
    ) -> Float[Tensor, "draw galaxy parameter"]:
        """The draws that uniform numbers, which choose components, and normal ones lead to."""
        edges = self.log_weights.exp().cumsum(dim=-1)[..., :-1]
        component = (uniform.unsqueeze(-1) > edges).sum(dim=-1)
        galaxy = torch.arange(len(self), device=self.means.device)
        factors = self.covariance_factors[galaxy, component]
        return self.means[galaxy, component] + (factors @ noise.unsqueeze(-1)).squeeze(-1)

    def affine(
        self,
        slope: Float[Tensor, "#galaxy parameter"],
        offset: Float[Tensor, "#galaxy parameter"],
    ) -> GaussianMixture:
        """The mixture of `slope * point + offset`, parameter by parameter; slopes are not zero."""
        slope, offset = slope.unsqueeze(-2), offset.unsqueeze(-2)
        means = slope * self.means + offset
        # A column may change its sign freely, which keeps the diagonal positive for slopes below 0.
        factors = self.precision_cholesky / slope.unsqueeze(-1) * slope.sign().unsqueeze(-2)
        return GaussianMixture(self.log_weights, means, factors)

    def turned(self, place: int, heading: Float[Tensor, "galaxy 2"]) -> GaussianMixture:
        """The mixture with the parameters at `place` and behind it turned in their plane.

        `heading`: cosine and sine of each galaxy's angle. The turned rows of L have one number
        above the diagonal, which a rotation of two columns takes away: L L^T keeps its digits.
        """
        heading = heading / torch.linalg.vector_norm(heading, dim=-1, keepdim=True)
        cosine, sine = (part[:, None] for part in heading.unbind(-1))
        means = _rotated(self.means, place, cosine, sine)
        factors = _rotated(self.precision_cholesky.mT, place, cosine[..., None], sine[..., None]).mT
        kept, above = factors[..., place, place], factors[..., place, place + 1]
        length = torch.hypot(kept, above)
        along, athwart = (part / length for part in (kept, -above))
        factors = _rotated(factors, place, along[..., None], athwart[..., None]).tril()
        return GaussianMixture(self.log_weights, means, factors)

    def reorder(self, indices: Sequence[int]) -> GaussianMixture:
        """The same mixture with its parameters in another order; `indices` is a permutation."""
        order = list(indices)
        if order == sorted(order):
            return self
        # The rows of L in a new order are no longer triangular; a rotation of the columns, which
        # leaves L L^T alone, makes them so again.
        upper = torch.linalg.qr(self.precision_cholesky[..., order, :].mT, mode="r")[1]
        sign = torch.where(upper.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).to(upper.dtype)
        factors = (upper * sign.unsqueeze(-1)).mT
        return GaussianMixture(self.log_weights, self.means[..., order], factors)

    def marginal(self, indices: Sequence[int]) -> GaussianMixture:
        """The mixture of some parameters, in the order given, whatever the others are."""
        others, kept = self._others(indices), len(indices)
        ordered = self.reorder([*others, *indices])
        # With the others first, the last block of L is the factor of their Schur complement.
        factors = ordered.precision_cholesky[..., -kept:, -kept:]
        return GaussianMixture(self.log_weights, ordered.means[..., -kept:], factors)

    def condition(
        self, indices: Sequence[int], values: Float[Tensor, "galaxy given"]
    ) -> GaussianMixture:
        """The mixture of the remaining parameters, given the values of those at `indices`."""
        others = self._others(indices)
        ordered, free = self.reorder([*others, *indices]), len(others)
        factors = ordered.precision_cholesky
        leading, crossing = factors[..., :free, :free], factors[..., free:, :free]
        offsets = (values.unsqueeze(-2) - ordered.means[..., free:]).unsqueeze(-1)
        shift = torch.linalg.solve_triangular(leading.mT, crossing.mT @ offsets, upper=True)
        evidence = self.marginal(indices).component_log_prob(values)
        return GaussianMixture(
            torch.log_softmax(self.log_weights + evidence, dim=-1),
            ordered.means[..., :free] - shift.squeeze(-1),
            leading,
        )

    def select(self, galaxies: slice | Int[Tensor, " selected"] | Sequence[int]) -> GaussianMixture:
        """The mixtures of some galaxies, in the order given."""
        return GaussianMixture(
            self.log_weights[galaxies], self.means[galaxies], self.precision_cholesky[galaxies]
        )

    def to(self, target: torch.dtype | torch.device) -> GaussianMixture:
        """The same mixture in another dtype or on another device."""
        return GaussianMixture(
            self.log_weights.to(target), self.means.to(target), self.precision_cholesky.to(target)
        )

    def _others(self, indices: Sequence[int]) -> list[int]:
        """The parameters that `indices` does not name."""
        return [index for index in range(self.parameters) if index not in indices]


def collapse(
    passes: GaussianMixture,
) -> tuple[GaussianMixture, Float[Tensor, "galaxy parameter parameter"]]:
    """One mixture per galaxy that stands for a stack of them, and its epistemic covariance.

    Every tensor of `passes` has a leading axis of network draws (dropout masks, members, views),
    all equally probable. Component k is merged over the draws by matching its moments, so the mean
    and the covariance of the stack are kept exactly; the epistemic covariance is the covariance,
    over the draws, of each draw's mean (the law of total variance).
    """
    exact = passes.to(torch.float64)
    draws = exact.log_weights.shape[0]
    share = torch.softmax(exact.log_weights, dim=0)
    means = (share.unsqueeze(-1) * exact.means).sum(dim=0)
    offsets = exact.means - means
    second = exact.covariances + offsets.unsqueeze(-1) * offsets.unsqueeze(-2)
    covariances = (share[..., None, None] * second).sum(dim=0)
    weights = (torch.logsumexp(exact.log_weights, dim=0) - math.log(draws)).exp()
    scatter = exact.mean - exact.mean.mean(dim=0)
    epistemic = torch.einsum("dgp,dgq->gpq", scatter, scatter) / draws
    merged = GaussianMixture.from_covariances(weights, means, covariances)
    return merged.to(passes.means.dtype), epistemic.to(passes.means.dtype)


def _rotated(values: Tensor, place: int, cosine: Tensor, sine: Tensor) -> Tensor:
    """Values whose last axis is rotated in the plane of two neighbours."""
    before, first, second, after = values.tensor_split([place, place + 1, place + 2], dim=-1)
    cosine, sine = cosine[..., None], sine[..., None]
    turned = (cosine * first - sine * second, sine * first + cosine * second)
    return torch.cat([before, *turned, after], dim=-1)


def _triangular_inverse(
    factor: Float[Tensor, "*any parameter parameter"], *, upper: bool
) -> Float[Tensor, "*any parameter parameter"]:
    """The inverse of a triangular factor, by substitution."""
    identity = torch.eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
    inverse: Tensor = torch.linalg.solve_triangular(factor, identity.expand_as(factor), upper=upper)
    return inverse
