"""Ellipses: the axis ratio and the position angle that follow from a pair of elongations."""

from __future__ import annotations

from dataclasses import dataclass

from gampen.errors import UsageError
from gampen.parameters import ParameterSpace
from gampen.probability.axis_ratios import AxisRatios
from gampen.probability.mixtures import GaussianMixture
from gampen.probability.position_angles import PositionAngles

ENDING = "elongation_1"


@dataclass(frozen=True)
class Ellipse:
    """The distributions of axis ratio and position angle of every galaxy.

    The angle [degree] is counted counter-clockwise from +x of the image; no WCS is consulted.
    """

    axis_ratio: AxisRatios
    position_angle: PositionAngles

    @classmethod
    def of(cls, space: ParameterSpace, mixture: GaussianMixture, stem: str) -> Ellipse:
        """Those of the pair whose names begin so; `UsageError` where there is none."""
        found = stems(space)
        if stem not in found:
            known = ", ".join(repr(known) for known in found) or "no pairs"
            raise UsageError(f"an ellipse must be of a pair of elongations: {known}; got {stem!r}")
        plane = mixture.marginal([found[stem], found[stem] + 1])
        return cls(AxisRatios.of(plane), PositionAngles.of(plane))


def stems(space: ParameterSpace) -> dict[str, int]:
    """How names of what follows from each pair begin, and the place of its cosine.

    `disk_` of `disk_elongation_1`; of any other pair all of the cosine's name.
    """
    names = {place: space.names[place] for place in space.pairs}
    return {
        name.removesuffix(ENDING) if name.endswith(ENDING) else f"{name}_": place
        for place, name in names.items()
    }
