"""Teaching a guard: simulated galaxies of the prior, and the same with troubles put into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from gampen.network.guard import Guard, Kind

ROWS, RATE, DECAY = 256, 2e-3, 0.05
DROPPED = 0.2  # share of a guard's inputs that are put to their mean in a step
STEPS = 4000


@dataclass(frozen=True)
class Lesson:
    """Evidence of galaxies of one kind; `kind` is 0 where there is no trouble.

    Lessons of one `group` are other observations of the same galaxies.
    """

    evidence: Float[Tensor, "galaxy number"]
    kind: int
    group: int = 0


@dataclass(frozen=True)
class Teacher:
    """What a guard is taught with: evidence of each galaxy and its kind."""

    kinds: tuple[Kind, ...]
    evidence: Float[Tensor, "galaxy number"]
    kind: Int[Tensor, " galaxy"]

    @classmethod
    def of(cls, kinds: Sequence[Kind], found: Sequence[Lesson]) -> Teacher:
        """All lessons together."""
        kind = [torch.full((len(part.evidence),), part.kind) for part in found]
        return cls(tuple(kinds), torch.cat([part.evidence for part in found]), torch.cat(kind))

    def untaught(self, seed: int) -> Guard:
        """A guard that knows what is usual, and no trouble yet."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            guard = Guard(self.evidence.shape[1], self.kinds)
        guard.standardise(self.evidence[self.kind == 0])
        return guard

    def teach(self, guard: Guard, seed: int, steps: int = STEPS) -> Iterator[float]:
        """The loss of each step in which a guard learns: no trouble is as likely as any."""
        numbers = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.AdamW(guard.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        order, count = (
            self.kind.argsort(stable=True),
            torch.bincount(self.kind, minlength=1 + len(self.kinds)),
        )
        for _ in range(steps):
            rows = order[self.places(count, numbers)]
            seen = guard.standard(self.evidence[rows])
            kept = torch.rand(seen.shape, generator=numbers) >= DROPPED
            loss = functional.cross_entropy(guard.layers(seen * kept), self.kind[rows])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            yield float(loss.detach())

    def places(self, count: Int[Tensor, " kind"], numbers: torch.Generator) -> Int[Tensor, " row"]:
        """Places in the order of kinds, of which there are so many galaxies, for one step.

        Half of them are of galaxies without trouble, the others of any kind alike.
        """
        number = torch.randint(2 * len(self.kinds), (ROWS,), generator=numbers)
        kind = (number - len(self.kinds) + 1).clamp(min=0)
        first = count.cumsum(0) - count
        return first[kind] + (torch.rand(ROWS, generator=numbers) * count[kind]).long()
