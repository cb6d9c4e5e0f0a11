"""The columns that sum up the ellipses that follow from pairs of elongations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from gampen.catalog import Column
from gampen.ellipses import Ellipse, stems
from gampen.parameters import Parameter
from gampen.posterior import Posterior

Figures = dict[str, Tensor]


@dataclass(frozen=True)
class Derived:
    """A quantity that follows from a pair, and the figures of its columns."""

    name: str
    figures: Figures
    unit: str
    ucd: str
    description: str


def ellipse_columns(posterior: Posterior, levels: dict[str, float]) -> Iterator[Column]:
    """Axis ratio and position angle of each pair, with intervals of these levels by label.

    An axis ratio that is a parameter itself keeps its own columns.
    """
    for stem, place in stems(posterior.space).items():
        for derived in derived_of(posterior.ellipse(stem), stem, levels):
            if derived.name not in posterior.space.names:
                yield from columns_of(derived, posterior.space.parameters[place])


def derived_of(ellipse: Ellipse, stem: str, levels: dict[str, float]) -> tuple[Derived, Derived]:
    """The two quantities of an ellipse."""
    ratio, angle = ellipse.axis_ratio, ellipse.position_angle
    tails = torch.tensor([0.5 + s * x / 2 for x in levels.values() for s in (-1, 1)])
    wanted, names = tails.double()[:, None], [f"{e}{n}" for n in levels for e in ("lo", "hi")]
    ratios = dict(zip(names, ratio.ppf(wanted), strict=True))
    angles = dict(zip(names, angle.mean + angle.offset(wanted), strict=True))
    return (
        Derived(
            f"{stem}axis_ratio",
            {"median": ratio.median, "mean": ratio.mean, "std": ratio.std, **ratios},
            "",
            "src.morph.param;arith.ratio",
            "minor over major axis",
        ),
        Derived(
            f"{stem}position_angle",
            {"mean": angle.mean, "std": angle.std, **angles},
            "deg",
            "pos.posAng",
            "position angle, counter-clockwise from +x of the image",
        ),
    )


def columns_of(derived: Derived, cosine: Parameter) -> Iterator[Column]:
    """The columns of one quantity that follows from the pair of this parameter."""
    for statistic, values in derived.figures.items():
        yield Column(
            f"{derived.name}_{statistic}",
            single(values),
            unit=derived.unit,
            ucd=f"{UCDS.get(statistic, 'stat.percentile')};{derived.ucd}",
            description=f"{statistic} of the posterior of the {derived.description}, which follows "
            f"from {cosine.name} and its other half",
        )


def on_the_sky(
    columns: Sequence[Column], directions: Float64[np.ndarray, "galaxy 2 2"]
) -> Iterator[Column]:
    """The columns, each mean position angle in the image followed by the same line's on the sky.

    `directions`: how far a step along x or y (columns) leads east or north (rows), NaN where that
    is not known.
    """
    for column in columns:
        yield column
        if column.name.endswith(MEAN_ANGLE):
            yield Column(
                f"{column.name.removesuffix('mean')}sky",
                sky_angles(column.numbers(), directions),
                unit="deg",
                ucd=column.ucd,
                description=f"east of north, of the line at {column.name}",
            )


def sky_angles(
    degrees: Float64[np.ndarray, " galaxy"], directions: Float64[np.ndarray, "galaxy 2 2"]
) -> Float32[np.ndarray, " galaxy"]:
    """Position angles [degree] on the sky, east of north in [0, 180), of lines in images."""
    angle = np.radians(degrees)
    line = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    east, north = np.einsum("gsi,gi->sg", directions, line)
    found = np.degrees(np.arctan2(east, north)).astype(np.float32) % np.float32(180)
    whole: np.ndarray = np.where(found >= 180, np.float32(0), found)  # what rounding makes of -1e-9
    return whole


MEAN_ANGLE = "position_angle_mean"
UCDS = {"median": "stat.median", "mean": "stat.mean", "std": "stat.stdev"}


def single(values: Tensor) -> Float32[np.ndarray, "galaxy ..."]:
    """The values as 32-bit numbers."""
    array: Float32[np.ndarray, "galaxy ..."] = values.to(torch.float32).numpy()
    return array
