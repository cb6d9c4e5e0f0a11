"""Facts about folders of galaxies."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Rejection
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY
from gampen.storage.fits import Known
from gampen.storage.layouts import open_folder, read_cutouts, write_folder
from gampen.storage.tables import write_catalog

EXAMPLES = Path(__file__).parents[2] / "examples" / "hsc"


def sky(seed=0, side=20):
    return np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)


def save(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(sky(seed)).writeto(path)
    return path


def star(path):
    rows, columns = np.indices((25, 25)) - 12
    fits.PrimaryHDU(np.exp(-(rows**2 + columns**2) / 8).astype(np.float32)).writeto(path)


@pytest.fixture
def listed(tmp_path):
    """A folder of three cutouts; writes the info table that a test asks for."""
    for seed, name in enumerate("abc"):
        save(tmp_path / "cutouts" / f"{name}.fits", seed)

    def write(table="info.csv", **columns):
        columns.setdefault("file_name", ["c.fits", "a.fits", "b.fits"])
        values = {name: np.array(value) for name, value in columns.items()}
        write_catalog(Catalog.of(**values), tmp_path / table)
        return tmp_path

    return write


def reasons(folder, known=None):
    return [getattr(item, "reason", "") for item in read_cutouts(folder, known)]


@pytest.mark.parametrize(
    "table", ["info.csv", "info.parquet", "info.fits", "info.ecsv", "info.vot"]
)
def test_the_order_of_the_info_table_counts(listed, table):
    folder = open_folder(listed(table, object_id=["3", "1", "2"], z=[0.3, 0.1, 0.2]))
    assert folder.catalog.names == ("object_id", "file_name", "z")
    cutouts = list(read_cutouts(folder))
    assert [cutout.object_id for cutout in cutouts] == ["3", "1", "2"]
    for cutout, seed in zip(cutouts, (2, 0, 1), strict=True):
        np.testing.assert_array_equal(cutout.pixels, sky(seed))


def test_without_ids_the_names_serve(listed):
    assert open_folder(listed()).object_ids == ["c", "a", "b"]


def test_the_table_itself_may_be_named(listed):
    path = listed("selection.csv", file_name=["b.fits"]) / "selection.csv"
    assert open_folder(path).object_ids == ["b"]


def test_loose_files_come_in_the_order_of_their_names(tmp_path):
    for name in ("b.fits", "a10.fit", "a2.fits.gz", "cutouts/c.FITS", ".hidden.fits"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    folder = open_folder(tmp_path)
    assert folder.file_names == ["a10.fit", "a2.fits.gz", "b.fits", "cutouts/c.FITS"]
    assert folder.object_ids == ["a10", "a2", "b", "c"]
    assert reasons(folder) == ["", "", "", ""]


def test_loose_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    save(tmp_path / "a.fits")
    save(tmp_path / "cutouts" / "a.fits")
    assert open_folder(tmp_path).object_ids == ["a.fits", "cutouts/a.fits"]


def test_a_single_file_is_a_folder_of_one(tmp_path):
    folder = open_folder(save(tmp_path / "a.fits"))
    assert len(folder) == 1
    assert next(iter(read_cutouts(folder))).object_id == "a"


def test_galaxies_are_taken_in_the_order_chosen(listed):
    folder = open_folder(listed()).take([2, 0])
    assert [cutout.object_id for cutout in read_cutouts(folder)] == ["b", "c"]


def test_columns_go_before_headers_and_the_caller_before_columns(listed, tmp_path):
    star(tmp_path / "psf.fits")
    folder = open_folder(
        listed(
            ra=[1.0, 2.0, np.nan],
            dec=[-1.0, -2.0, np.nan],
            psf_fwhm_arcsec=[0.6, np.nan, 0.8],
            psf_file=["", "psf.fits", ""],
            zero_point=[27.0, 27.5, np.nan],
            pixel_scale_arcsec=[0.2, 0.2, 0.2],
        )
    )
    first, second, third = read_cutouts(folder)
    assert (first.ra, first.dec, first.zero_point) == (1.0, -1.0, 27.0)
    assert first.psf_fwhm == pytest.approx(3.0)
    assert second.psf_fwhm == pytest.approx(4 * np.sqrt(2 * np.log(2)), rel=0.03)
    assert (third.ra, third.zero_point) == (None, None)
    told = list(read_cutouts(folder, Known(psf_fwhm=1.0, zero_point=30.0)))
    assert [cutout.psf_fwhm for cutout in told] == pytest.approx([5.0] * 3)
    assert [cutout.zero_point for cutout in told] == [30.0] * 3


def test_one_bad_galaxy_is_one_rejection_in_its_place(listed, tmp_path):
    (tmp_path / "cutouts" / "empty.fits").write_bytes(b"")
    names = ["a.fits", "empty.fits", "none.fits", "", "b.fits"]
    folder = open_folder(listed(object_id=list("abcde"), file_name=names, ra=[1.0] * 5))
    items = list(read_cutouts(folder))
    assert [isinstance(item, Rejection) for item in items] == [False, True, True, True, False]
    assert [item.object_id for item in items] == list("abcde")
    assert items[1].ra == 1.0
    assert "it is empty" in items[1].reason
    assert "it is missing" in items[2].reason
    assert "file_name must be given" in items[3].reason


@pytest.mark.parametrize("kind", ["up", "absolute", "link", "folder link", "psf"])
def test_no_name_leads_out_of_the_folder(listed, tmp_path_factory, tmp_path, kind):
    outside = save(tmp_path_factory.mktemp("outside") / "secret.fits")
    (tmp_path / "cutouts" / "link.fits").symlink_to(outside)
    (tmp_path / "door").symlink_to(outside.parent)
    name = {
        "up": os.path.relpath(outside, tmp_path / "cutouts"),
        "absolute": str(outside),
        "link": "link.fits",
        "folder link": "door/secret.fits",
        "psf": "a.fits",
    }[kind]
    psf = [str(outside) if kind == "psf" else ""]
    folder = open_folder(listed(file_name=[name], psf_file=psf))
    assert "must stay inside of its folder" in reasons(folder)[0]


def test_the_folder_and_its_cutouts_may_themselves_be_links(tmp_path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    save(elsewhere / "a.fits")
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "cutouts").symlink_to(elsewhere)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_catalog(Catalog.of(file_name=np.array(["a.fits"])), tmp_path / "real" / "info.csv")
    assert reasons(open_folder(tmp_path / "link")) == [""]


@pytest.mark.parametrize("name", ["a\0b.fits", "x" * 5000, ".", "cutouts"])
def test_odd_names_are_rejected_and_do_not_stop_the_others(listed, name):
    write = listed(object_id=["x", "a"], file_name=["placeholder", "a.fits"])
    folder = open_folder(write)
    names = folder.catalog["file_name"]
    odd = type(names)("file_name", np.array([name, "a.fits"], dtype=object))
    folder = type(folder)(folder.root, folder.catalog.with_columns([odd]))
    first, second = reasons(folder)
    assert first
    assert not second


def test_what_cannot_be_opened_is_refused_in_one_line(tmp_path, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    cases = {
        "there is no": tmp_path / "none",
        "must hold FITS files or an info table": empty,
        "must have a column 'file_name'; it has ra": write_info(tmp_path_factory, "ra\n1\n"),
        "it has file_name;ra: put commas between": write_info(
            tmp_path_factory, "file_name;ra\na.fits;1\n"
        ),
        "it has File_Name, ra: write 'File_Name' as 'file_name'": write_info(
            tmp_path_factory, "File_Name,ra\na.fits,1\n"
        ),
        "must list at least one galaxy": write_info(tmp_path_factory, "file_name\n"),
        "1 are not, the first is 'a'": write_info(
            tmp_path_factory, "object_id,file_name\na,a.fits\na,b.fits\n"
        ),
    }
    for reason, path in cases.items():
        with pytest.raises(UsageError, match=reason) as refusal:
            open_folder(path)
        assert "\n" not in str(refusal.value)


def write_info(factory, text):
    folder = factory.mktemp("listed")
    (folder / "info.csv").write_text(text)
    return folder


def test_two_info_tables_are_refused(listed):
    listed("info.csv")
    with pytest.raises(UsageError, match=r"one info table; it holds info.parquet, info.csv"):
        open_folder(listed("info.parquet"))


def test_a_written_folder_is_read_back(tmp_path):
    truths = {name: np.array([0.25, 0.5]) for name in MORPHOLOGY.names}
    catalog = Catalog.of(
        object_id=np.array(["x", "y"]), file_name=np.array(["x.fits", "y.fits"]), **truths
    )
    known = {"psf_fwhm": 3.0, "pixel_scale": 0.2, "zero_point": 27.0, "ra": 10.0, "dec": 5.0}
    cutouts = (Cutout(sky(seed), **known) for seed in range(2))
    info = write_folder(tmp_path / "new", catalog, cutouts)
    assert info == tmp_path / "new" / "info.csv"
    folder = open_folder(tmp_path / "new")
    assert folder.catalog.parameter_values(MORPHOLOGY).tolist() == [[0.25] * 3, [0.5] * 3]
    for seed, cutout in enumerate(read_cutouts(folder)):
        np.testing.assert_array_equal(cutout.pixels, sky(seed))
        assert cutout.flags == 0
        assert cutout.psf_fwhm == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("names", "count", "reason"),
    [
        (["a.fits", "b.fits"], 1, "must agree; got 2 and 1"),
        (["../a.fits"], 1, "a plain file_name; got '../a.fits'"),
    ],
)
def test_a_folder_that_would_not_be_whole_has_no_table(tmp_path, names, count, reason):
    with pytest.raises(UsageError, match=reason):
        write_folder(tmp_path, Catalog.of(file_name=np.array(names)), [Cutout(sky())] * count)
    assert not (tmp_path / "info.csv").exists()


def test_more_cutouts_than_rows_are_refused(tmp_path):
    catalog = Catalog.of(file_name=np.array(["a.fits"]))
    with pytest.raises(UsageError, match="every cutout must have a plain file_name"):
        write_folder(tmp_path, catalog, [Cutout(sky())] * 2)


def test_the_examples_are_whole_and_their_galaxies_in_the_middle():
    folder = open_folder(EXAMPLES)
    cutouts = list(read_cutouts(folder))
    assert len(cutouts) == 17
    assert not any(isinstance(cutout, Rejection) for cutout in cutouts)
    for cutout in cutouts:
        height, width = cutout.shape
        middle = cutout.pixels[height // 2 - 2 : height // 2 + 3, width // 2 - 2 : width // 2 + 3]
        assert np.median(middle) > np.percentile(cutout.pixels, 80)
        assert cutout.pixel_scale == pytest.approx(0.168)
        assert 2.8 < cutout.psf_fwhm < 3.5
        assert not cutout.bad.any()
    known = [cutout for cutout in cutouts if cutout.zero_point is not None]
    assert len(known) == 16
    assert all(cutout.zero_point == pytest.approx(27.0) for cutout in known)


def test_the_examples_are_small():
    assert sum(path.stat().st_size for path in EXAMPLES.rglob("*")) < 1e6


def test_columns_in_other_units_are_converted_and_unknown_ones_refused(listed, tmp_path):
    listed()
    names = Column("file_name", np.array(["a.fits"]))
    for unit, width in (("deg", 0.72 / 3600), ("arcsec", 0.72)):
        columns = (names, Column("psf_fwhm_arcsec", np.array([width]), unit))
        write_catalog(Catalog(columns), tmp_path / "table.parquet")
        found = next(read_cutouts(open_folder(tmp_path / "table.parquet"), Known(pixel_scale=0.2)))
        assert found.psf_fwhm == pytest.approx(3.6)
    write_catalog(
        Catalog((names, Column("psf_fwhm_arcsec", np.array([3.6]), "pix"))),
        tmp_path / "table.parquet",
    )
    with pytest.raises(UsageError, match=r"'psf_fwhm_arcsec' must be in arcsec.*got 'pix'"):
        open_folder(tmp_path / "table.parquet")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("psf_fwhm_arcsec", -0.7, "psf_fwhm must be a positive number"),
        ("pixel_scale_arcsec", -0.2, "pixel_scale must be a positive number"),
        ("zero_point", -999.0, "zero_point must be from -100 to 100; got -999"),
        ("zero_point", 1e300, "zero_point must be from -100 to 100"),
        ("ra", -999.0, "ra must be from -360 to 360"),
        ("dec", 91.0, "dec must be from -90 to 90; got 91"),
        ("psf_concentration", 7.0, "psf_concentration must be above 0 and at most 1"),
    ],
)
def test_a_number_that_cannot_be_is_one_rejection(listed, column, value, reason):
    columns = {"ra": [1.0] * 3, "dec": [2.0] * 3, "psf_fwhm_arcsec": [0.7] * 3}
    columns["pixel_scale_arcsec"] = [0.2] * 3
    columns[column] = [value, np.nan, np.inf]
    first, *others = reasons(open_folder(listed(**columns)))
    assert reason in first
    assert others == ["", ""]


def test_text_where_a_number_is_wanted_is_refused_in_one_line(listed):
    with pytest.raises(UsageError, match="'ra' must hold numbers; row 1 holds '10:20:30'"):
        open_folder(listed(ra=["10:20:30", "1", "2"]))


def test_a_galaxy_may_have_an_endless_file_name_but_no_endless_id(listed):
    folder = open_folder(listed(object_id=list("xyz"), file_name=["a.fits", "b" * 10**5, "c.fits"]))
    assert reasons(folder) == ["", "the file must exist; it is missing", ""]
    with pytest.raises(UsageError, match=r"at most 255 letters; 'b+\.\.\.' has 99995") as refusal:
        open_folder(listed(file_name=["a.fits", "b" * 99_995, "c.fits"]))
    assert len(str(refusal.value)) < 500


def test_names_that_are_vectors_are_refused(listed):
    path = listed()
    (path / "info.csv").unlink()
    write_catalog(Catalog.of(file_name=np.zeros((2, 3))), path / "info.parquet")
    with pytest.raises(UsageError, match="file_name must hold one name a galaxy"):
        open_folder(path)


def test_a_file_whose_name_is_no_text_is_one_row(tmp_path):
    save(tmp_path / "a.fits")
    (tmp_path / os.fsdecode(b"b\xff.fits")).write_bytes(b"")
    folder = open_folder(tmp_path)
    assert folder.file_names == ["a.fits", "b\\xff.fits"]
    assert reasons(folder) == ["", "the file must exist; it is missing"]


def test_a_fingerprint_tells_files_names_and_facts_apart(listed, tmp_path):
    def fingerprint(**columns):
        return open_folder(listed(**columns)).fingerprint()

    first = fingerprint(ra=[1.0, 2.0, 3.0])
    assert fingerprint(ra=[1.0, 2.0, 3.0]) == first
    assert fingerprint(ra=[1.0, 2.0, 3.5]) != first
    assert fingerprint(file_name=["a.fits", "c.fits", "b.fits"], ra=[1.0, 2.0, 3.0]) != first
    (tmp_path / "cutouts" / "b.fits").write_bytes(b"other")
    assert fingerprint(ra=[1.0, 2.0, 3.0]) != first


def test_a_table_of_any_format_has_the_same_fingerprint(listed):
    prints = set()
    for table in ("table.csv", "table.parquet"):
        prints.add(open_folder(listed(table, ra=[1.5, 2.5, 3.5]) / table).fingerprint())
    assert len(prints) == 1


def test_a_hundred_thousand_rows_are_opened_in_seconds_and_sliced_at_once(tmp_path):
    count = 100_000
    names = np.array([f"galaxy_{number:06d}.fits" for number in range(count)])
    write_catalog(Catalog.of(file_name=names, ra=np.linspace(0, 360, count)), tmp_path / "info.csv")
    start = time.process_time()
    folder = open_folder(tmp_path)
    assert time.process_time() - start < 10
    start = time.process_time()
    missing = "the file must exist; it is missing"
    assert reasons(folder.take(range(90_000, 92_000))) == [missing] * 2000
    assert time.process_time() - start < 5


def test_a_lean_folder_reads_the_same_and_holds_no_more_than_that_takes(listed):
    columns = {"object_id": ["3", "µ", "2"], "ra": [1.0, 2.0, 3.0], "psf_fwhm_arcsec": [0.5] * 3}
    folder = open_folder(listed(**columns, bulge_to_total=[0.1, 0.2, 0.3]))
    lean = folder.lean()
    assert lean.catalog.names == ("object_id", "file_name", "ra", "psf_fwhm_arcsec")
    assert lean.catalog["file_name"].values.dtype == "S6"
    for some in (range(3), range(1, 3)):
        whole, same = folder.take(some), lean.take(some)
        assert (same.object_ids, same.file_names) == (whole.object_ids, whole.file_names)
        for one, other in zip(whole.read(), same.read(), strict=True):
            assert (one.object_id, one.ra, one.psf_fwhm) == (
                other.object_id,
                other.ra,
                other.psf_fwhm,
            )
            assert np.array_equal(one.pixels, other.pixels)
