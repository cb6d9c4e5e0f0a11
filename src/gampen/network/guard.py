"""The guard: a small network that tells an estimator's galaxies from images with troubles.

It sees what the head sees, the measurements that this came from and a scrutiny of the frame, and
says for each kind of trouble how likely it is, against a galaxy of the training prior. What it was
never shown it finds by distance: in the whitened space of the inputs' principal axes (Mahalanobis;
Lee et al. 2018, arXiv:1807.03888).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gampen.cutouts import Flag

PREFIX = "guard."
LIMIT = 8.0  # [standard deviation] beyond which an input counts as much as at it
LEAST_SPREAD = 1e-4
HIDDEN = (256, 64)
AXES = 64  # principal ones, in which distances are measured
SHARES = (0.007, 0.002, 0.002)
"""Of galaxies of the prior, that may exceed each of a guard's limits: one in a hundred in all."""


@dataclass(frozen=True)
class Suspicion:
    """What a guard says of each galaxy.

    `odds`: ln odds of each kind of trouble against none; `distance` from the training prior, in
    standard deviations (root mean square over axes).
    """

    odds: Float[Tensor, "galaxy kind"]
    distance: Float[Tensor, " galaxy"]

    @property
    def total(self) -> Float[Tensor, " galaxy"]:
        """ln odds of any trouble against none."""
        return torch.logsumexp(self.odds, dim=1)


@dataclass(frozen=True)
class Kind:
    """A kind of trouble: its name and the flag that it raises."""

    name: str
    flag: Flag


class Guard(nn.Module):
    """Two hidden layers from standardised evidence to kinds of trouble, none of them first.

    `limits`: what a galaxy of the prior seldom exceeds, of the ln odds of any trouble, of the
    distance, and of the epistemic share of a parameter's variance.
    """

    location: Tensor
    spread: Tensor
    axes: Tensor
    limits: Tensor

    def __init__(self, inputs: int, kinds: Sequence[Kind]) -> None:
        """Build untrained for so many inputs; `standardise` comes first."""
        super().__init__()
        self.kinds = tuple(kinds)
        first, second = HIDDEN
        self.layers = nn.Sequential(
            nn.Linear(inputs, first),
            nn.SiLU(),
            nn.Linear(first, second),
            nn.SiLU(),
            nn.Linear(second, 1 + len(self.kinds)),
        )
        self.register_buffer("limits", torch.full((3,), torch.inf))
        self.register_buffer("location", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.register_buffer("axes", torch.zeros(inputs, min(AXES, inputs)))

    @torch.no_grad()
    def standardise(self, usual: Float[Tensor, "galaxy number"]) -> None:
        """Learn what is usual: mean, spread and principal axes of evidence of the prior."""
        self.location.copy_(usual.mean(dim=0))
        self.spread.copy_(usual.std(dim=0).clamp(min=LEAST_SPREAD))
        standard = self.standard(usual)
        _, sizes, directions = torch.linalg.svd(standard, full_matrices=False)
        count = self.axes.shape[1]
        scale = len(usual) ** 0.5 / sizes[:count].clamp(min=LEAST_SPREAD)
        self.axes.copy_(directions[:count].T * scale)

    def standard(self, evidence: Float[Tensor, "galaxy number"]) -> Float[Tensor, "galaxy number"]:
        """The evidence in standard deviations, none of it without bounds."""
        return ((evidence - self.location) / self.spread).clamp(-LIMIT, LIMIT)

    def logits(self, evidence: Float[Tensor, "galaxy number"]) -> Float[Tensor, "galaxy kind"]:
        """ln of the probability of none and of each kind, up to a constant."""
        found: Tensor = self.layers(self.standard(evidence))
        return found

    def forward(self, evidence: Float[Tensor, "galaxy number"]) -> Suspicion:
        """What is suspicious of each galaxy."""
        logits = self.logits(evidence)
        place = self.standard(evidence) @ self.axes
        return Suspicion(logits[:, 1:] - logits[:, :1], place.square().mean(dim=1).sqrt())

    def set_limits(self, scores: Float[Tensor, "galaxy 3"]) -> None:
        """Set the limits by galaxies of the prior that the guard was not taught with.

        `scores` are what `limits` are of.
        """
        columns = zip(scores.unbind(dim=1), SHARES, strict=True)
        found = [torch.quantile(score.double(), 1 - share) for score, share in columns]
        self.limits.copy_(torch.stack(found))

    # In an estimator's file, beside the network's tensors.

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Its tensors, by the names that they have in the file."""
        return {PREFIX + name: value for name, value in self.state_dict().items()}

    @property
    def metadata(self) -> dict[str, str]:
        """What the file must say of them."""
        kinds = {kind.name: kind.flag.name for kind in self.kinds}
        return {"guard": json.dumps(kinds)}

    @classmethod
    def of_file(
        cls, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
    ) -> tuple[Guard | None, dict[str, Tensor]]:
        """The guard in a file, if there is one, and the tensors that are not its own."""
        own = {n.removeprefix(PREFIX): v for n, v in tensors.items() if n.startswith(PREFIX)}
        others = {name: value for name, value in tensors.items() if not name.startswith(PREFIX)}
        if "guard" not in metadata:
            return None, others
        kinds = [Kind(name, Flag[flag]) for name, flag in json.loads(metadata["guard"]).items()]
        guard = cls(len(own["location"]), kinds)
        guard.load_state_dict(own)
        return guard.eval(), others
