"""Corrections of mixtures that are too wide, too narrow or off: one for all, or by galaxy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from jaxtyping import Float64
from torch import Tensor

from gampen.calibration.answers import OF_THE_IMAGE, Answers
from gampen.errors import UsageError

WIDEST = math.log(3.0)  # |ln| of what a galaxy's own widths may differ by from all others'
FARTHEST = 1.0  # [posterior deviation] of a galaxy's own shift
REACH = 3.0  # [deviation] of a feature; galaxies further out are treated as if they lay there


@dataclass(frozen=True, eq=False)
class Conditional:
    """A small network that tells galaxies apart by what is known of them without their truth.

    Features are standardised by `centre` and `slope` (0 for one that told nothing), the unknown
    ones put at the centre, and cut off at a few deviations; one hidden layer of tanh follows, and
    bounds on what comes out, so that no galaxy is corrected out of all proportion.
    """

    centre: Float64[Tensor, " feature"]
    slope: Float64[Tensor, " feature"]
    hidden_weight: Float64[Tensor, "hidden feature"]
    hidden_bias: Float64[Tensor, " hidden"]
    last_weight: Float64[Tensor, "outcome hidden"]

    def __call__(
        self, features: Float64[Tensor, "galaxy feature"]
    ) -> tuple[Float64[Tensor, "galaxy parameter"], Float64[Tensor, "galaxy parameter"]]:
        """What is added to the ln of the scales and to the shifts."""
        told = ((features - self.centre) * self.slope).clamp(-REACH, REACH).nan_to_num(nan=0.0)
        # Products and sums rather than products of matrices: the same bits in any batch.
        hidden = ((told[:, None] * self.hidden_weight).sum(dim=-1) + self.hidden_bias).tanh()
        raw = (hidden[:, None] * self.last_weight).sum(dim=-1)
        log_scale, shift = raw.chunk(2, dim=-1)
        return WIDEST * (log_scale / WIDEST).tanh(), FARTHEST * (shift / FARTHEST).tanh()


@dataclass(frozen=True, eq=False)
class Correction:
    """How mixtures are drawn out about their means and moved: see `Answers.corrected`.

    `log_scale` and `shift` hold for all galaxies (stage 1); a galaxy's own are added where there
    is a `conditional` (stage 2).
    """

    log_scale: Float64[Tensor, " parameter"]
    shift: Float64[Tensor, " parameter"]
    conditional: Conditional | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that are none, and parts that do not fit together."""
        parameters = len(self.log_scale)
        hidden = 0 if self.conditional is None else len(self.conditional.hidden_bias)
        expected = _shapes(parameters, hidden)
        for name, tensor in self.tensors.items():
            if tuple(tensor.shape) != expected[name] or not bool(tensor.isfinite().all()):
                raise UsageError(
                    f"a correction's {name} must be {expected[name]} finite numbers; got "
                    f"{tuple(tensor.shape)}"
                )

    @property
    def stage(self) -> int:
        """1, or 2 where galaxies are told apart."""
        return 1 if self.conditional is None else 2

    def applied(self, answers: Answers) -> Answers:
        """The answers, corrected."""
        log_scale, shift = self.log_scale[None], self.shift[None]
        if self.conditional is not None:
            own = self.conditional(answers.features)
            log_scale, shift = log_scale + own[0], shift + own[1]
        return answers.corrected(log_scale, shift)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All its numbers, by name."""
        found = {"log_scale": self.log_scale, "shift": self.shift}
        return found if self.conditional is None else {**found, **vars(self.conditional)}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor]) -> Correction:
        """The correction with these `tensors`; `UsageError` where they are not those of one."""
        names = [field.name for field in fields(Conditional)]
        constant = tensors["log_scale"], tensors["shift"]
        if tensors.keys() == {"log_scale", "shift"}:
            return cls(*constant)
        if tensors.keys() != {"log_scale", "shift", *names}:
            raise UsageError(f"a correction must be whole; got {', '.join(sorted(tensors))}")
        return cls(*constant, Conditional(*(tensors[name] for name in names)))


def _shapes(parameters: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a correction's tensors."""
    features = 2 * parameters + OF_THE_IMAGE
    return {
        "log_scale": (parameters,),
        "shift": (parameters,),
        "centre": (features,),
        "slope": (features,),
        "hidden_weight": (hidden, features),
        "hidden_bias": (hidden,),
        "last_weight": (2 * parameters, hidden),
    }
