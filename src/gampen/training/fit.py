"""The loop that fits a network: negative log-likelihood, AdamW, one cycle, a running average.

`Fit.run` yields a `Report` every few steps; the caller saves, logs, draws and stops. Whatever
happens at a step follows from the seed and the step's number, so a run that is stopped and resumed
continues bit for bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from lightning_fabric import Fabric
from torch import Tensor, nn

from gampen.errors import TrainingError, UsageError, reason_of
from gampen.network.crop import Crop
from gampen.network.dropout import share_batches
from gampen.network.frames import Frames
from gampen.network.network import GampenNetwork
from gampen.network.transformer import LEAST_ZOOM
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import TrainingSettings
from gampen.training.batches import Batch
from gampen.training.devices import share_of
from gampen.training.validation import Validation, validate

REPORT_EVERY = 10
STEPS_APART = 1_000_003
WANTED_RADII = 7.0  # side of a crop [half-light radius of the galaxy]


Source = Callable[[int], Batch]


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


class Loss(nn.Module):
    """The negative log-likelihood of truths, as one module that Fabric can wrap.

    To it comes a weak pull of each crop's side towards so many of the radii that the network itself
    believes in: how far a crop may lie from its best size without loss depends on the galaxy's
    brightness, and without a pull, so does the crop.
    """

    def __init__(self, network: GampenNetwork, pull: float = 0.0) -> None:
        """Wrap `network`; `pull` is the weight of the square of ln (side over wanted side)."""
        super().__init__()
        self.network, self.pull = network, pull

    def forward(
        self,
        pixels: Float[Tensor, "galaxy 1 height width"],
        psf_fwhm: Float[Tensor, " galaxy"],
        sky_sigma: Float[Tensor, " galaxy"],
        psf_concentration: Float[Tensor, " galaxy"],
        truth: Float[Tensor, "galaxy parameter"],
    ) -> Float[Tensor, ""]:
        """The mean over the batch."""
        frames = Frames(pixels, psf_fwhm, sky_sigma, psf_concentration)
        crop = self.network.transformer(pixels)
        mixture = self.network.judge(frames, crop)
        loss = -mixture.log_prob(truth).mean()
        return loss + self.pull * stray(self.network, crop, mixture) if self.pull else loss


def stray(network: GampenNetwork, crop: Crop, mixture: GaussianMixture) -> Float[Tensor, ""]:
    """Mean square of ln of a crop's side over the wanted one, if there is a radius to go by."""
    radius = network.space.first_length
    if radius is None:
        return torch.zeros(())
    share = (
        mixture.mean[:, radius].detach() + math.log(WANTED_RADII) - (crop.side / crop.zoom).log()
    )
    return (crop.zoom.log() - within_reach(share)).square().mean()


def within_reach(log_zoom: Float[Tensor, " galaxy"]) -> Float[Tensor, " galaxy"]:
    """ln of zooms between the least one and 1, in the order of those that were wanted.

    In the middle they are as wanted, and none is at a bound: however large or small galaxies are,
    of two the larger one gets the larger crop.
    """
    room = -math.log(LEAST_ZOOM)
    return room * (torch.sigmoid(4 / room * log_zoom + 2) - 1)


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
        optimiser = torch.optim.AdamW(
            free_parameters(network, settings.frozen),
            settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=settings.steps + 1, pct_start=0.1
        )
        self.loss, self.optimiser = fabric.setup(Loss(network, settings.crop_pull), optimiser)

    @property
    def network(self) -> GampenNetwork:
        """The network being fitted, as it is now."""
        network: GampenNetwork = self.loss.network
        return network

    def run(self, source: Source, held_out: list[Batch]) -> Iterator[Report]:
        """Train until the last step on `source(step)`, validating the average on `held_out`.

        The source gives this process its share. `TrainingError` where another process is gone.
        """
        losses: list[Float[Tensor, ""]] = []
        for batch in ahead(source, self.step, self.settings.steps):
            losses.append(self._advanced(batch))
            ended = self.step % self.settings.steps_per_epoch == 0
            if ended or self.step % REPORT_EVERY == 0 or self.step == self.settings.steps:
                mean = self._mean(torch.stack(losses))
                losses.clear()
                self._check("the loss", mean)
                last = self.step == self.settings.steps
                validation = validate(self.average, held_out) if ended or last else None
                if validation is not None:
                    self._check("the held-out loss", validation.nll)
                rate = float(max(self.schedule.get_last_lr()))
                yield Report(self.step, mean, validation, rate, self._gradient_norm())

    def _advanced(self, batch: Batch) -> Float[Tensor, ""]:
        """The loss of a step, once it is done; alone or together with all other processes."""
        if self.fabric.world_size == 1:
            return self._advance(batch)
        try:
            return self._advance(batch)
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

    def _advance(self, batch: Batch) -> Float[Tensor, ""]:
        """One step of gradient descent; the loss before it."""
        torch.manual_seed(self.settings.seed * STEPS_APART + self.step)
        batch = batch.to(self.fabric.device)
        self.optimiser.zero_grad(set_to_none=True)
        loss: Tensor = self.loss(*vars(batch.frames).values(), batch.truth)
        self.fabric.backward(loss)
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
        return loss.detach()

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
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state; `TrainingError` where it is of another network."""
        try:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            self.step = int(state["step"])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"a checkpoint must be of the same network and settings; got: {reason_of(error)}; "
                f"use another run folder"
            ) from error


def ahead(source: Source, start: int, stop: int) -> Iterator[Batch]:
    """The batches of steps start to stop, each drawn while the one before it is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(source, start) if start < stop else None
        for step in range(start, stop):
            assert waiting is not None  # noqa: S101
            batch = waiting.result()
            waiting = pool.submit(source, step + 1) if step + 1 < stop else None
            yield batch
