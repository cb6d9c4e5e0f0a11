"""A trace leads to the galaxy that kills, and to no other."""

import json

from hypothesis import given
from hypothesis import strategies as st

from gampen.scaling.strikes import GROUP, STRIKES, Trace


class Died(Exception):  # noqa: N818 - what SIGKILL is to a process
    """The process is gone, and its trace stays."""


def attempt(path, order, block, deadly):
    """One process at work on galaxies in blocks, suspects last; what it would leave out."""
    trace = Trace(path)
    left_out = trace.convicted.union(trace.suspects)
    rest = [galaxy for galaxy in order if galaxy not in left_out]
    for start in range(0, len(rest), block):
        work_on(trace, rest[start : start + block], deadly)
    for group in trace.groups():
        work_on(trace, group, deadly)
    trace.remove()
    return trace.convicted


def work_on(trace, galaxies, deadly):
    trace.open(galaxies)
    if deadly.intersection(galaxies):
        raise Died
    trace.close(galaxies)


@given(st.permutations(range(60)), st.integers(1, 60), st.sets(st.integers(0, 59), max_size=3))
def test_galaxies_that_kill_are_found_and_no_others(tmp_path_factory, order, block, deadly):
    path = tmp_path_factory.mktemp("run") / ".trace"
    found, deaths = None, 0
    while found is None:
        try:
            found = attempt(path, order, block, deadly)
        except Died:
            deaths += 1
            assert deaths <= (STRIKES + 2) * len(deadly)
    assert found == deadly
    assert list(path.parent.iterdir()) == []


def test_a_death_by_chance_convicts_nobody(tmp_path):
    path = tmp_path / ".trace"
    for galaxies in (range(40), range(12), [7]):
        trace = Trace(path)
        trace.open(galaxies)  # and then the process is killed from outside
    trace = Trace(path)
    assert trace.strikes == {7: 1}
    assert trace.convicted == set()
    assert [7] in trace.groups()


def test_many_suspects_are_tried_in_groups_and_few_alone(tmp_path):
    path = tmp_path / ".trace"
    Trace(path).open(range(3 * GROUP))
    assert [len(group) for group in Trace(path).groups()] == [GROUP] * 3
    path.unlink()
    Trace(path).open(range(3))
    assert Trace(path).groups() == [[0], [1], [2]]


def test_a_torn_trace_tells_nothing(tmp_path):
    path = tmp_path / ".trace"
    for text in ("", "{", "[]", json.dumps(["abc", [], [], [1]]), "[[1], [2]"):
        path.write_text(text)
        assert Trace(path).suspects == set()


def test_what_ends_after_a_part_was_given_up_leaves_no_trace(tmp_path):
    trace = Trace(tmp_path / ".trace")
    trace.open(range(4))
    trace.remove()
    trace.close([2])
    assert list(tmp_path.iterdir()) == []


def test_work_goes_on_where_no_trace_can_be_left(tmp_path):
    trace = Trace(tmp_path / "nowhere" / ".trace")
    trace.open([1])
    trace.close([1])
    trace.remove()
