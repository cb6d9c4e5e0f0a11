"""Facts about catalogues by place on the sky."""

import hats
import numpy as np
import pyarrow as pa
import pyarrow.dataset as arrow_datasets
import pyarrow.parquet as pq
import pytest
from astropy import units
from hats.io.validation import is_valid_catalog
from hats.pixel_math.spatial_index import compute_spatial_index

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage import hats as sky
from gampen.storage.datasets import Rows
from gampen.storage.hats import write_hats
from gampen.storage.parquet import to_arrow
from gampen.storage.tables import read_catalog

GALAXIES = 3000
NOTES = {"posterior": "{}", "estimator": "universal"}


def rows(seed=0, galaxies=GALAXIES):
    """A crowded field in a sky with few galaxies, in no order."""
    generator = np.random.default_rng(seed)
    ra = generator.uniform(0, 360, galaxies)
    dec = np.degrees(np.arcsin(generator.uniform(-1, 1, galaxies)))
    ra[: galaxies // 2], dec[: galaxies // 2] = generator.normal(
        [[150.0], [2.0]], 0.5, (2, galaxies // 2)
    )
    shuffled = generator.permutation(galaxies)
    columns = (
        Column("object_id", np.array([f"g{row}" for row in range(galaxies)])),
        Column("ra", ra[shuffled], "deg", "pos.eq.ra;meta.main", "right ascension"),
        Column("dec", dec[shuffled], "deg", "pos.eq.dec;meta.main"),
        Column("mixture", generator.normal(size=(galaxies, 4)).astype(np.float32)),
    )
    return Catalog(columns)


def in_pieces(catalog, pieces=7):
    """The catalogue as it comes from disk."""
    places = np.array_split(np.arange(len(catalog)), pieces)
    return lambda: (to_arrow(catalog.take(place)) for place in places)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Partitions of 200 rows at most."""
    monkeypatch.setattr(sky, "MOST_ROWS", 200)


@pytest.fixture
def written(tmp_path):
    """A catalogue with gaps, and what was written of it."""
    catalog = rows()
    dec = catalog["dec"].values.copy()
    dec[[5, 6, 7]] = (np.nan, np.inf, 91)
    catalog = catalog.with_columns([Column("dec", dec, "deg", "pos.eq.dec;meta.main")])
    assert write_hats(in_pieces(catalog), tmp_path / "a.hats", NOTES) == (GALAXIES - 3, 3)
    return catalog, tmp_path / "a.hats"


def test_the_library_of_the_format_finds_it_valid(written):
    assert is_valid_catalog(written[1], strict=True)
    found = hats.read_hats(written[1])
    assert len(found) == GALAXIES - 3
    assert found.catalog_info.catalog_name == "a"
    assert found.catalog_info.ra_column == "ra"


def test_every_galaxy_with_a_place_is_there_once_with_its_values(written):
    catalog, path = written
    found = arrow_datasets.parquet_dataset(path / "dataset" / "_metadata").to_table()
    ids = found["object_id"].to_pylist()
    assert sorted(ids) == sorted(set(catalog["object_id"].text()) - {"g5", "g6", "g7"})
    places = np.array([int(name[1:]) for name in ids])
    for name in ("ra", "dec"):
        np.testing.assert_array_equal(found[name].to_numpy(), catalog[name].values[places])
    mixture = np.stack(found["mixture"].to_numpy())
    np.testing.assert_array_equal(mixture, catalog["mixture"].values[places])


def test_rows_lie_in_the_pixel_of_their_file_in_the_order_of_the_sky(written):
    _, path = written
    files = sorted(path.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"))
    orders = set()
    for file in files:
        order, pixel = (int(file.parts[part].split("=")[1].split(".")[0]) for part in (-3, -1))
        table = pq.read_table(file, partitioning=None)
        index = table[sky.INDEX].to_numpy()
        expected = compute_spatial_index(table["ra"].to_numpy(), table["dec"].to_numpy())
        np.testing.assert_array_equal(index, expected)
        assert set((index >> 2 * (29 - order)).tolist()) == {pixel}
        assert (np.diff(index) >= 0).all()
        assert 0 < len(table) <= 200
        orders.add(order)
    assert len(orders) > 2, "crowded fields have smaller partitions"


def test_partitions_are_as_large_as_they_may_be(written):
    _, path = written
    found = hats.read_hats(path).get_healpix_pixels()
    rows_of = {
        (pixel.order, pixel.pixel): pq.read_metadata(
            path
            / "dataset"
            / f"Norder={pixel.order}"
            / f"Dir={pixel.pixel // 10_000 * 10_000}"
            / f"Npix={pixel.pixel}.parquet"
        ).num_rows
        for pixel in found
    }
    for order, pixel in rows_of:
        inside = [
            count
            for (fine, place), count in rows_of.items()
            if fine >= order - 1 and order and place >> 2 * (fine - order + 1) == pixel >> 2
        ]
        assert order == 0 or sum(inside) > 200


def test_units_and_metadata_are_kept(written):
    for file in ("_metadata", "_common_metadata"):
        schema = pq.read_schema(written[1] / "dataset" / file)
        assert schema.field("ra").metadata == {
            b"unit": b"deg",
            b"ucd": b"pos.eq.ra;meta.main",
            b"description": b"right ascension",
        }
        assert schema.metadata == {b"estimator": b"universal", b"posterior": b"{}"}


def test_the_map_covers_all_galaxies(written):
    catalog, path = written
    covered = hats.read_hats(path).moc
    good = np.abs(catalog["dec"].values) <= 90
    places = (catalog[name].values[good] * units.deg for name in ("ra", "dec"))
    assert covered.contains_lonlat(*places).all()
    assert covered.sky_fraction < 0.05


def test_it_is_read_as_any_dataset_is(written):
    catalog, path = written
    found = read_catalog(path)
    assert found.names == (sky.INDEX, *catalog.names)
    assert dict(found.metadata) == NOTES
    assert (found["ra"].unit, found["ra"].ucd) == ("deg", "pos.eq.ra;meta.main")
    places = [int(name[1:]) for name in found["object_id"].text()]
    assert len(set(places)) == GALAXIES - 3
    np.testing.assert_array_equal(found["mixture"].values, catalog["mixture"].values[places])


def test_a_catalogue_of_the_sky_is_written_again_to_the_same_rows(written, tmp_path):
    rows = Rows.of(written[1])
    assert write_hats(rows.tables, tmp_path / "b.hats", rows.metadata) == (GALAXIES - 3, 0)
    before, after = (read_catalog(path) for path in (written[1], tmp_path / "b.hats"))
    assert after["object_id"].text() == before["object_id"].text()
    assert after.names == before.names


def bytes_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_catalogue_is_the_same_bytes_whatever_its_pieces(tmp_path):
    for name, pieces in (("a", 1), ("b", 11)):
        (tmp_path / name).mkdir()
        write_hats(in_pieces(rows(), pieces), tmp_path / name / "sky.hats", NOTES)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")


def test_a_new_catalogue_takes_the_place_of_an_older_one(tmp_path):
    write_hats(in_pieces(rows()), tmp_path / "a.hats", NOTES)
    write_hats(in_pieces(rows(1, 50)), tmp_path / "a.hats", NOTES)
    assert len(hats.read_hats(tmp_path / "a.hats")) == 50
    assert [path.name for path in tmp_path.iterdir()] == ["a.hats"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_nothing_else_is_written_over(tmp_path, kind):
    path = tmp_path / "a.hats"
    path.mkdir() if kind == "folder" else path.write_text("mine")
    with pytest.raises(UsageError, match=r"must be a new name, or a folder with hats\.properties"):
        write_hats(in_pieces(rows()), path, NOTES)


def test_an_accident_leaves_the_older_catalogue_and_nothing_else(tmp_path, monkeypatch):
    write_hats(in_pieces(rows()), tmp_path / "a.hats", NOTES)
    before = bytes_of(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sky, "write_map", full)
    with pytest.raises(UsageError, match="must be writable; got: No space left on device"):
        write_hats(in_pieces(rows(1)), tmp_path / "a.hats", NOTES)
    assert bytes_of(tmp_path) == before


def test_galaxies_in_one_place_are_one_partition_of_the_smallest(tmp_path):
    ids = np.array([f"g{row}" for row in range(500)])
    catalog = Catalog.of(object_id=ids, ra=np.full(500, 10.0), dec=np.full(500, -5.0))
    write_hats(in_pieces(catalog), tmp_path / "a.hats", NOTES)
    assert [p.order for p in hats.read_hats(tmp_path / "a.hats").get_healpix_pixels()] == [9]


def test_galaxies_in_one_place_stay_in_their_order(tmp_path):
    ids = np.array([f"g{row:04d}" for row in range(900)])
    catalog = Catalog.of(object_id=ids, ra=np.arange(900) % 3 * 90.0 + 5, dec=np.full(900, -5.0))
    write_hats(in_pieces(catalog, 40), tmp_path / "a.hats", NOTES)
    for file in (tmp_path / "a.hats" / "dataset").rglob("Npix=*"):
        found = pq.read_table(file, partitioning=None)["object_id"].to_pylist()
        assert len(found) == 300
        assert found == sorted(found)


def test_positions_in_single_precision_and_with_gaps_are_taken(tmp_path):
    table = pa.table({"ra": pa.array([1, 2, None], pa.float32()), "dec": pa.array([0.5, None, 1])})
    assert write_hats(lambda: iter([table]), tmp_path / "a.hats", {}) == (1, 2)


def test_whoever_asks_is_told_of_every_row(tmp_path):
    told = []
    write_hats(in_pieces(rows()), tmp_path / "a.hats", NOTES, told.append)
    assert sum(told) == GALAXIES


def test_a_catalogue_without_positions_is_refused(tmp_path):
    for catalog, reason in (
        (Catalog.of(object_id=["a"], ra=[1.0]), "must have a column 'dec'"),
        (Catalog.of(ra=[np.nan], dec=[1.0]), "none has both"),
    ):
        with pytest.raises(UsageError, match=reason):
            write_hats(in_pieces(catalog, 1), tmp_path / "a.hats", NOTES)
    assert list(tmp_path.iterdir()) == []
