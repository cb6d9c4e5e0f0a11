import pytest

import chores
from gampen.errors import UsageError
from gampen.scaling.engine import here


def test_this_process_does_a_task_when_its_result_is_asked_for():
    drawn = []
    tasks = (drawn.append(number) or number for number in range(5))
    results = here().run(chores.double, tasks)
    assert next(results) == (0, 0)
    assert next(results) == (1, 2)
    assert drawn == [0, 1]
    assert list(results) == [(2, 4), (3, 6), (4, 8)]


def test_what_the_work_raises_here_ends_the_run():
    results = here().run(chores.refuse, range(5))
    assert [next(results) for _ in range(3)] == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(UsageError, match="three must not be asked for"):
        next(results)
