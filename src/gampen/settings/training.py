"""Settings of training, and of a whole run."""

from __future__ import annotations

from dataclasses import dataclass, field

from gampen.errors import UsageError
from gampen.settings.labels import LabelSettings
from gampen.settings.network import NetworkSettings
from gampen.settings.parameters import DEFAULT_PARAMETERS, ParameterSettings
from gampen.settings.simulation import GalaxyModel, SimulationSettings


@dataclass(frozen=True)
class TrainingSettings:
    """How the network is fitted."""

    steps: int = 10_000  # in all
    batch_size: int = 64  # galaxies in a step
    simulations: int = 0  # that are drawn, then shown again and again; nought: new ones each step
    observations: int = 1  # of each rendered scene: in other brightness, noise and orientation
    learning_rate: float = 2e-3  # peak of the one-cycle schedule
    weight_decay: float = 1e-4  # of AdamW
    gradient_clip: float = 5.0  # the largest norm of a step's gradient
    average_decay: float = 0.999  # of the exponential moving average of the weights
    steps_per_epoch: int = 500  # between two looks at the held-out loss
    validation_galaxies: int = 1024  # held out, the same in each epoch
    crop_pull: float = 0.0  # weight of ln^2 of a crop's side over the wanted number of radii
    frozen: tuple[str, ...] = ()  # parts of the network that stay as they start
    layer_decay: float = 1.0  # times the learning rate, for each part further from the last
    patience: int = 0  # epochs without a better held-out loss, until it ends; nought: goes on
    seed: int = 0  # of weights, simulations and dropout

    def __post_init__(self) -> None:
        """Refuse counts below one, rates that are not positive and seeds below zero."""
        counts = ("steps", "batch_size", "observations", "steps_per_epoch", "validation_galaxies")
        least = {
            **dict.fromkeys(counts, 1),
            "seed": 0,
            "weight_decay": 0,
            "average_decay": 0,
            "crop_pull": 0,
            "patience": 0,
            "simulations": 0,
        }
        for name, low in least.items():
            if getattr(self, name) < low:
                raise UsageError(f"training: {name} must be at least {low}; got {vars(self)[name]}")
        if min(self.learning_rate, self.gradient_clip, 1 - self.average_decay) <= 0:
            raise UsageError(
                "training: learning_rate and gradient_clip must be above 0, average_decay below 1; "
                f"got {self.learning_rate}, {self.gradient_clip} and {self.average_decay}"
            )
        if not 0 < self.layer_decay <= 1:
            raise UsageError(
                f"training: layer_decay must be above 0 and at most 1; got {self.layer_decay}"
            )


@dataclass(frozen=True)
class RunSettings:
    """A whole training run: `gampen train run.toml`."""

    simulation: SimulationSettings
    network: NetworkSettings = field(default_factory=NetworkSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    parameters: tuple[str, ...] = DEFAULT_PARAMETERS  # by name: built in, or told of in `parameter`
    parameter: dict[str, ParameterSettings] = field(default_factory=dict)  # those not built in
    labels: LabelSettings | None = None  # to train on in place of simulations

    def __post_init__(self) -> None:
        """Refuse parameters that other galaxies have, but not those of the prior."""
        model = self.simulation.prior.model
        others = {name for kind in GalaxyModel for name in kind.quantities} - {*model.quantities}
        absent = [name for name in self.parameters if name in others - self.parameter.keys()]
        if absent:
            raise UsageError(
                f"parameters must be those of the prior's model {model.value!r} "
                f"({', '.join(model.quantities)}); got {', '.join(absent)}: choose another "
                "simulation.prior.model"
            )
