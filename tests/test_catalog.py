"""Facts about catalogues."""

import numpy as np
import pytest

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY


@pytest.fixture
def catalog():
    names = Column("object_id", np.array(["a", "b", "c"]), ucd="meta.id;meta.main")
    return Catalog((names, Column("ra", np.array([1.0, 2.0, 3.0]), unit="deg")), {"origin": "test"})


def test_a_column_is_found_by_its_name(catalog):
    assert catalog["ra"].unit == "deg"
    assert "ra" in catalog
    assert "dec" not in catalog
    assert catalog.names == ("object_id", "ra")
    assert len(catalog) == 3


def test_a_missing_column_is_named_with_those_there_are(catalog):
    with pytest.raises(UsageError, match="column 'dec'; it has object_id, ra"):
        catalog["dec"]


def test_columns_of_different_lengths_are_refused(catalog):
    with pytest.raises(UsageError, match="object_id 3, ra 3, dec 2"):
        catalog.with_columns([Column("dec", np.zeros(2))])


def test_repeated_names_are_refused():
    column = Column("ra", np.zeros(2))
    with pytest.raises(UsageError, match="distinct names; got ra, ra"):
        Catalog((column, column))


@pytest.mark.parametrize("values", [np.zeros(()), np.zeros((2, 2, 2))])
def test_a_column_is_a_value_or_a_vector_for_each_galaxy(values):
    with pytest.raises(UsageError, match="one value or one vector"):
        Column("cube", values)


def test_a_column_needs_a_name():
    with pytest.raises(UsageError, match="must have a name"):
        Column("", np.zeros(2))


def test_a_known_column_is_replaced_in_its_place_and_a_new_one_follows(catalog):
    changed = catalog.with_columns([Column("dec", np.zeros(3)), Column("object_id", np.arange(3))])
    assert changed.names == ("object_id", "ra", "dec")
    assert changed["object_id"].values.tolist() == [0, 1, 2]
    assert changed.metadata == {"origin": "test"}


def test_rows_are_taken_in_the_order_chosen(catalog):
    assert catalog.take(np.array([2, 0]))["object_id"].text() == ["c", "a"]


def test_rows_are_found_by_id(catalog):
    assert catalog.rows_of(["c", "nobody", "a"]).tolist() == [2, -1, 0]
    assert catalog.rows_of([]).tolist() == []


def test_metadata_grow_and_columns_are_selected(catalog):
    changed = catalog.select(["ra"]).with_metadata(seed="3")
    assert changed.names == ("ra",)
    assert changed.metadata == {"origin": "test", "seed": "3"}


def test_an_empty_catalogue_has_no_galaxies():
    assert len(Catalog(())) == 0


def test_numbers_are_read_from_text_and_empty_cells_are_not_a_number():
    values = np.array(["1.5", "", None], dtype=object)
    np.testing.assert_array_equal(Column("x", values).numbers(), [1.5, np.nan, np.nan])


def test_text_that_is_no_number_is_refused_as_one():
    with pytest.raises(UsageError, match="'x' must hold numbers; got text"):
        Column("x", np.array(["many"])).numbers()


def test_text_of_missing_entries_is_empty():
    assert Column("x", np.array(["a", None], dtype=object)).text() == ["a", ""]


def test_truths_come_in_the_order_of_the_parameters():
    table = {"flux": [3.0], "bulge_to_total": [1.0], "effective_radius": [2.0]}
    catalog = Catalog.of(**{name: np.array(values) for name, values in table.items()})
    assert catalog.has_parameters(MORPHOLOGY)
    assert catalog.parameter_values(MORPHOLOGY).tolist() == [[1.0, 2.0, 3.0]]


def test_missing_truths_are_named(catalog):
    assert not catalog.has_parameters(MORPHOLOGY)
    with pytest.raises(UsageError, match="bulge_to_total"):
        catalog.parameter_values(MORPHOLOGY)
