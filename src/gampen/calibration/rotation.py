"""Rotation stability: how far a posterior moves when its galaxy is turned, or mirrored.

What a galaxy is does not depend on how the camera was held, so all that a posterior moves is error.
Simulated galaxies can be rendered anew (`Sersic.rotated`); images of real ones are resampled, which
smooths their noise a little, but for quarter turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Shaped
from torch.nn import functional

from gampen.cutouts import Cutout, Cutouts
from gampen.errors import UsageError
from gampen.parameters.pairs import mirrored_slope, turned_covariance, turned_mixture
from gampen.posterior import Posterior
from gampen.settings import Scaling

QUARTER = 90.0  # [degree] by multiples of which pixels fall on pixels
TOUCHED = 1e-3  # share of a bad pixel in a resampled one that spoils it
WITHIN_68 = ((1 - 0.6827) / 2, (1 + 0.6827) / 2)


def turned(cutout: Cutout, degrees: float, mirrored: bool = False) -> Cutout:
    """The cutout turned counter-clockwise about its centre, after it was mirrored along x.

    Only what lies within the largest circle is kept, so that all angles see the same sky; pixels
    beyond are bad. Its square has the cutout's shorter side. Quarter turns are exact, others by
    cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711). The WCS, no longer true, is left
    out.
    """
    pixels, bad = _square(cutout.pixels), _square(cutout.bad)
    if mirrored:
        pixels, bad = pixels[:, ::-1], bad[:, ::-1]
    if degrees % QUARTER == 0:
        # rows go upwards, and rot90 turns from the first axis to the second
        quarters = -round(degrees / QUARTER)
        pixels, bad = np.rot90(pixels, quarters), np.rot90(bad, quarters)
    else:
        pixels, bad = _resampled(pixels, bad, degrees)
    facts = {"pixels": np.ascontiguousarray(pixels), "bad": bad | _beyond(len(pixels)), "wcs": {}}
    return replace(cutout, **facts)


def _square(plane: Shaped[np.ndarray, "height width"]) -> Shaped[np.ndarray, "side side"]:
    """The central square of a plane."""
    side = min(plane.shape)
    row, column = ((length - side) // 2 for length in plane.shape)
    return plane[row : row + side, column : column + side]


def _beyond(side: int) -> Bool[np.ndarray, "side side"]:
    """The pixels beyond the largest circle."""
    place = np.arange(side) - (side - 1) / 2
    beyond: Bool[np.ndarray, "side side"] = np.hypot(place[:, None], place[None, :]) > side / 2
    return beyond


def _resampled(
    pixels: Float32[np.ndarray, "side side"], bad: Bool[np.ndarray, "side side"], degrees: float
) -> tuple[Float32[np.ndarray, "side side"], Bool[np.ndarray, "side side"]]:
    planes = torch.from_numpy(np.stack([np.where(bad, 0, pixels), bad]).astype(np.float32))[None]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    theta = torch.tensor([[[cosine, sine, 0.0], [-sine, cosine, 0.0]]])
    grid = functional.affine_grid(theta, list(planes.shape), align_corners=False)
    image, spoilt = functional.grid_sample(planes, grid, mode="bicubic", align_corners=False)[0]
    return image.numpy(), spoilt.abs().numpy() > TOUCHED


@dataclass(frozen=True)
class Turn:
    """By how much a galaxy was turned, after it was mirrored along x or not."""

    degrees: float
    mirrored: bool = False


def all_turns(angles: Sequence[float], mirrored: bool = False) -> tuple[Turn, ...]:
    """Turns by every angle [degree]; with `mirrored`, all of them again from behind."""
    if not angles:
        raise UsageError("there must be at least one angle; got none")
    sides = (False, True) if mirrored else (False,)
    return tuple(Turn(angle, side) for side in sides for angle in angles)


def turns(cutout: Cutout, angles: Sequence[float], mirrored: bool = False) -> Cutouts:
    """The cutout at every angle [degree]; with `mirrored`, all of them again from behind."""
    each = all_turns(angles, mirrored)
    return Cutouts.of(turned(cutout, turn.degrees, turn.mirrored) for turn in each)


def turned_back(posterior: Posterior, turns: Sequence[Turn]) -> Posterior:
    """The posterior as if no galaxy had been turned: all pairs in one orientation.

    `UsageError` where there are pairs and not a turn for each row.
    """
    space = posterior.space
    if not space.pairs:
        return posterior
    if len(turns) != len(posterior):
        raise UsageError(
            f"pairs turn with their galaxy, so each posterior needs its turn; got {len(turns)} "
            f"turns of {len(posterior)} posteriors"
        )
    back = torch.tensor([-2 * math.radians(turn.degrees) for turn in turns], dtype=torch.float64)
    heading = torch.stack([back.cos(), back.sin()], dim=-1)
    mirrored = torch.tensor([turn.mirrored for turn in turns])
    slope = torch.where(mirrored[:, None], mirrored_slope(space, back), 1.0)
    mixture = turned_mixture(space, posterior.mixture, heading)
    mixture = mixture.affine(slope, torch.zeros_like(slope))
    epistemic = turned_covariance(space, posterior.epistemic, heading)
    epistemic = epistemic * slope[:, :, None] * slope[:, None, :]
    return replace(posterior, mixture=mixture, epistemic=epistemic)


@dataclass(frozen=True)
class Stability:
    """The posteriors of one galaxy at many turns: where they lie and how far they move.

    `medians` and the ends `low` and `high` of the 68.27 % intervals, in the parameters' units.
    """

    names: tuple[str, ...]
    medians: Float64[np.ndarray, "turn parameter"]
    low: Float64[np.ndarray, "turn parameter"]
    high: Float64[np.ndarray, "turn parameter"]
    relative: tuple[bool, ...]

    @classmethod
    def of(cls, posterior: Posterior, turns: Sequence[Turn] = ()) -> Stability:
        """That of a posterior whose every row is a turn of one galaxy.

        A pair is turned back by these turns, one a row, before it is compared.
        """
        posterior = turned_back(posterior, turns)
        levels = torch.tensor([WITHIN_68[0], 0.5, WITHIN_68[1]], dtype=torch.float64)[:, None]
        found = [marginal.ppf(levels).numpy() for marginal in posterior.marginals]
        low, medians, high = np.stack(found, axis=-1)
        relative = tuple(parameter.scaling is not Scaling.NONE for parameter in posterior.space)
        return cls(posterior.space.names, medians, low, high, relative)

    @property
    def moves(self) -> Float64[np.ndarray, "turn parameter"]:
        """How far each median lies from the mean of all: over that mean for radii and fluxes."""
        mean = self.medians.mean(axis=0)
        unit = np.where(self.relative, mean, 1.0)
        moved: Float64[np.ndarray, "turn parameter"] = (self.medians - mean) / unit
        return moved

    @property
    def moves_in_sigma(self) -> Float64[np.ndarray, "turn parameter"]:
        """The same in half-widths of the mean 68.27 % interval."""
        half: Float64[np.ndarray, " parameter"] = (self.high - self.low).mean(axis=0) / 2
        from_mean = self.medians - self.medians.mean(axis=0)
        moved: Float64[np.ndarray, "turn parameter"] = from_mean / half
        return moved

    @property
    def largest(self) -> dict[str, tuple[float, float]]:
        """The largest move of each parameter, as in `moves` and as in `moves_in_sigma`."""
        sizes = np.abs(self.moves).max(axis=0), np.abs(self.moves_in_sigma).max(axis=0)
        return {n: (float(a), float(b)) for n, a, b in zip(self.names, *sizes, strict=True)}
