"""Chunks hold every galaxy once, and the next is fetched while one is used."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.scaling.chunks import ahead, chunks


@given(st.integers(0, 500), st.integers(1, 60))
def test_every_galaxy_is_in_one_chunk_in_order(galaxies, size):
    parts = chunks(galaxies, size)
    assert [galaxy for part in parts for galaxy in part] == list(range(galaxies))
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts)


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_without_galaxies_is_refused(size):
    with pytest.raises(UsageError, match=f"at least 1 galaxy; got {size}"):
        chunks(10, size)


@given(st.integers(0, 30), st.integers(1, 7))
def test_each_chunk_comes_with_what_was_fetched_for_it(galaxies, size):
    parts = chunks(galaxies, size)
    found = list(ahead(lambda part: [10 * galaxy for galaxy in part], parts))
    assert found == [(part, [10 * galaxy for galaxy in part]) for part in parts]


def test_the_next_chunk_and_no_further_one_is_fetched_while_one_is_used():
    parts, fetched = chunks(4, 1), []
    arrived = [threading.Event() for _ in parts]

    def fetch(part):
        fetched.append(part.start)
        arrived[part.start].set()

    for part, _ in ahead(fetch, parts):
        following = part.start + 1
        if following < len(parts):
            assert arrived[following].wait(timeout=30)
        assert fetched == list(range(min(following + 1, len(parts))))


def test_a_failure_to_fetch_is_the_callers():
    def fetch(part):
        if part.start == 2:
            raise UsageError("the disk is gone")
        return part.start

    used = []
    with pytest.raises(UsageError, match="the disk is gone"):
        used.extend(found for _, found in ahead(fetch, chunks(4, 1)))


def test_leaving_early_fetches_no_more():
    fetched = []
    for part, _ in ahead(lambda part: fetched.append(part.start), chunks(100, 1)):
        if part.start == 1:
            break
    assert fetched == [0, 1, 2]
