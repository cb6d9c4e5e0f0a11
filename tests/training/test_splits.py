"""Splits: of the size asked for, alike in each, the same for the same ids, no galaxy in two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.settings import SplitKind, SplitSettings
from gampen.training.splits import (
    PARTS,
    TEST,
    TRAINING,
    VALIDATION,
    evenly,
    groups_of,
    near_pairs,
    split_of,
    strata_of,
)

KINDS = pytest.mark.parametrize("kind", list(SplitKind))


def ids(number):
    return [f"galaxy-{place}" for place in range(number)]


def labels(number, parameters=2, seed=0):
    return np.random.default_rng(seed).normal(size=(number, parameters))


def alone(number):
    return np.arange(number)


@KINDS
@pytest.mark.parametrize(("validation", "test"), [(0.2, 0.2), (0.2, 0.0), (0.1, 0.35)])
def test_parts_have_the_sizes_asked_for(kind, validation, test):
    settings = SplitSettings(kind, validation, test)
    part = split_of(ids(1000), labels(1000), alone(1000), settings)
    counts = {name: int((part == name).sum()) for name in PARTS}
    assert counts[VALIDATION] == 1000 * validation
    assert abs(counts[TEST] - 1000 * test) <= 1
    assert sum(counts.values()) == 1000


@KINDS
def test_a_split_follows_from_ids_and_seed_and_not_from_their_order(kind):
    names, known = ids(60), labels(60)
    order = np.random.default_rng(3).permutation(60)
    one = split_of(names, known, alone(60), SplitSettings(kind))
    again = split_of([names[n] for n in order], known[order], alone(60), SplitSettings(kind))
    other = split_of(names, known, alone(60), SplitSettings(kind, seed=1))
    assert one[order].tolist() == again.tolist()
    assert one.tolist() != other.tolist()


def test_strata_give_each_part_its_share_of_rare_labels():
    # Five galaxies in a hundred are far brighter: at random, a split misses them now and then.
    known = labels(100, parameters=1)
    known[:5] += 100
    found = []
    for seed in range(20):
        part = split_of(ids(100), known, alone(100), SplitSettings(seed=seed, test=0.0))
        top = np.argsort(known[:, 0])[-20:]  # one of five bins
        found.append(int((part[top] == VALIDATION).sum()))
    assert set(found) <= {3, 4, 5}


def test_bins_hold_equally_many_and_what_is_not_known_is_one_of_its_own():
    known = np.arange(50.0)[:, None]
    strata = strata_of(known)
    assert np.bincount(strata).tolist() == [10] * 5
    known[::2] = np.nan
    assert len(set(strata_of(known)[::2].tolist())) == 1
    assert set(strata_of(known)[::2].tolist()).isdisjoint(strata_of(known)[1::2].tolist())


@KINDS
def test_galaxies_of_a_group_are_never_parted(kind):
    group = np.repeat(np.arange(40) * 3, 3)  # by the row of their first
    part = split_of(ids(120), labels(120), group, SplitSettings(kind, 0.3, 0.3))
    assert all(len(set(part[group == g])) == 1 for g in set(group.tolist()))
    assert set(part) == set(PARTS)


@given(st.integers(0, 300), st.floats(0, 1))
def test_even_distances_take_the_share_to_the_nearest_galaxy(galaxies, share):
    taken = evenly(galaxies, share)
    assert len(taken) == galaxies
    assert abs(int(taken.sum()) - galaxies * share) <= 0.5


def sky(ra, dec):
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


ARCSEC = 1 / 3600


def test_galaxies_closer_than_an_arcsecond_are_one_also_across_the_meridian_and_at_the_pole():
    ra = np.array([0.0, 359.9999, 10.0, 10.0, 20.0, 200.0, np.nan, np.nan])
    dec = np.array([0.0, 0.0, 0.9 * ARCSEC, 0.0, 90.0, 90 - 0.5 * ARCSEC, 0.0, 0.0])
    pairs = near_pairs(sky(ra, dec), np.radians(ARCSEC))
    assert groups_of(8, pairs).tolist() == [0, 0, 2, 2, 4, 4, 6, 7]


def test_galaxies_further_apart_are_not_one():
    places = sky(np.array([0.0, 0.0, 1.1 * ARCSEC]), np.array([0.0, 1.1 * ARCSEC, 0.0]))
    assert near_pairs(places, np.radians(ARCSEC)).shape == (2, 0)


def test_links_lead_from_one_to_the_next():
    links = np.array([[4, 3, 2, 7], [3, 2, 1, 6]])
    assert groups_of(8, links).tolist() == [0, 1, 1, 1, 1, 5, 6, 6]


@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.6, 0.4), (0.2, -0.1), (1.0, 0.0)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(UsageError, match="validation must be above 0"):
        SplitSettings(validation=shares[0], test=shares[1])


def test_most_galaxies_are_trained_on():
    part = split_of(ids(300), labels(300), alone(300), SplitSettings())
    assert int((part == TRAINING).sum()) == 180
