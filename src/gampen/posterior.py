"""The joint posterior of every galaxy's parameters, and all that can be said from it.

One Gaussian mixture a galaxy in unconstrained space, seen through the parameters' bijections.
Values are in the parameters' own units [arcsec, image units]; every result is a float64 tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Shaped
from torch import Tensor

from gampen.catalog import Catalog, Column
from gampen.ellipses import Ellipse
from gampen.errors import UsageError
from gampen.parameters import ParameterSpace
from gampen.photometry import magnitude_marginal, magnitudes, nanojansky_marginal, nanojanskys
from gampen.prior import Prior
from gampen.probability.joint import (
    conditional_epistemic,
    joint_level,
    moved_epistemic,
    value_covariance,
)
from gampen.probability.marginals import Marginal
from gampen.probability.mixtures import GaussianMixture
from gampen.probability.statistics import Statistics
from gampen.probability.tilting import Tilted, tilt
from gampen.storage.packing import described, description, pack, unpack
from gampen.storage.tables import read_catalog, write_catalog


@dataclass(frozen=True, repr=False)
class Posterior(Statistics):
    """The posterior of every galaxy.

    `mixture` lies in the unconstrained space of physical units; `epistemic` is the covariance of
    its mean over draws of the network; `zero_points` are the AB magnitudes of one image unit, NaN
    where unknown; `prior` is the one that the estimator was trained on.
    """

    space: ParameterSpace
    mixture: GaussianMixture
    epistemic: Float[Tensor, "galaxy parameter parameter"]
    object_ids: Shaped[np.ndarray, " galaxy"]
    zero_points: Float[Tensor, " galaxy"]
    prior: Prior = field(default_factory=Prior)

    def __post_init__(self) -> None:
        """Keep everything in double precision; refuse parts that do not fit together."""
        for part in ("mixture", "epistemic", "zero_points"):
            object.__setattr__(self, part, getattr(self, part).to(torch.float64))
        lengths = {len(self.epistemic), len(self.object_ids), len(self.zero_points)}
        if lengths != {len(self.mixture)} or len(self.space) != self.mixture.parameters:
            raise UsageError(
                "a posterior's parts must be of the same galaxies and parameters; got mixtures of "
                f"{len(self.mixture)} galaxies and {self.mixture.parameters} parameters for "
                f"{len(self.object_ids)} ids and the parameters {', '.join(self.space.names)}"
            )

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.mixture)

    def __getitem__(self, name: str) -> Marginal:
        """The marginal of one parameter; `UsageError` if there is none of that name."""
        return self.marginals[self.space.index(name)]

    @cached_property
    def marginals(self) -> tuple[Marginal, ...]:
        """The marginal of each parameter, in order."""
        return tuple(
            Marginal.of(self.mixture.marginal([index]), parameter.bijection)
            for index, parameter in enumerate(self.space)
        )

    @classmethod
    def cat(cls, posteriors: Sequence[Posterior]) -> Posterior:
        """The galaxies of all posteriors of one estimator, one after the other."""
        mixture = GaussianMixture.cat([posterior.mixture for posterior in posteriors])
        epistemic = torch.cat([posterior.epistemic for posterior in posteriors])
        ids = np.concatenate([posterior.object_ids for posterior in posteriors])
        zero_points = torch.cat([posterior.zero_points for posterior in posteriors])
        return cls(posteriors[0].space, mixture, epistemic, ids, zero_points, posteriors[0].prior)

    def select(
        self,
        galaxies: slice | Sequence[int] | Int[Tensor, " selected"] | Bool[Tensor, " galaxy"],
    ) -> Posterior:
        """The posterior of some galaxies: a slice, indices in any order, or a mask."""
        rows = torch.arange(len(self))[galaxies]
        ids, zero_points = self.object_ids[rows.numpy()], self.zero_points[rows]
        mixture, epistemic = self.mixture.select(rows), self.epistemic[rows]
        return Posterior(self.space, mixture, epistemic, ids, zero_points, self.prior)

    # The joint distribution.

    def sample(self, draws: int, seed: int) -> Float[Tensor, "draw galaxy parameter"]:
        """Independent draws of the values; the same seed gives the same draws."""
        generator = torch.Generator().manual_seed(seed)
        return self.space.constrain(self.mixture.sample(draws, generator))

    def draws(self, draws: int, seed: int) -> dict[str, Float[Tensor, "draw galaxy"]]:
        """The draws of `sample` by name, with magnitude and flux_njy if a zero point is known."""
        values = dict(zip(self.space.names, self.sample(draws, seed).unbind(-1), strict=True))
        if self.has_photometry:
            values["magnitude"] = magnitudes(values["flux"], self.zero_points)
            values["flux_njy"] = nanojanskys(values["flux"], self.zero_points)
        return values

    def log_prob(
        self, values: Float[Tensor, "*draw galaxy parameter"]
    ) -> Float[Tensor, "*draw galaxy"]:
        """ln of the joint density at physical values; minus infinity on and outside the bounds."""
        points = self.space.unconstrain(values.to(torch.float64))
        density = self.mixture.log_prob(points) - self.space.log_slope(points)
        outside = ~points.isfinite().all(dim=-1) & ~values.isnan().any(dim=-1)
        return density.masked_fill(outside, -torch.inf)

    def hpd_level(
        self, values: Float[Tensor, "galaxy parameter"], draws: int = 2000, seed: int = 0
    ) -> Float[Tensor, " galaxy"]:
        """The level of the joint highest-density region whose edge passes through the values.

        The density is that of unconstrained space. Exact for one component, else from seeded draws
        with the standard error `sqrt(level (1 - level) / draws)`. Uniform over true values.
        """
        points = self.space.unconstrain(values.to(torch.float64))
        return joint_level(self.mixture, points, draws, torch.Generator().manual_seed(seed))

    @cached_property
    def covariance(self) -> Float[Tensor, "galaxy parameter parameter"]:
        """The covariance of the values."""
        return value_covariance(self.mixture, [parameter.bijection for parameter in self.space])

    @property
    def correlation(self) -> Float[Tensor, "galaxy parameter parameter"]:
        """The correlation of the values."""
        deviations = self.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
        return self.covariance / (deviations[..., None] * deviations[..., None, :])

    def marginal(self, *names: str) -> Posterior:
        """The posterior of some parameters, in the order given, whatever the others are."""
        chosen = [self.space.index(name) for name in names]
        epistemic = self.epistemic[:, chosen][..., chosen]
        return self._of(names, self.mixture.marginal(chosen), epistemic)

    def condition(self, **values: float | Float[Tensor, " galaxy"]) -> Posterior:
        """The posterior of the others, given one value of some, or one for each galaxy.

        The epistemic covariance is carried over to first order.
        """
        given = [self.space.index(name) for name in values]
        names = [name for name in self.space.names if name not in values]
        if not given or not names:
            raise UsageError(f"a condition must give some parameters and leave some; got {given}")
        columns = [torch.as_tensor(value, dtype=torch.float64) for value in values.values()]
        physical = torch.stack([column.expand(len(self)) for column in columns], dim=-1)
        points = self.space.select(list(values)).unconstrain(physical)
        if not bool(points.isfinite().all()):
            raise UsageError("given values must lie strictly within the bounds of their parameter")
        epistemic = conditional_epistemic(self.epistemic, self.mixture.covariance, given)
        return self._of(names, self.mixture.condition(given, points), epistemic)

    def probability(
        self,
        name: str,
        above: float | Float[Tensor, " galaxy"] | None = None,
        below: float | Float[Tensor, " galaxy"] | None = None,
    ) -> Float[Tensor, " galaxy"]:
        """The probability that a parameter lies above a bound, below one, or between the two."""
        return self[name].probability(above, below)

    def reweight(self, prior: Prior, draws: int = 1024, seed: int = 0) -> Posterior:
        """The posterior under another prior of some of the parameters.

        Those that it does not name keep theirs. The more the two priors differ where the posterior
        lies, the fewer draws are worth anything: `worth` says what share of them is.
        """
        laws = {**self.prior.laws, **prior.laws}
        found = self._tilt(prior, draws, seed)
        return replace(
            self,
            mixture=found.mixture,
            epistemic=moved_epistemic(self.epistemic, self.mixture, found.mixture),
            prior=Prior(laws),
        )

    def worth(self, prior: Prior, draws: int = 1024, seed: int = 0) -> Float[Tensor, " galaxy"]:
        """The share of draws that `reweight` can count on for each galaxy, from 0 to 1."""
        return self._tilt(prior, draws, seed).effective

    def _tilt(self, prior: Prior, draws: int, seed: int) -> Tilted:
        """The mixture times the ratio of a prior to the posterior's own."""
        ratio = prior.over(self.prior)
        return tilt(self.mixture, lambda points: ratio(self.named(points)), draws, seed)

    def named(self, points: Float[Tensor, "*any parameter"]) -> dict[str, Float[Tensor, " *any"]]:
        """The values at unconstrained points, by name."""
        return dict(zip(self.space.names, self.space.constrain(points).unbind(-1), strict=True))

    # What the network does not know, and what no network could: in unconstrained space.

    @property
    def epistemic_covariance(self) -> Float[Tensor, "galaxy parameter parameter"]:
        """`epistemic`."""
        return self.epistemic

    @property
    def aleatoric_covariance(self) -> Float[Tensor, "galaxy parameter parameter"]:
        """The rest of the mixture's covariance: the mean covariance over draws of the network."""
        return self.mixture.covariance - self.epistemic

    @property
    def epistemic_fraction(self) -> Float[Tensor, "galaxy parameter"]:
        """The share of each parameter's variance that is epistemic."""
        shares = self.epistemic / self.mixture.covariance
        return shares.diagonal(dim1=-2, dim2=-1)

    # Photometry, from the parameter named `flux`.

    @property
    def has_photometry(self) -> bool:
        """Whether there is a flux and at least one known zero point."""
        return "flux" in self.space.names and bool(self.zero_points.isfinite().any())

    def magnitude(self) -> Marginal:
        """The marginal of the AB magnitude, NaN where the zero point is unknown."""
        return magnitude_marginal(self["flux"], self.zero_points)

    def flux_njy(self) -> Marginal:
        """The marginal of the flux [nJy], NaN where the zero point is unknown."""
        return nanojansky_marginal(self["flux"], self.zero_points)

    def ellipse(self, stem: str = "") -> Ellipse:
        """Axis ratio and position angle of a pair: of `disk_elongation_1` and 2 that is `disk_`."""
        return Ellipse.of(self.space, self.mixture, stem)

    # Storage, as a column of a catalogue.

    @property
    def metadata(self) -> dict[str, str]:
        """What a catalogue's metadata must say, so that `from_catalog` can read it."""
        return description(self.space, self.mixture.components, self.prior)

    def pack(self) -> Float32[Tensor, "galaxy width"]:
        """The mixtures and epistemic covariances, one row a galaxy; `metadata` describes them."""
        return pack(self.mixture, self.epistemic)

    @classmethod
    def unpack(
        cls,
        packed: Float[Tensor, "galaxy width"],
        metadata: Mapping[str, str],
        object_ids: Shaped[np.ndarray, " galaxy"],
        zero_points: Float[Tensor, " galaxy"],
    ) -> Posterior:
        """The posterior that `pack` and `metadata` wrote; `UsageError` if they do not fit."""
        space, components, prior = described(metadata)
        mixture, epistemic = unpack(packed, components, len(space))
        return cls(space, mixture, epistemic, object_ids, zero_points, prior)

    def to_catalog(self) -> Catalog:
        """The catalogue from which `from_catalog` makes the posterior again."""
        columns = (
            Column("object_id", self.object_ids, ucd="meta.id;meta.main"),
            Column("status", np.full(len(self), "ok")),
            Column("zero_point", self.zero_points.numpy()),
            Column("mixture", self.pack().numpy()),
        )
        return Catalog(columns, self.metadata)

    @classmethod
    def from_catalog(cls, catalog: Catalog) -> Posterior:
        """The posterior of a catalogue's galaxies, without those whose status is not `ok`."""
        kept = catalog.take(np.flatnonzero(np.array(catalog["status"].text()) == "ok"))
        packed = torch.from_numpy(kept["mixture"].numbers())
        zero_points = torch.from_numpy(kept["zero_point"].numbers())
        return cls.unpack(packed, catalog.metadata, np.array(kept["object_id"].text()), zero_points)

    def save(self, path: Path | str) -> None:
        """Write the posterior as a table: whole or not at all; the suffix decides the format."""
        write_catalog(self.to_catalog(), Path(path))

    @classmethod
    def load(cls, path: Path | str) -> Posterior:
        """The posterior in a table that `save` or a prediction wrote."""
        return cls.from_catalog(read_catalog(Path(path)))

    def _of(self, names: Sequence[str], mixture: GaussianMixture, epistemic: Tensor) -> Posterior:
        """The posterior of some parameters of the same galaxies."""
        prior = Prior({name: law for name, law in self.prior.laws.items() if name in names})
        space = self.space.select(names)
        return replace(self, space=space, mixture=mixture, epistemic=epistemic, prior=prior)
