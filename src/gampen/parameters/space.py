"""Parameters and their space: the one axis that catalogue, network and posterior share.

A parameter's bounds decide its bijection to the real line ("unconstrained" space), and its scaling
says how its value follows the pixel or the noise of the image. Inside, lengths are in pixels and
fluxes in units of the sky sigma; outside they are in arcsec and image units. Between the two lies
an affine map of unconstrained space, one per galaxy, so a Gaussian mixture stays one.

A direction without a sense, such as a position angle, has no place on a line that would not tear it
at a seam. It is a pair of parameters: a length times cosine and sine of twice the angle, the second
directly behind the first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gampen.errors import UsageError
from gampen.probability.bijections import Bijection, Exponential, Identity, Logistic
from gampen.settings import Scaling, Wave

WIDEST = 3.0  # of an error in unconstrained space, beyond which a bound is within reach anyway


@dataclass(frozen=True)
class Parameter:
    """One quantity to be inferred: its name, bounds, unit and scaling.

    `low` and `high` are open bounds in `unit`. `LENGTH` and `FLUX` parameters are measured in
    pixels and sky sigmas inside the network and in `unit` outside; they may be bounded below by
    zero only. `wave` says that it is one half of a pair.
    """

    name: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    scaling: Scaling = Scaling.NONE
    ucd: str = ""
    description: str = ""
    wave: Wave = Wave.NONE

    def __post_init__(self) -> None:
        """Refuse bounds that cannot be met or that would not survive a change of units."""
        if not self.name.isidentifier():
            raise UsageError(f"a parameter's name must be an identifier; got {self.name!r}")
        if self.high is not None and self.low is None:
            raise UsageError(f"{self.name}: an upper bound needs a lower one; give low too")
        if self.high is not None and self.low is not None and not self.low < self.high:
            raise UsageError(f"{self.name}: low must be below high; got {self.low} and {self.high}")
        if self.scaling is not Scaling.NONE and (
            self.high is not None or self.low not in (None, 0)
        ):
            raise UsageError(
                f"{self.name}: a parameter that scales with the image may only be bounded below by "
                f"zero; got low={self.low}, high={self.high}"
            )
        if self.wave is not Wave.NONE and (
            self.low is not None or self.scaling is not Scaling.NONE
        ):
            raise UsageError(
                f"{self.name}: half of a pair turns with the image and may have neither bounds nor "
                f"scaling; got low={self.low}, scaling={self.scaling.value}"
            )

    @property
    def bijection(self) -> Bijection:
        """The map from the real line that these bounds decide."""
        if self.low is None:
            return Identity()
        if self.high is None:
            return Exponential(float(self.low))
        return Logistic(float(self.low), float(self.high))


@dataclass(frozen=True)
class ParameterSpace:
    """An ordered set of parameters with distinct names, pairs side by side."""

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        """Refuse an empty space, repeated names and halves of pairs."""
        if not self.parameters or len(set(self.names)) != len(self.parameters):
            raise UsageError(
                f"parameters must be one or more, with distinct names; got {self.names}"
            )
        halves = [parameter.name for parameter in alone(self.parameters)]
        if halves:
            raise UsageError(
                "of a pair, the sine must directly follow the cosine; got one without the other: "
                f"{', '.join(halves)}"
            )

    def __len__(self) -> int:
        """The number of parameters."""
        return len(self.parameters)

    def __iter__(self) -> Iterator[Parameter]:
        """The parameters, in order."""
        return iter(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    def index(self, name: str) -> int:
        """The place of a parameter on the axis; `UsageError` if there is none of that name."""
        if name not in self.names:
            raise UsageError(f"parameter must be one of {', '.join(self.names)}; got {name!r}")
        return self.names.index(name)

    @property
    def pairs(self) -> tuple[int, ...]:
        """The places of the cosines; each pair's sine has the next place."""
        waves = enumerate(parameter.wave for parameter in self.parameters)
        return tuple(place for place, wave in waves if wave is Wave.COSINE)

    @property
    def first_length(self) -> int | None:
        """The place of the first parameter that is the logarithm of a length inside, if any is."""
        for place, parameter in enumerate(self.parameters):
            if parameter.scaling is Scaling.LENGTH and isinstance(parameter.bijection, Exponential):
                return place
        return None

    def to_json(self) -> str:
        """The space as JSON text, from which `from_json` makes an equal space."""
        rows = [asdict(parameter) for parameter in self.parameters]
        rows = [{k: v for k, v in row.items() if v is not Wave.NONE} for row in rows]
        return json.dumps(rows, default=lambda kind: kind.value, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ParameterSpace:
        """The space that `to_json` wrote; `UsageError` if the text is anything else."""
        try:
            rows = json.loads(text)
            kinds = [(Scaling(row["scaling"]), Wave(row.get("wave", "none"))) for row in rows]
            pairs = zip(rows, kinds, strict=True)
            return cls(
                tuple(Parameter(**{**row, "scaling": s, "wave": w}) for row, (s, w) in pairs)
            )
        except (ValueError, TypeError, KeyError) as error:
            message = f"a parameter space must be JSON as to_json writes it; got {text[:80]!r}"
            raise UsageError(f"{message} ({error}); write it again with to_json") from error

    def select(self, names: Sequence[str]) -> ParameterSpace:
        """The space of the named parameters, in the order given; half of a pair is none there."""
        chosen = tuple(self.parameters[self.index(name)] for name in names)
        halves = alone(chosen)
        return ParameterSpace(
            tuple(replace(p, wave=Wave.NONE) if p in halves else p for p in chosen)
        )

    def constrain(
        self, unconstrained: Float[Tensor, "*any parameter"]
    ) -> Float[Tensor, "*any parameter"]:
        """Values inside the bounds."""
        columns = zip(self.parameters, unconstrained.unbind(-1), strict=True)
        return torch.stack([p.bijection.forward(column) for p, column in columns], dim=-1)

    def unconstrain(
        self, values: Float[Tensor, "*any parameter"]
    ) -> Float[Tensor, "*any parameter"]:
        """Points of unconstrained space; not finite where a value lies on or outside its bounds."""
        columns = zip(self.parameters, values.unbind(-1), strict=True)
        return torch.stack([p.bijection.inverse(column) for p, column in columns], dim=-1)

    def log_slope(self, unconstrained: Float[Tensor, "*any parameter"]) -> Float[Tensor, "*any"]:
        """ln |d values / d unconstrained|, summed over the parameters."""
        return self._log_slopes(unconstrained).sum(dim=-1)

    def first_order(
        self,
        unconstrained: Float[Tensor, "*any parameter"],
        errors: Float[Tensor, "*#any parameter"],
    ) -> Float[Tensor, "*any parameter"]:
        """Errors of values as those of unconstrained points, by the slope at these points."""
        # As logarithms: beyond a bound a slope is zero, and would leave no gradient but NaN.
        spread = errors.log() - self._log_slopes(unconstrained)
        return spread.clamp(max=math.log(WIDEST)).exp()

    def _log_slopes(
        self, unconstrained: Float[Tensor, "*any parameter"]
    ) -> Float[Tensor, "*any parameter"]:
        """ln |d value / d unconstrained| of each parameter."""
        columns = zip(self.parameters, unconstrained.unbind(-1), strict=True)
        return torch.stack([p.bijection.log_slope(column) for p, column in columns], dim=-1)

    def physical_map(
        self, pixel_scale: Float[Tensor, " galaxy"], sky_sigma: Float[Tensor, " galaxy"]
    ) -> tuple[Float[Tensor, "galaxy parameter"], Float[Tensor, "galaxy parameter"]]:
        """Slope and offset that carry unconstrained points from pixels and noise to physical units.

        `pixel_scale` [arcsec / pixel] multiplies lengths, `sky_sigma` [image units] fluxes.
        """
        one = torch.ones_like(pixel_scale)
        factors = {Scaling.NONE: one, Scaling.LENGTH: pixel_scale, Scaling.FLUX: sky_sigma}
        slopes, offsets = [], []
        for parameter in self.parameters:
            factor = factors[parameter.scaling]
            additive = isinstance(parameter.bijection, Exponential)
            slopes.append(one if additive else factor)
            offsets.append(factor.log() if additive else torch.zeros_like(one))
        return torch.stack(slopes, dim=-1), torch.stack(offsets, dim=-1)


def alone(parameters: Sequence[Parameter]) -> list[Parameter]:
    """The halves of pairs without their other half in its place."""
    waves = [Wave.NONE, *(parameter.wave for parameter in parameters), Wave.NONE]
    places = zip(parameters, waves, waves[2:], strict=False)
    return [
        p
        for p, before, after in places
        if (p.wave is Wave.COSINE and after is not Wave.SINE)
        or (p.wave is Wave.SINE and before is not Wave.COSINE)
    ]
