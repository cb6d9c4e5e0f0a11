"""Decks: every galaxy once a round, and the same for the same step."""

import numpy as np
import pytest

from gampen.training.decks import Deck


@pytest.mark.parametrize(("galaxies", "each"), [(10, 4), (7, 7), (3, 8)])
def test_every_galaxy_comes_once_a_round(galaxies, each):
    deck = Deck(galaxies, each, seed=1)
    shown = np.concatenate([deck.hand(step) for step in range(3 * galaxies)])
    rounds = shown[: len(shown) // galaxies * galaxies].reshape(-1, galaxies)
    assert (np.sort(rounds, axis=1) == np.arange(galaxies)).all()
    assert len({tuple(row) for row in rounds.tolist()}) > 1


def test_a_step_is_the_same_whenever_it_is_asked_for():
    one, other = Deck(50, 8, seed=2), Deck(50, 8, seed=2)
    for step in (40, 3):
        assert one.hand(step).tolist() == other.hand(step).tolist()
        assert one.turns(step).tolist() == other.turns(step).tolist()
    assert Deck(50, 8, seed=3).hand(3).tolist() != one.hand(3).tolist()


def test_all_eight_orientations_come_equally_often():
    deck = Deck(100, 50, seed=0)
    counts = np.bincount(np.concatenate([deck.turns(step) for step in range(160)]), minlength=8)
    # Of 8,000 turns 1,000 are expected of each, with a deviation of 30.
    assert abs(counts - 1000).max() < 120
