"""Facts about datasets: folders of Parquet parts, and what they are converted to."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.dataset as arrow_datasets
import pyarrow.parquet as pq
import pytest
import torch
from astropy.io import fits

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.posterior import Posterior
from gampen.storage import datasets
from gampen.storage.datasets import convert, merge_parts, read_parts, write_dataset_metadata
from gampen.storage.tables import TABLE_SUFFIXES, read_catalog, write_catalog
from strategies import random_posterior

SIZES = (3, 1, 5)
NOTES = {"run": "the whole", "b": "two\nlines", "a": "1"}


def rows(galaxies, seed, width=1):
    """A part of a catalogue, whose texts are `width` words long; its metadata are its own."""
    generator = np.random.default_rng(seed)
    reals = generator.normal(size=galaxies)
    columns = (
        Column("object_id", np.array([f"g{seed}-{row};" * width for row in range(galaxies)])),
        Column("ra", reals, "deg", "pos.eq.ra;meta.main", "right ascension"),
        Column("sky_sigma", np.where(reals > 0, np.nan, reals).astype(np.float32), "nJy"),
        Column("flags", generator.integers(0, 99, galaxies).astype(np.int32), ucd="meta.code"),
        Column("good", generator.random(galaxies) > 0.5),
        Column("mixture", generator.normal(size=(galaxies, 4)).astype(np.float32)),
    )
    return Catalog(columns, {"run": f"part {seed}"})


@pytest.fixture
def dataset(tmp_path):
    """A folder of three parts, with what must not be taken for a part."""
    folder = tmp_path / "run"
    folder.mkdir()
    parts = [folder / f"part-{number:05d}.parquet" for number in range(len(SIZES))]
    for number, (size, part) in enumerate(zip(SIZES, parts, strict=True)):
        write_catalog(rows(size, number, width=number + 1), part)
    write_dataset_metadata(folder, parts, NOTES)
    (folder / ".part-00003.parquet.12.part").write_text("torn")
    (folder / "_plan.json").write_text("{}")
    (folder / "_hidden.parquet").write_text("no part")
    return folder, parts


def whole_of(parts):
    return Catalog(Catalog.cat([read_catalog(part) for part in parts]).columns, NOTES)


def assert_same(found, expected):
    assert found.names == expected.names
    assert dict(found.metadata) == dict(expected.metadata)
    for before, after in zip(expected, found, strict=True):
        assert (after.unit, after.ucd, after.description) == (
            before.unit,
            before.ucd,
            before.description,
        )
        if not before.is_text:
            assert after.values.dtype == before.values.dtype
        np.testing.assert_array_equal(after.values, before.values)


def test_a_folder_of_parts_is_read_as_one_catalogue(dataset):
    folder, parts = dataset
    assert_same(read_catalog(folder), whole_of(parts))


def test_a_dataset_is_read_a_part_at_a_time(dataset):
    folder, parts = dataset
    found = list(read_parts(folder))
    assert [len(part) for part in found] == list(SIZES)
    assert all(part.metadata == NOTES for part in found)
    assert_same(Catalog(Catalog.cat(found).columns, NOTES), whole_of(parts))


def test_a_long_row_group_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "MOST_ROWS", 4)
    write_catalog(rows(10, 0), tmp_path / "a.parquet")
    found = list(read_parts(tmp_path / "a.parquet"))
    assert [len(part) for part in found] == [4, 4, 2]
    assert_same(Catalog(Catalog.cat(found).columns, found[0].metadata), rows(10, 0))


def test_other_tables_are_one_part(tmp_path):
    write_catalog(rows(5, 0), tmp_path / "a.fits")
    (found,) = read_parts(tmp_path / "a.fits")
    assert len(found) == 5


def test_a_dataset_without_metadata_says_what_its_first_part_says(dataset):
    folder, _ = dataset
    for name in datasets.METADATA:
        (folder / name).unlink()
    assert read_catalog(folder).metadata == {"run": "part 0"}


def test_arrow_finds_every_row_through_the_metadata_of_the_dataset(dataset):
    folder, parts = dataset
    assert arrow_datasets.parquet_dataset(folder / "_metadata").to_table().num_rows == sum(SIZES)
    footer = pq.read_metadata(folder / "_metadata")
    paths = [footer.row_group(n).column(0).file_path for n in range(footer.num_row_groups)]
    assert paths == [part.name for part in parts]
    assert pq.read_metadata(folder / "_common_metadata").num_row_groups == 0


def test_merged_parts_are_one_file_with_a_row_group_a_part(dataset, tmp_path):
    _, parts = dataset
    merge_parts(parts, tmp_path / "whole.parquet", NOTES)
    assert_same(read_catalog(tmp_path / "whole.parquet"), whole_of(parts))
    footer = pq.read_metadata(tmp_path / "whole.parquet")
    assert [footer.row_group(n).num_rows for n in range(footer.num_row_groups)] == list(SIZES)
    group = footer.row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    for name in ("ra", "sky_sigma", "mixture.list.element"):
        assert "BYTE_STREAM_SPLIT" in columns[name].encodings
    assert not any("DICTIONARY" in name for c in columns.values() for name in c.encodings)


def test_one_merged_part_is_the_file_that_would_be_written_at_once(tmp_path):
    write_catalog(rows(5, 0), tmp_path / "part.parquet")
    whole = Catalog(rows(5, 0).columns, NOTES)
    write_catalog(whole, tmp_path / "at-once.parquet")
    merge_parts([tmp_path / "part.parquet"], tmp_path / "merged.parquet", NOTES)
    assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "at-once.parquet").read_bytes()


def test_the_same_parts_merge_to_the_same_bytes_whatever_the_order_of_the_metadata(
    dataset, tmp_path
):
    _, parts = dataset
    for name, notes in (("a", NOTES), ("b", dict(reversed(NOTES.items())))):
        merge_parts(parts, tmp_path / f"{name}.parquet", notes)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_converted_parts_have_the_bytes_of_their_catalogue_written_at_once(
    dataset, tmp_path, suffix
):
    _, parts = dataset
    write_catalog(whole_of(parts), tmp_path / f"at-once{suffix}")
    convert(parts, tmp_path / f"parts{suffix}", NOTES)
    if suffix == ".parquet":  # which has the parts as row groups
        assert_same(read_catalog(tmp_path / "parts.parquet"), whole_of(parts))
        return
    found, expected = (tmp_path / f"{name}{suffix}" for name in ("parts", "at-once"))
    assert found.read_bytes() == expected.read_bytes()


def astropys_own(catalog, path):
    """The catalogue as astropy writes it in one piece."""
    letters = {"f8": "D", "f4": "E", "i4": "J", "b1": "L"}
    columns = []
    for column in catalog:
        values, repeat = column.values, 1 if column.values.ndim == 1 else column.values.shape[1]
        form = f"{repeat}{letters.get(values.dtype.str[1:])}"
        if column.is_text:
            form = f"{values.dtype.itemsize // 4}A"
        columns.append(fits.Column(column.name, form, unit=column.unit or None, array=values))
    hdu = fits.BinTableHDU.from_columns(columns, name="CATALOG")
    for number, column in enumerate(catalog, start=1):
        for card, text in (("TUCD", column.ucd), ("TCOMM", column.description)):
            if text:
                hdu.header[f"{card}{number}"] = text
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def test_a_fits_table_has_the_bytes_that_astropy_writes(dataset, tmp_path):
    _, parts = dataset
    astropys_own(whole_of(parts), tmp_path / "astropy.fits")
    convert(parts, tmp_path / "parts.fits", {})
    assert (tmp_path / "parts.fits").read_bytes() == (tmp_path / "astropy.fits").read_bytes()


def test_csv_has_the_cells_of_the_whole(dataset, tmp_path):
    _, parts = dataset
    convert(parts, tmp_path / "parts.csv", NOTES)
    whole = whole_of(parts)
    with (tmp_path / "parts.csv").open(newline="") as file:
        head, *cells = list(csv.reader(file))
    assert head == [*whole.names[:-1], *(f"mixture_{entry}" for entry in range(4))]
    assert [row[0] for row in cells] == whole["object_id"].text()
    assert [row[1] for row in cells] == [str(value) for value in whole["ra"].values.tolist()]


@pytest.mark.parametrize("suffix", [".csv", ".fits"])
def test_gaps_in_some_parts_make_numbers_real_in_all(tmp_path, suffix):
    for name, values in (("a", [1, 2]), ("b", [3, None])):
        pq.write_table(pa.table({"count": pa.array(values)}), tmp_path / f"{name}.parquet")
    convert([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path / f"both{suffix}", {})
    found = read_catalog(tmp_path / f"both{suffix}")["count"].values
    np.testing.assert_array_equal(found, [1, 2, 3, np.nan])
    assert found.dtype == np.float64


@pytest.mark.parametrize("suffix", [".parquet", ".fits", ".vot"])
def test_whoever_asks_is_told_how_many_rows_were_written(dataset, tmp_path, suffix):
    told = []
    convert(dataset[1], tmp_path / f"a{suffix}", NOTES, told.append)
    assert told == list(SIZES)


def other(change):
    """A part that differs from the others."""
    part = rows(2, 9)
    return {
        "names": part.select(part.names[:-1]),
        "types": part.with_columns([Column("flags", np.zeros(2))]),
        "units": part.with_columns([Column("ra", np.zeros(2), "arcsec")]),
        "vectors": part.with_columns([Column("mixture", np.zeros((2, 3), dtype=np.float32))]),
    }[change]


@pytest.mark.parametrize("change", ["names", "types", "units", "vectors"])
def test_parts_of_another_run_are_refused(dataset, tmp_path, change):
    folder, parts = dataset
    stranger = folder / "part-00003.parquet"
    write_catalog(other(change), stranger)
    for attempt in (
        lambda: merge_parts([*parts, stranger], tmp_path / "a.parquet", NOTES),
        lambda: convert([*parts, stranger], tmp_path / "a.fits", NOTES),
        lambda: write_dataset_metadata(folder, [*parts, stranger], {}),
        lambda: read_catalog(folder),
    ):
        with pytest.raises(
            UsageError, match=r"part-00003\.parquet differs from part-00000\.parquet"
        ):
            attempt()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize("harm", ["torn", "gone"])
def test_a_torn_or_missing_part_is_one_line_and_leaves_the_old_file(dataset, tmp_path, harm):
    folder, parts = dataset
    (tmp_path / "a.parquet").write_text("old")
    if harm == "torn":
        parts[1].write_bytes(parts[1].read_bytes()[:-20])
    else:
        parts[1].unlink()
    for attempt in (
        lambda: merge_parts(parts, tmp_path / "a.parquet", NOTES),
        lambda: write_dataset_metadata(folder, parts, NOTES),
    ):
        with pytest.raises(UsageError, match=r"part-00001\.parquet must be a sound") as refusal:
            attempt()
        assert "\n" not in str(refusal.value)
    assert (tmp_path / "a.parquet").read_text() == "old"


def test_a_part_that_is_torn_within_is_found_and_leaves_no_file(dataset, tmp_path):
    _, parts = dataset
    content = bytearray(parts[1].read_bytes())
    content[4:200] = bytes(196)  # the footer is sound
    parts[1].write_bytes(content)
    for suffix in (".parquet", ".fits"):
        with pytest.raises(UsageError, match=r"part-00001\.parquet must be a sound"):
            convert(parts, tmp_path / f"a{suffix}", NOTES)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_without_parts_and_no_parts_at_all_are_refused(tmp_path):
    with pytest.raises(UsageError, match="must hold Parquet parts"):
        read_catalog(tmp_path)
    with pytest.raises(UsageError, match="at least one part"):
        merge_parts([], tmp_path / "a.parquet", {})
    with pytest.raises(UsageError, match="must exist"):
        list(read_parts(tmp_path / "none.parquet"))


def test_a_posterior_is_loaded_from_a_folder(tmp_path):
    posterior = random_posterior(5, zero_points=torch.full((5,), 27.0, dtype=torch.float64))
    catalog = posterior.to_catalog()
    for number, galaxies in enumerate((range(2), range(2, 5))):
        write_catalog(catalog.take(np.array(galaxies)), tmp_path / f"part-{number:05d}.parquet")
    found = Posterior.load(tmp_path)
    assert found.object_ids.tolist() == posterior.object_ids.tolist()
    posterior.save(tmp_path / "_whole.parquet")
    assert found.median.equal(Posterior.load(tmp_path / "_whole.parquet").median)
