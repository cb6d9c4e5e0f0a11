"""The loop that fits a network: negative log-likelihood, AdamW, one cycle, a running average.

`Fit.run` yields a `Report` every few steps; the caller saves, logs, draws and stops. Whatever
happens at a step follows from the seed and the step's number, so a run that is stopped and resumed
continues bit for bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from gampen.errors import TrainingError, UsageError, reason_of
from gampen.network.dropout import share_batches
from gampen.network.network import GampenNetwork
from gampen.settings import TrainingSettings
from gampen.training.batches import Batch, Lot, parts_of
from gampen.training.devices import share_of
from gampen.training.loss import Loss
from gampen.training.rates import rated
from gampen.training.validation import Validation, validate

REPORT_EVERY = 10
STEPS_APART = 1_000_003


Source = Callable[[int], Lot]
"""The galaxies of each step."""


@dataclass(frozen=True)
class Report:
    """Where a run stands: `loss` the mean since the last report; `validation` at epochs' ends.

    `gradient_norm` is the mean since the last report, before clipping; `learning_rate` the highest
    of the step to come.
    """

    step: int
    loss: float
    validation: Validation | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None


def free_parameters(network: GampenNetwork, frozen: tuple[str, ...]) -> list[nn.Parameter]:
    """The weights to be fitted; those of the `frozen` parts take no gradient from now on.

    `UsageError` where there is no such part, or none is left.
    """
    parts = dict(network.named_children())
    unknown = [name for name in frozen if name not in parts]
    if unknown or not parts.keys() - set(frozen):
        raise UsageError(
            f"training: frozen must name some of {', '.join(parts)}, and not all; "
            f"got {', '.join(frozen)}"
        )
    for name in frozen:
        parts[name].requires_grad_(False)
    return [weight for weight in network.parameters() if weight.requires_grad]


class Fit:
    """A network being fitted: its weights, their running average, the optimiser and the step."""

    def __init__(self, network: GampenNetwork, settings: TrainingSettings, fabric: Fabric) -> None:
        """Prepare to fit `network`, which is trained in place.

        Where several processes fit it, each has its own share of every batch.
        """
        self.settings, self.fabric, self.step = settings, fabric, 0
        self.gradient_norms: list[Float[Tensor, ""]] = []
        self.average = copy.deepcopy(network).eval().to(fabric.device)
        share_batches(network, share_of(fabric))
        self.best, self.stale = math.inf, 0
        weights = free_parameters(network, settings.frozen)
        groups = rated(network, weights, settings.learning_rate, settings.layer_decay)
        optimiser = torch.optim.AdamW(
            groups, settings.learning_rate, weight_decay=settings.weight_decay
        )
        peaks = [group["lr"] for group in groups]
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, peaks, total_steps=settings.steps + 1, pct_start=0.1
        )
        self.loss, self.optimiser = fabric.setup(Loss(network, settings.crop_pull), optimiser)

    @property
    def network(self) -> GampenNetwork:
        """The network being fitted, as it is now."""
        network: GampenNetwork = self.loss.network
        return network

    @property
    def ended(self) -> bool:
        """Whether all steps are done, or held-out losses get no better."""
        patience = self.settings.patience
        return self.step >= self.settings.steps or 0 < patience <= self.stale

    def run(self, source: Source, held_out: Sequence[Batch]) -> Iterator[Report]:
        """Train to the end on `source(step)`, validating the average on `held_out`.

        The source gives this process its share. `TrainingError` where another process is gone.
        """
        losses: list[Float[Tensor, ""]] = []
        for lot in ahead(source, self.step, self.step if self.ended else self.settings.steps):
            losses.append(self._advanced(lot))
            ended = self.step % self.settings.steps_per_epoch == 0
            if ended or self.step % REPORT_EVERY == 0 or self.step == self.settings.steps:
                mean = self._mean(torch.stack(losses))
                losses.clear()
                self._check("the loss", mean)
                last = self.step == self.settings.steps
                validation = validate(self.average, held_out) if ended or last else None
                if validation is not None:
                    self._check("the held-out loss", validation.nll)
                    self._remember(validation.nll)
                rate = float(max(self.schedule.get_last_lr()))
                yield Report(self.step, mean, validation, rate, self._gradient_norm())
                if self.ended:
                    return

    def _remember(self, nll: float) -> None:
        """Count the epochs since the best one."""
        better = nll < self.best
        self.best, self.stale = (nll, 0) if better else (self.best, self.stale + 1)

    def _advanced(self, lot: Lot) -> Float[Tensor, ""]:
        """The loss of a step, once it is done; alone or together with all other processes."""
        if self.fabric.world_size == 1:
            return self._advance(lot)
        try:
            return self._advance(lot)
        except RuntimeError as error:
            raise TrainingError(
                f"all processes of a run must go on together; one was lost by step {self.step}: "
                f"{reason_of(error)}"
            ) from error

    def _mean(self, losses: Float[Tensor, " step"]) -> float:
        """The mean over all galaxies of some steps."""
        mean = losses.mean()
        if self.fabric.world_size > 1:
            mean = self.fabric.all_reduce(mean, reduce_op="mean")  # type: ignore[assignment]
        return float(mean)

    def _gradient_norm(self) -> float:
        """The mean over the steps since it was last asked for; the same in all processes."""
        norm = torch.stack(self.gradient_norms).mean()
        self.gradient_norms.clear()
        return float(norm)

    def _advance(self, lot: Lot) -> Float[Tensor, ""]:
        """One step of gradient descent; the loss before it."""
        torch.manual_seed(self.settings.seed * STEPS_APART + self.step)
        parts = [part.to(self.fabric.device) for part in parts_of(lot)]
        self.optimiser.zero_grad(set_to_none=True)
        galaxies, losses = sum(len(part) for part in parts), []
        for part in parts:
            told = (type(part.frames), part.truth, part.errors, *vars(part.frames).values())
            losses.append(self.loss(*told) * (len(part) / galaxies))
            self.fabric.backward(losses[-1])
        norm = self.fabric.clip_gradients(
            self.loss,
            self.optimiser,
            max_norm=self.settings.gradient_clip,
            error_if_nonfinite=False,
        )
        assert norm is not None  # noqa: S101 - there is one where it is clipped by
        self.gradient_norms.append(norm)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        self._average()
        return torch.stack([loss.detach() for loss in losses]).sum()

    @torch.no_grad()
    def _average(self) -> None:
        """Move the running average; faster at first, so that it forgets the start."""
        decay = min(self.settings.average_decay, (1 + self.step) / (10 + self.step))
        mine: list[Tensor] = list(self.average.parameters())
        theirs: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - decay)

    def _check(self, what: str, loss: float) -> None:
        """`TrainingError` where a loss is not finite, before such weights can be saved."""
        if not math.isfinite(loss):
            raise TrainingError(
                f"{what} must stay finite; got {loss} by step {self.step}; lower learning_rate "
                f"(now {self.settings.learning_rate}) or gradient_clip "
                f"(now {self.settings.gradient_clip}), and use another run folder"
            )

    def state(self) -> dict[str, Any]:
        """All that is needed to go on from here: tensors, numbers and containers of them."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "best": self.best,
            "stale": self.stale,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state; `TrainingError` where it is of another network."""
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            self.step = int(state["step"])
            self.best = float(state.get("best", math.inf))
            self.stale = int(state.get("stale", 0))
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"a checkpoint must be of the same network and settings; got: {reason_of(error)}; "
                f"use another run folder"
            ) from error


def ahead(source: Source, start: int, stop: int) -> Iterator[Lot]:
    """The batches of steps start to stop, each drawn while the one before it is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(source, start) if start < stop else None
        for step in range(start, stop):
            assert waiting is not None  # noqa: S101
            batch = waiting.result()
            waiting = pool.submit(source, step + 1) if step + 1 < stop else None
            yield batch
