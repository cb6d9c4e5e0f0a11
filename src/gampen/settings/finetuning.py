"""Settings of fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, field

from gampen.errors import UsageError
from gampen.settings.labels import SplitSettings
from gampen.settings.training import TrainingSettings

LOOKING = ("transformer", "context", "features")
"""The parts of a network that look at images; those behind them learn from what these saw."""


@dataclass(frozen=True)
class FinetuneSettings:
    """How an estimator is fitted to labelled galaxies: `gampen finetune --settings`."""

    steps: int = 1000  # at most; it ends as soon as the held-out labels get no likelier
    batch_size: int = 128  # galaxies, simulated ones among them
    simulated_share: float = 0.25  # of a batch: of the estimator's own prior, not to be forgotten
    simulations: int = 4096  # that are drawn, then shown again and again; nought: new ones
    learning_rate: float = 1e-3  # peak, of the last part
    layer_decay: float = 0.7  # times the rate, for each part further from the last
    frozen: tuple[str, ...] = LOOKING  # parts that stay as they are
    dropout: float = 0.2  # in the head while it is fitted; tuned by held-out labels afterwards
    weight_decay: float = 1e-2  # of AdamW
    average_decay: float = 0.99  # of the exponential moving average of the weights
    steps_per_epoch: int = 50  # between two looks at the held-out labels
    patience: int = 5  # epochs without better held-out labels, until it ends
    seed: int = 0  # of simulations, dropout and the order of labels
    split: SplitSettings = field(default_factory=SplitSettings)

    def __post_init__(self) -> None:
        """Refuse shares beyond their bounds; the rest is refused as in training."""
        if not 0 <= self.simulated_share < 1:
            raise UsageError(
                f"simulated_share must be at least 0 and below 1; got {self.simulated_share}"
            )
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must be at least 0 and below 1; got {self.dropout}")
        if not self.patience:
            raise UsageError("patience must be at least 1; got 0")
        _ = self.training

    @property
    def simulated(self) -> int:
        """The simulated galaxies of a batch."""
        return round(self.simulated_share * self.batch_size)

    @property
    def training(self) -> TrainingSettings:
        """The same as settings of training."""
        names: list[str] = ["steps", "batch_size", "simulations", "learning_rate", "layer_decay"]
        names += ["frozen", "weight_decay", "average_decay", "steps_per_epoch", "patience", "seed"]
        return TrainingSettings(**{name: getattr(self, name) for name in names})
