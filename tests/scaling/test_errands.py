import pickle

import pytest

import chores
from gampen.errors import UsageError
from gampen.scaling import errands
from gampen.scaling.errands import Errand, explained, versions


def done(work, task, wanted=None):
    """What comes of an errand at the other end."""
    packed = pickle.dumps(Errand(pickle.dumps(work), task, wanted or versions()))
    return pickle.loads(packed)  # noqa: S301, it is our own


def test_to_unpickle_an_errand_is_to_do_it():
    assert done(chores.double, 21) == 42


def test_a_worker_of_another_release_refuses():
    other = {**versions(), "gampen": "9.9"}
    with pytest.raises(UsageError, match=r"must run what this process runs.*gampen 9\.9"):
        done(chores.double, 21, other)


def test_the_work_of_a_run_is_unpacked_once():
    errands._unpacked.cache_clear()
    for task in range(3):
        done(chores.double, task)
    assert errands._unpacked.cache_info().misses == 1


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'gampen'"),
        AttributeError("Can't get attribute '_do' on <module 'gampen.scaling.errands'>"),
    ],
)
def test_what_a_worker_lacks_is_a_usage_error(error):
    said = "must have installed what this process has"
    with pytest.raises(UsageError, match=said), explained("at tcp://host:8786"):
        raise error


@pytest.mark.parametrize(
    "error", [AttributeError("no such thing"), OSError(28, "full"), KeyError()]
)
def test_an_error_of_the_work_stays_what_it_is(error):
    with pytest.raises(type(error)) as raised, explained("at tcp://host:8786"):
        raise error
    assert raised.value is error
