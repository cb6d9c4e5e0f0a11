"""Facts about damaged and hostile files; `python -m benchmarks.mutations` shows many more."""

import pytest
from benchmarks.mutants import write_files
from benchmarks.mutations import MEGABYTES, SECONDS, examine


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What became of some mutants, read by a process of its own."""
    folder = tmp_path_factory.mktemp("mutants")
    told = write_files(folder, count=250, seed=11, with_bombs=False)
    return told, examine(folder, list(told))


def test_every_damaged_file_is_one_row(found):
    told, outcome = found
    assert list(outcome.rows) == list(told)
    assert not outcome.crashes
    assert not outcome.hangs


def test_no_damaged_file_takes_long_or_much_memory(found):
    _, outcome = found
    assert outcome.slowest[0] < SECONDS
    assert outcome.megabytes < MEGABYTES


def test_each_reason_is_one_line_that_somebody_thought_of(found):
    _, outcome = found
    assert outcome.unforeseen == []
    assert not any("\n" in reason for reason in outcome.rows.values() if reason)


def test_some_mutants_can_still_be_read_and_some_not(found):
    _, outcome = found
    read = sum(reason is None for reason in outcome.rows.values())
    assert 20 < read < 150
