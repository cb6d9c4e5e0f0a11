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
from jaxtyping import Float, Int
from torch import Tensor, nn

from gampen.cutouts import Flag

PREFIX = "guard."
LIMIT = 8.0  # [standard deviation] beyond which an input counts as much as at it
LEAST_SPREAD = 1e-4
HIDDEN = (256, 64)
AXES = 64  # principal ones, in which distances are measured
FALSE_ALARMS = 0.01
"""The share of galaxies of the prior that may raise any flag of a guard's."""
HALVINGS = 40
MISFITS = 2  # figures of an explanation that are judged
SIGNALS = (30.0, 120.0, 500.0, 3000.0)  # S/N between which limits of explanations differ
ENOUGH = 100  # galaxies for a limit


@dataclass(frozen=True)
class Suspicion:
    """What a guard says of each galaxy.

    `odds`: ln odds of each kind of trouble against none; `distance` from the training prior, in
    standard deviations (root mean square over axes).
    """

    odds: Float[Tensor, "galaxy kind"]
    distance: Float[Tensor, " galaxy"]


@dataclass(frozen=True)
class Kind:
    """A kind of trouble: its name and the flag that it raises."""

    name: str
    flag: Flag


class Guard(nn.Module):
    """Two hidden layers from standardised evidence to kinds of trouble, none of them first.

    `limits`: what a galaxy of the prior seldom exceeds, of the ln odds of each kind of trouble, of
    the distance, and of the epistemic share of a parameter's variance. `misfit_limits`: the same
    of what `gampen.inference.misfit` says of explanations, by range of S/N.
    """

    location: Tensor
    spread: Tensor
    axes: Tensor
    limits: Tensor
    misfit_limits: Tensor

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
        self.register_buffer("limits", torch.full((len(self.kinds) + 2,), torch.inf))
        self.register_buffer("misfit_limits", torch.full((len(SIGNALS) + 1, MISFITS), torch.inf))
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

    def set_limits(self, scores: Float[Tensor, "galaxy score"]) -> None:
        """Set the limits by galaxies of the prior that the guard was not taught with.

        `scores` are what `limits` are of. Each score exceeds its limit as often as any other, and
        any of them does for `FALSE_ALARMS` of the galaxies.
        """
        self.limits.copy_(limits_of(scores.double(), FALSE_ALARMS))

    def set_misfit_limits(
        self, scores: Float[Tensor, "galaxy score"], signal: Float[Tensor, " galaxy"]
    ) -> None:
        """Set the limits of explanations, likewise, by galaxies that are alone.

        Each range of S/N has its own; one with few galaxies has none.
        """
        place = self.range_of(signal)
        for number in range(len(SIGNALS) + 1):
            own = scores[place == number].double()
            if len(own) >= ENOUGH:
                self.misfit_limits[number] = limits_of(own, FALSE_ALARMS).to(torch.float32)

    def range_of(self, signal: Float[Tensor, " galaxy"]) -> Int[Tensor, " galaxy"]:
        """In which of the ranges each S/N lies."""
        return torch.bucketize(signal.double(), torch.tensor(SIGNALS, dtype=torch.float64))

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


def limits_of(scores: Float[Tensor, "galaxy score"], share: float) -> Float[Tensor, " score"]:
    """Limits that each score exceeds equally often, and any of them for a share of the galaxies."""
    low, high = 0.0, share
    for _ in range(HALVINGS):
        each = (low + high) / 2
        any_of_them = (scores > torch.quantile(scores, 1 - each, dim=0)).any(dim=1)
        below = float(any_of_them.double().mean()) <= share
        low, high = (each, high) if below else (low, each)
    return torch.quantile(scores, 1 - low, dim=0)
