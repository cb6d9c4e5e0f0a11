"""The pipeline keeps order and bounds, and a failure is its caller's."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.scaling.pipeline import bucketed, fetched_ahead, lanes


@given(st.lists(st.integers()), st.integers(1, 5))
def test_what_is_fetched_ahead_comes_in_order(items, depth):
    assert list(fetched_ahead(iter(items), depth)) == items


def test_no_more_is_fetched_than_is_asked_for():
    fetched = []

    def source():
        for number in range(100):
            fetched.append(number)
            yield number

    coming = fetched_ahead(source(), 3)
    assert next(coming) == 0
    coming.close()
    assert len(fetched) <= 4


def test_a_failure_to_fetch_is_the_callers():
    def source():
        yield 1
        raise UsageError("the disk is gone")

    coming = fetched_ahead(source(), 2)
    assert next(coming) == 1
    with pytest.raises(UsageError, match="the disk is gone"):
        next(coming)


KINDS = st.lists(st.integers(0, 4), max_size=200)


@given(KINDS, st.integers(1, 9), st.integers(1, 30))
def test_groups_hold_every_item_once_and_one_kind_each(kinds, size, most):
    items = list(enumerate(kinds))
    groups = list(bucketed(items, lambda item: item[1], lambda _: size, most))
    assert sorted(item for group in groups for item in group) == items
    assert all(len({kind for _, kind in group}) == 1 for group in groups)
    assert all(1 <= len(group) <= size for group in groups)


@given(KINDS, st.integers(2, 9), st.integers(1, 30))
def test_no_more_items_wait_than_may(kinds, size, most):
    taken = 0

    def source():
        nonlocal taken
        for kind in kinds:
            taken += 1
            yield kind

    given_out = 0
    for group in bucketed(source(), lambda kind: kind, lambda _: size, most):
        given_out += len(group)
        assert taken - given_out < max(most, 1) or taken == len(kinds)


def test_each_kind_has_a_size_of_its_own():
    groups = list(bucketed("aabbbbaabb", lambda letter: letter, {"a": 2, "b": 3}.get, 100))
    assert ["".join(group) for group in groups] == ["aa", "bbb", "aa", "bbb"]


def test_lanes_have_one_thread_each_and_leave_torch_as_it_was():
    before = torch.get_num_threads()
    with lanes() as side:
        found = [side.submit(torch.get_num_threads) for _ in range(4)]
        assert [future.result() for future in found] == [1] * 4
    assert torch.get_num_threads() == before
    fresh = []
    thread = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert fresh == [before]


def test_submitting_waits_while_too_much_is_waiting():
    gate, submitted = threading.Event(), []

    def submit(side):
        for number in range(50):
            side.submit(gate.wait)
            submitted.append(number)

    with lanes() as side:
        thread = threading.Thread(target=submit, args=(side,))
        thread.start()
        thread.join(timeout=0.3)
        waiting = len(submitted)
        gate.set()
        thread.join()
    assert waiting == torch.get_num_threads() + 1
    assert len(submitted) == 50
