"""Facts about catalogues on disk, in every format."""

import os
import stat
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits, votable
from astropy.io.votable.ucd import check_ucd
from astropy.table import Table
from astropy.units import Unit

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.tables import TABLE_SUFFIXES, read_catalog, write_catalog

RICH = [suffix for suffix in TABLE_SUFFIXES if suffix != ".csv"]


def column(name, values, unit="", ucd="", description=""):
    return Column(name, np.asarray(values), unit, ucd, description)


@pytest.fixture
def catalog():
    single = np.array([0.1, np.nan, 3e-20], dtype=np.float32)
    columns = (
        column("object_id", ["a", "42", "a longer name"], ucd="meta.id;meta.main"),
        column("ident", [1, 2**62 + 1, -3]),
        column("ra", [1 / 3, 1e300, -0.0], "deg", "pos.eq.ra;meta.main", "right ascension"),
        column("effective_radius_median", single, "arcsec", "phys.angSize;stat.median"),
        column("flux_median", [1.5, np.inf, -np.inf], "nJy", "phot.flux;stat.median"),
        column("magnitude_median", [20.5, 21, 22], "mag", "phot.mag;stat.median"),
        column("flags", np.array([0, 8, 1025], dtype=np.int32), ucd="meta.code"),
        column("good", [True, False, True]),
        column("mixture", np.arange(12, dtype=np.float32).reshape(3, 4) / 7),
    )
    notes = {
        "estimator": "universal",
        "flags": '{"1": "a"}',
        "odd": "two\nlines, é",
        "long": "x" * 300,
    }
    return Catalog(columns, notes)


def assert_equal(found, expected):
    assert found.dtype.kind == expected.dtype.kind
    if expected.dtype.kind != "U":
        assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("suffix", RICH)
def test_values_units_and_metadata_come_back_as_they_were(catalog, tmp_path, suffix):
    write_catalog(catalog, tmp_path / f"table{suffix}")
    found = read_catalog(tmp_path / f"table{suffix}")
    assert found.names == catalog.names
    assert dict(found.metadata) == dict(catalog.metadata)
    for before in catalog:
        after = found[before.name]
        assert_equal(after.values, before.values)
        assert (after.unit, after.ucd, after.description) == (
            before.unit,
            before.ucd,
            before.description,
        )


def test_csv_keeps_the_values_exactly_and_spreads_vectors(catalog, tmp_path):
    write_catalog(catalog, tmp_path / "table.csv")
    found = read_catalog(tmp_path / "table.csv")
    assert found.names == (*catalog.names[:-1], *(f"mixture_{entry}" for entry in range(4)))
    for before in catalog.columns[:-1]:
        values = found[before.name].values
        np.testing.assert_array_equal(values.astype(before.values.dtype), before.values)
    np.testing.assert_array_equal(
        found["mixture_2"].values.astype(np.float32), catalog["mixture"].values[:, 2]
    )


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_the_same_catalogue_is_the_same_bytes(catalog, tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_catalog(catalog, first)
    write_catalog(catalog, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_catalogue_of_no_galaxies_keeps_its_columns(catalog, tmp_path, suffix):
    write_catalog(catalog.take(np.array([], dtype=np.int64)), tmp_path / f"a{suffix}")
    found = read_catalog(tmp_path / f"a{suffix}")
    assert len(found) == 0
    assert set(catalog.names[:-1]) <= set(found.names)


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_letters_outside_of_ascii_survive_but_in_fits(tmp_path, suffix):
    write_catalog(Catalog.of(name=np.array(["é", "b"])), tmp_path / f"a{suffix}")
    expected = "\\xe9" if suffix == ".fits" else "é"
    assert read_catalog(tmp_path / f"a{suffix}")["name"].text() == [expected, "b"]


@pytest.mark.parametrize("suffix", RICH)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "f2"])
def test_narrow_types_keep_their_values(tmp_path, suffix, dtype):
    values = np.array([0, 1, 100], dtype=dtype)
    write_catalog(Catalog.of(x=values), tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_catalog(tmp_path / f"a{suffix}")["x"].values, values)


def test_astropy_reads_the_fits_table_with_its_units(catalog, tmp_path):
    write_catalog(catalog, tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        hdus.verify("exception")
        assert hdus[1].header["TUCD3"] == "pos.eq.ra;meta.main"
        assert "DATE" not in hdus[0].header
    table = Table.read(tmp_path / "a.fits", hdu=1)
    assert table["effective_radius_median"].unit == Unit("arcsec")
    assert table["mixture"].shape == (3, 4)


def test_the_votable_is_valid(catalog, tmp_path):
    write_catalog(catalog, tmp_path / "a.vot")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = votable.parse(str(tmp_path / "a.vot"), verify="exception")
    fields = {field.name: field for field in file.get_first_table().fields}
    assert fields["ra"].ucd == "pos.eq.ra;meta.main"
    assert all(check_ucd(f.ucd, check_controlled_vocabulary=True) for f in fields.values() if f.ucd)
    assert fields["flux_median"].unit == Unit("nJy", format="vounit")


def test_parquet_is_compressed_by_byte_streams_without_dictionaries(catalog, tmp_path):
    write_catalog(catalog, tmp_path / "a.parquet")
    group = pq.read_metadata(tmp_path / "a.parquet").row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "BYTE_STREAM_SPLIT" in columns["ra"].encodings
    assert "BYTE_STREAM_SPLIT" in columns["mixture.list.element"].encodings
    assert not any("DICTIONARY" in name for c in columns.values() for name in c.encodings)


def test_parquet_of_pandas_is_read_without_its_index_and_with_its_gaps(tmp_path):
    import pyarrow as pa

    table = pa.table(
        {
            "name": pa.array(["a", None]).dictionary_encode(),
            "count": pa.array([1, None]),
            "pair": pa.array([[1, 2], [3]]),
            "__index_level_0__": [0, 1],
        }
    )
    pq.write_table(table.replace_schema_metadata({"pandas": "{}"}), tmp_path / "a.parquet")
    found = read_catalog(tmp_path / "a.parquet")
    assert found.names == ("name", "count", "pair")
    assert found["name"].text() == ["a", ""]
    np.testing.assert_array_equal(found["count"].values, [1, np.nan])
    assert not found.metadata


def write_text(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_file_of_a_spreadsheet_is_read(tmp_path):
    text = "\ufeffobject_id,ra , z\r\n00123,1.5,\r\n00124,2,0.5\r\n\r\n"
    found = read_catalog(write_text(tmp_path / "a.csv", text))
    assert found.names == ("object_id", "ra", "z")
    assert found["object_id"].text() == ["00123", "00124"], "an id keeps its zeros"
    np.testing.assert_array_equal(found["z"].values, [np.nan, 0.5])


def test_an_index_of_pandas_is_dropped(tmp_path):
    assert read_catalog(write_text(tmp_path / "a.csv", ",ra\n0,1.5\n")).names == ("ra",)


@pytest.mark.parametrize("cells", [["43158172147384603", ""], ["9" * 25, "1"], ["1e5x", "2"]])
def test_a_number_too_long_for_its_type_stays_text(tmp_path, cells):
    found = read_catalog(
        write_text(tmp_path / "a.csv", "x,y\n" + "".join(f"{c},0\n" for c in cells))
    )
    assert found["x"].text() == cells


def test_whole_numbers_of_eighteen_digits_are_exact(tmp_path):
    found = read_catalog(write_text(tmp_path / "a.csv", "x\n431581721473846031\n2\n"))
    assert found["x"].values.tolist() == [431581721473846031, 2]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "", "line of column names"),
        ("a.csv", "a,b\n1\n", "row 2 must have 2 cells; it has 1"),
        ("a.csv", "a,a\n1,2\n", "distinct names"),
        ("a.parquet", "not parquet", "sound .parquet table"),
        ("a.fits", "not fits", "sound .fits table"),
        ("a.vot", "not xml", "sound .vot table"),
        ("a.ecsv", "# %ECSV 1.0\n# nonsense", "sound .ecsv table"),
    ],
)
def test_a_damaged_table_is_refused_in_one_line(tmp_path, name, text, reason):
    with pytest.raises(UsageError, match=reason) as refusal:
        read_catalog(write_text(tmp_path / name, text))
    assert "\n" not in str(refusal.value)


def test_a_fits_image_is_no_table(tmp_path):
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(tmp_path / "a.fits")
    with pytest.raises(UsageError, match="must hold a binary table"):
        read_catalog(tmp_path / "a.fits")


def test_unknown_suffixes_and_missing_files_are_refused(catalog, tmp_path):
    with pytest.raises(UsageError, match=r"must end in one of .parquet, .csv, .*; got 'a.xls'"):
        write_catalog(catalog, tmp_path / "a.xls")
    with pytest.raises(UsageError, match="there is no file"):
        read_catalog(tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", RICH)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(catalog, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    odd = catalog.with_columns([column("z", [1j, 2j, 3j])])
    with pytest.raises(UsageError, match="z: values must be numbers or text; got complex128"):
        write_catalog(odd, path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_is_not_there_is_refused(catalog, tmp_path):
    with pytest.raises(UsageError, match=r"the folder of .* must exist"):
        write_catalog(catalog, tmp_path / "none" / "a.csv")


def test_a_path_that_cannot_be_written_is_refused(catalog, tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(UsageError, match="must be writable; got: Is a directory"):
        write_catalog(catalog, tmp_path / "a.csv")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_a_written_file_has_the_permissions_of_any_new_file(catalog, tmp_path):
    mask = os.umask(0)
    os.umask(mask)
    write_catalog(catalog, tmp_path / "a.csv")
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o666 & ~mask


def test_numbers_of_any_byte_order_and_truth_values_survive(tmp_path):
    swapped = np.array([[1, 2], [3, 4]], dtype=">i4")
    catalog = Catalog.of(swapped=swapped, true=np.array([True, False]))
    write_catalog(catalog, tmp_path / "a.parquet")
    back = read_catalog(tmp_path / "a.parquet")
    assert back["swapped"].values.tolist() == [[1, 2], [3, 4]]
    assert back["true"].values.tolist() == [True, False]


def test_a_csv_file_that_is_not_utf8_is_refused_in_one_line(tmp_path):
    for content in ("na\u00efve\n1\n".encode("latin-1"), "a,b\n1,2\n".encode("utf-16")):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(UsageError, match="must be UTF-8 text; it holds the byte 0x") as refusal:
            read_catalog(tmp_path / "a.csv")
        assert "\n" not in str(refusal.value)


def test_quoted_cells_hold_commas_quotes_and_lines(tmp_path):
    text = 'name,x\r\n"a, ""b""\nc",1\r\n'
    assert read_catalog(write_text(tmp_path / "a.csv", text))["name"].text() == ['a, "b"\nc']


def test_cells_of_every_block_make_one_column(tmp_path, monkeypatch):
    monkeypatch.setattr("gampen.storage.delimited.ROWS_AT_ONCE", 2)
    text = "n,x,t,u\n1,0.5,a,a\n2,,b,\u00fc\n3,2e3,ccc,c\n"
    found = read_catalog(write_text(tmp_path / "a.csv", text))
    assert found["n"].values.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found["x"].values, [0.5, np.nan, 2000])
    assert found["t"].text() == ["a", "b", "ccc"]
    assert found["u"].text() == ["a", "\u00fc", "c"]
    with pytest.raises(UsageError, match="row 4 must have 1 cells; it has 2"):
        read_catalog(write_text(tmp_path / "a.csv", "x\n1\n2\n3,4\n"))


def test_one_endless_cell_does_not_lengthen_all_others(tmp_path):
    text = "x\n" + "a\n" * 20_000 + "b" * 100_000 + "\n"
    found = read_catalog(write_text(tmp_path / "a.csv", text))["x"]
    assert found.values.dtype == object
    assert found.text()[-2:] == ["a", "b" * 100_000]


@pytest.mark.parametrize("keyword", ["TFIELDS", "NAXIS"])
def test_a_fits_table_of_endless_columns_is_refused_before_room_is_made(catalog, tmp_path, keyword):
    write_catalog(catalog, tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    start = content.index(f"{keyword:<8}=".encode())
    claim = f"{keyword:<8}= {10**19:>20}".ljust(80).encode()
    (tmp_path / "a.fits").write_bytes(content[:start] + claim + content[start + 80 :])
    with pytest.raises(UsageError, match="at most 999 columns"):
        read_catalog(tmp_path / "a.fits")
