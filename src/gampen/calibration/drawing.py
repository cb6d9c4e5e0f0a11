"""Truths among draws of their own posteriors, in unconstrained space."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64

from gampen.probability.densities import slices

DRAWS = 200
POINTS = 2**17  # drawn at a time, so that memory stays bounded


def generator(seed: int, purpose: str) -> torch.Generator:
    """The random numbers of one purpose, shared with no other, nor with what else has this seed.

    Truths that were themselves drawn from posteriors, with the same seed, are then no draws of
    the tests.
    """
    states = np.random.SeedSequence([seed, *purpose.encode()]).generate_state(1)
    return torch.Generator().manual_seed(int(states[0]))


def parts_of(galaxies: int, draws: int) -> list[slice]:
    """Slices of galaxies of which that many draws are held at a time."""
    return slices(galaxies, max(1, POINTS // draws))


def level_among(
    before: Float64[np.ndarray, " galaxy"], draws: int, seed: int
) -> Float64[np.ndarray, " galaxy"]:
    """The place of each truth among its draws, of which `before` come first, as a level.

    Drawn at random within its step, so that it is exactly uniform at any number of draws where
    truths and draws are of one kind.
    """
    numbers = generator(seed, "level")
    within = torch.rand(len(before), generator=numbers, dtype=torch.float64).numpy()
    level: np.ndarray = (before + within) / (draws + 1)
    return level
