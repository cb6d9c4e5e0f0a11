"""Facts about catalogues that are read part by part."""

import weakref

import numpy as np
import pytest

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.streams import Stream
from gampen.storage.tables import read_catalog, write_stream


def part(galaxies=3, **columns):
    """A part of a catalogue, with other columns where they are given."""
    reals = np.arange(galaxies, dtype=np.float32)
    values = {"name": np.full(galaxies, "a" * galaxies), "x": reals, **columns}
    return Catalog(tuple(Column(name, np.asarray(v), "arcsec") for name, v in values.items()))


def stream_of(*parts):
    return Stream(lambda: iter(parts), {"note": "of all"})


def test_the_model_has_types_that_hold_the_values_of_all_parts():
    parts = (part(2, x=np.array([1, 2])), part(5, x=np.zeros(5)), part(0))
    model, galaxies = stream_of(*parts).survey()
    assert (galaxies, len(model)) == (7, 0)
    assert model["name"].values.dtype == np.dtype("U5")
    assert model["x"].values.dtype == np.float64
    assert model["x"].unit == "arcsec"


def test_parts_are_given_with_the_types_of_the_model():
    stream = stream_of(part(2, x=np.array([1, 2])), part(3))
    model, _ = stream.survey()
    found = list(stream.alike(model))
    assert [len(each) for each in found] == [2, 3]
    assert {each["x"].values.dtype for each in found} == {np.dtype(np.float64)}
    assert found[0]["x"].values.tolist() == [1.0, 2.0]


def test_a_stream_is_read_as_often_as_need_be():
    stream = stream_of(part(2), part(3))
    for _ in range(2):
        assert len(stream.whole()) == 5
    assert stream.whole().metadata == {"note": "of all"}


def test_a_change_reaches_every_part():
    numbers = Stream(lambda: (each.select(["x"]) for each in (part(2), part(3))), {"note": "mine"})
    doubled = numbers.map(lambda column: Column(column.name, 2 * column.values))
    assert doubled.whole()["x"].values.tolist() == [0, 2, 0, 2, 4]
    assert doubled.whole().metadata == {"note": "mine"}


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (part(2, y=np.zeros(2)), "the same columns; got name, x and then name, x, y"),
        (part(2, x=np.array(["a", "b"])), "x: .* got float32 numbers and then text"),
        (part(2, x=np.zeros((2, 3))), "x: .* got float32 numbers and then vectors of 3"),
    ],
)
def test_parts_of_different_columns_are_refused(tmp_path, other, reason):
    with pytest.raises(UsageError, match=reason):
        write_stream(stream_of(part(3), other), tmp_path / "a.fits")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".fits", ".csv", ".parquet"])
def test_no_more_than_two_parts_are_in_memory_at_a_time(tmp_path, suffix):
    alive, most = weakref.WeakSet(), []

    def parts():
        for _ in range(6):
            each = part(3)
            alive.add(each)
            most.append(len(alive))
            yield each

    write_stream(Stream(parts), tmp_path / f"a{suffix}")
    assert len(most) == 12
    assert max(most) <= 2
    assert len(read_catalog(tmp_path / f"a{suffix}")) == 18


def test_whoever_asks_is_told_of_the_rows_of_the_last_pass(tmp_path):
    told = []
    write_stream(Stream(stream_of(part(2), part(3)).open, told=told.append), tmp_path / "a.fits")
    assert told == [2, 3]
