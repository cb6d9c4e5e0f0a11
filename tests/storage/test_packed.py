"""Facts about packed galaxies: they are those that were read, and a damaged file is one line."""

import pickle
import random
import weakref
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from gampen.catalog import Catalog
from gampen.cutouts import Cutout, Flag, Rejection
from gampen.errors import UsageError
from gampen.storage.fits import Known
from gampen.storage.layouts import open_folder
from gampen.storage.mosaics import Cutting, open_mosaics
from gampen.storage.packed import PackedSource, open_packed, write_packed
from gampen.storage.records import ROWS, SCHEMA, batch_of
from gampen.storage.sizes import Size
from gampen.storage.sources import Source, load_cutouts, open_source
from gampen.storage.tables import write_catalog
from patches import HEADERS, write_positions, write_tile

GALAXIES = 2 * ROWS + 7


def image(seed, shape=(20, 24)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def cutout(number):
    """Some galaxy; of every third some pixels are bad."""
    pixels = image(number, (18 + number % 5, 20))
    bad = pixels > (1.5 if number % 3 == 0 else 99)
    name = f"g{number}"
    return Cutout(pixels, bad, name, f"{name}.fits", psf_fwhm=3.0 + number / 7, zero_point=27.0)


def entries(galaxies=GALAXIES):
    """Galaxies, of which every tenth cannot be read."""
    for number in range(galaxies):
        found = cutout(number)
        if number % 10 == 4:
            yield Rejection(found.object_id, found.file_name, "the file must exist", 1.5, None)
        else:
            yield found


@pytest.fixture
def packed(tmp_path):
    """A packed file of three batches."""
    write_packed(entries(), tmp_path / "galaxies.arrow")
    return tmp_path / "galaxies.arrow"


def assert_same(found, expected):
    """Every field of two galaxies is the same, bit for bit."""
    assert type(found) is type(expected)
    for field in fields(found):
        one, other = (getattr(entry, field.name) for entry in (found, expected))
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other, field.name
            assert type(one) is type(other) or field.name == "wcs"


def assert_all_same(found, expected):
    found, expected = list(found), list(expected)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


@pytest.fixture
def folder(tmp_path, stars):
    """A folder of all sorts: an HSC file with a mask, headers, gaps, files that cannot be read."""
    root = tmp_path / "folder"
    root.mkdir()
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.1})
    header.update({"CRVAL2": 2.2, "CRPIX1": 10.0, "CRPIX2": 9.5, "CD1_1": -0.2 / 3600})
    header.update({"CD2_2": 0.2 / 3600, "MAGZERO": 25.9, "PSF_FWHM": (0.7, "arcsec")})
    fits.PrimaryHDU(image(1), header).writeto(root / "header.fits")
    gaps = image(2).astype(np.float64)
    gaps[10, 12] = np.nan
    fits.PrimaryHDU(gaps).writeto(root / "gaps.fits")
    fits.PrimaryHDU(np.ones((20, 20))).writeto(root / "flat.fits")
    (root / "torn.fits").write_bytes((root / "header.fits").read_bytes()[:4000])
    (root / "star.fits").write_bytes(stars[0].read_bytes())
    names = ["star.fits", "header.fits", "gaps.fits", "flat.fits", "torn.fits", "gone.fits"]
    catalog = Catalog.of(
        file_name=names,
        psf_fwhm_arcsec=[0.7, np.nan, 0.6, 0.6, 0.6, 0.6],
        psf_concentration=[np.nan, np.nan, 0.9, np.nan, np.nan, np.nan],
        zero_point=[27.0, np.nan, np.nan, 27.0, 27.0, 27.0],
        pixel_scale_arcsec=[np.nan, np.nan, 0.168, np.nan, np.nan, np.nan],
        ra=[10.0, np.nan, 10.2, 10.3, 10.4, 10.5],
        dec=[1.0, np.nan, 1.2, 1.3, 1.4, 1.5],
    )
    write_catalog(catalog, root / "info.csv")
    return root


@pytest.fixture
def psf_file(tmp_path):
    """The image of a Gaussian PSF."""
    row, column = np.indices((33, 33)) - 16
    path = tmp_path / "psf.fits"
    fits.PrimaryHDU(np.exp(-(row**2 + column**2) / (2 * 1.9**2))).writeto(path)
    return path


def test_packed_galaxies_are_those_of_the_folder(folder, tmp_path):
    source = open_folder(folder)
    done = write_packed(source.read(), tmp_path / "a.arrow")
    assert (done.galaxies, done.rejected) == (6, 3)
    found = open_packed(tmp_path / "a.arrow")
    assert found.object_ids == source.object_ids
    assert_all_same(found.read(), source.read())
    assert_all_same(found.read(Known()), source.read())


@pytest.mark.parametrize(
    "known",
    [
        Known(psf_fwhm=0.9),
        Known(psf_fwhm=0.9, psf_concentration=0.8),
        Known(zero_point=30.0),
        Known(ra=1.0, dec=2.0),
        Known(psf_fwhm=0.9, pixel_scale=0.25),
    ],
)
def test_what_is_known_goes_before_what_was_packed_as_it_does_in_a_folder(folder, tmp_path, known):
    # Concentrations in the table are left out: see the next fact.
    source = open_folder(folder).take([0, 1, 3, 4, 5])
    write_packed(source.read(), tmp_path / "a.arrow")
    assert_all_same(open_packed(tmp_path / "a.arrow").read(known), source.read(known))


def test_a_psf_that_is_given_takes_the_place_of_all_that_was_packed_of_it(
    folder, tmp_path, psf_file
):
    source = open_folder(folder)
    write_packed(source.read(), tmp_path / "a.arrow")
    packed = open_packed(tmp_path / "a.arrow")
    for known in (Known(psf_file=psf_file), Known(psf_file=psf_file, pixel_scale=0.3)):
        assert_all_same(packed.read(known), source.read(known))
    assert list(packed.read(Known(psf_fwhm=0.9)))[2].psf_concentration is None


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known(band="r"), "holds one band; give --band to gampen pack"),
        (Known(pixel_scale=0.2), "give --pixel-scale to gampen pack"),
    ],
)
def test_what_files_had_to_be_read_with_is_refused(packed, known, reason):
    with pytest.raises(UsageError, match=reason):
        list(open_packed(packed).read(known))


def test_what_was_known_is_packed(folder, tmp_path):
    known = Known(psf_fwhm=0.9, pixel_scale=0.25, zero_point=22.5)
    source = open_folder(folder)
    write_packed(source.read(known), tmp_path / "a.arrow")
    assert_all_same(open_packed(tmp_path / "a.arrow").read(), source.read(known))


def test_flags_and_noise_that_came_with_a_cutout_are_kept(tmp_path):
    given = replace(cutout(3), flags=Flag.AT_EDGE | Flag.BLENDED, sky_sigma=0.1)
    write_packed([given], tmp_path / "a.arrow")
    (found,) = open_packed(tmp_path / "a.arrow").read()
    assert_same(found, given)
    assert Flag.AT_EDGE in found.flags


def test_galaxies_of_a_mosaic_are_packed_as_they_are_cut_out(tmp_path):
    tile = write_tile(tmp_path / "tile.fits", SEEING=0.8, **HEADERS["sip"])
    places = [(100.2, 120.7), (6.3, 7.9), (900.0, 290.0)]  # one over the edge, one outside
    catalog = write_positions(tmp_path / "catalog.parquet", places, tile)
    source = open_mosaics([tile], catalog, Cutting(Size(64)))
    done = write_packed(source.read(), tmp_path / "a.arrow")
    assert (done.galaxies, done.rejected) == (3, 1)
    assert_all_same(open_packed(tmp_path / "a.arrow").read(), source.read())


def test_a_packed_file_is_a_source(packed):
    source = open_source(packed)
    assert isinstance(source, Source)
    assert isinstance(source, PackedSource)
    assert len(source) == GALAXIES
    assert source.object_ids == [f"g{number}" for number in range(GALAXIES)]


@pytest.mark.parametrize(
    "slice_", [range(3), range(ROWS, 2 * ROWS), range(30, 40), range(5, 5), range(GALAXIES)]
)
def test_a_slice_is_those_galaxies(packed, slice_):
    expected = list(entries())
    found = open_packed(packed).take(slice_)
    assert len(found) == len(slice_)
    assert found.object_ids == [expected[place].object_id for place in slice_]
    assert_all_same(found.read(), [expected[place] for place in slice_])


def test_a_slice_of_a_slice_counts_from_its_start(packed):
    found = open_packed(packed).take(range(20, 60)).take(range(15, 17))
    assert found.object_ids == ["g35", "g36"]


@pytest.mark.parametrize("slice_", [range(0, 4, 2), range(70, 72), range(-3, 2)])
def test_no_other_slice_is_taken(packed, slice_):
    with pytest.raises(UsageError, match="a slice must be of galaxies 0 to 71"):
        open_packed(packed).take(slice_)


def test_a_slice_travels_light_and_is_read_elsewhere(packed):
    sent = pickle.dumps(open_packed(packed).take(range(40, 50)))
    assert len(sent) < 500
    assert_all_same(pickle.loads(sent).read(), list(entries())[40:50])  # noqa: S301 - our own


def test_pixels_are_used_where_they_lie_and_stay_what_they_are(packed):
    found = [entry for entry in open_packed(packed).read() if isinstance(entry, Cutout)]
    sound = [entry for entry in entries() if isinstance(entry, Cutout)]
    for one, other in zip(found, sound, strict=True):
        assert not one.pixels.flags.owndata
        assert not one.pixels.flags.writeable
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_the_same_galaxies_are_the_same_bytes(packed, tmp_path):
    write_packed(entries(), tmp_path / "again.arrow")
    assert (tmp_path / "again.arrow").read_bytes() == packed.read_bytes()


def test_a_fingerprint_tells_files_and_slices_apart(packed):
    source = open_packed(packed)
    assert source.fingerprint() == open_packed(packed).fingerprint()
    assert source.take(range(5)).fingerprint() != source.fingerprint()
    before = source.fingerprint()
    write_packed(entries(GALAXIES - 1), packed)
    assert open_packed(packed).fingerprint() != before


def test_cutouts_are_loaded_from_a_packed_file(tmp_path):
    write_packed(list(entries(6)), tmp_path / "a.arrow")
    with pytest.warns(UserWarning, match=r"g4\.fits is left out: the file must exist"):
        found = load_cutouts(tmp_path / "a.arrow")
    assert found.object_ids == ("g0", "g1", "g2", "g3", "g5")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    def full():
        yield from entries()
        raise OSError(28, "No space left on device")

    (tmp_path / "a.arrow").write_text("old")
    with pytest.raises(UsageError, match="No space left on device"):
        write_packed(full(), tmp_path / "a.arrow")
    assert (tmp_path / "a.arrow").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.arrow"]


def test_writing_holds_a_batch_of_galaxies_at_a_time(tmp_path):
    alive, most = weakref.WeakSet(), []

    def watched():
        for number in range(4 * ROWS):
            found = cutout(number)
            alive.add(found)
            most.append(len(alive))
            yield found

    write_packed(watched(), tmp_path / "a.arrow")
    assert len(most) == 4 * ROWS
    assert max(most) <= 2 * ROWS


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"must end in \.arrow; got 'a\.npy'"):
        write_packed(entries(), tmp_path / "a.npy")


def refusal(path):
    """The line that a file is refused with."""
    with pytest.raises(UsageError) as refused:
        list(open_packed(path).read())
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_truncated_file_is_one_line_wherever_it_ends(packed):
    whole = packed.read_bytes()
    for end in np.linspace(0, len(whole) - 1, 60).astype(int):
        packed.write_bytes(whole[:end])
        assert "must be a sound packed file" in refusal(packed)


def test_a_file_of_another_kind_is_refused(packed):
    packed.write_bytes(b"SIMPLE  =                    T")
    assert "pack the galaxies again" in refusal(packed)
    with pa.ipc.new_file(packed, pa.schema([("object_id", pa.string())])) as file:
        file.write_batch(pa.record_batch({"object_id": pa.array(["a"])}))
    assert "must be a sound packed file" in refusal(packed)
    with pa.ipc.new_file(packed, SCHEMA.with_metadata({"gampen_packed": "2"})) as file:
        file.write_batch(batch_of([cutout(1)]))
    assert "it is of another kind" in refusal(packed)


def test_mutated_files_are_read_or_refused_and_nothing_else(packed):
    whole, generator = packed.read_bytes(), random.Random(5)  # noqa: S311 - no secret
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(generator.choice([1, 2, 8])):
            near = generator.choice([1500, len(whole)])  # most of what is not pixels lies here
            place = generator.choice([generator.randrange(near), -1 - generator.randrange(near)])
            content[place] = generator.randrange(256)
        packed.write_bytes(content)
        try:
            assert len(list(open_packed(packed).read())) == GALAXIES
        except UsageError as error:
            assert "\n" not in str(error)  # noqa: PT017 - most are read, some are not
            refused += 1
    assert 20 < refused < 150


def altered(**values):
    """A batch of one galaxy of which a record says something else."""
    batch = batch_of([cutout(3)])
    for name, value in values.items():
        place = SCHEMA.get_field_index(name)
        batch = batch.set_column(place, SCHEMA.field(name), pa.array([value], batch[name].type))
    return batch


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"height": 2**30, "width": 2**30}, "must have height x width pixels"),
        ({"height": -18}, "must have height x width pixels"),
        ({"bad": b"123"}, "must have a bit for each bad pixel"),
        ({"wcs": "{"}, "must be header cards as JSON"),
        ({"wcs": "[" * 100_000}, "must be header cards as JSON"),
        ({"wcs": '{"CRVAL1": [1]}'}, "must be header cards as JSON"),
        ({"psf_fwhm": -1.0}, "psf_fwhm must be a positive number"),
    ],
)
def test_a_record_that_cannot_be_is_a_rejection(tmp_path, values, reason):
    with pa.ipc.new_file(tmp_path / "a.arrow", SCHEMA) as file:
        file.write_batch(altered(**values))
    (found,) = open_packed(tmp_path / "a.arrow").read()
    assert isinstance(found, Rejection)
    assert found.object_id == "g3"
    assert reason in found.reason


@pytest.mark.parametrize("method", ["zstd", "lz4"])
def test_a_compressed_file_is_refused_before_it_is_unpacked(packed, method, monkeypatch):
    options = pa.ipc.IpcWriteOptions(compression=method)
    with pa.ipc.new_file(packed, SCHEMA, options=options) as file:
        for start in (0, ROWS):
            file.write_batch(batch_of([cutout(start + number) for number in range(ROWS)]))
    monkeypatch.setattr("gampen.storage.packed.checked", lambda *_: pytest.fail("was unpacked"))
    assert "got: a compressed batch" in refusal(packed)


def test_a_record_without_a_name_is_refused(tmp_path):
    with pa.ipc.new_file(tmp_path / "a.arrow", SCHEMA) as file:
        file.write_batch(altered(object_id=None))
    assert "without object_id" in refusal(tmp_path / "a.arrow")


def test_batches_of_another_length_are_refused(tmp_path):
    for lengths in ((3, 2), (ROWS + 1,)):
        with pa.ipc.new_file(tmp_path / "a.arrow", SCHEMA) as file:
            for number, length in enumerate(lengths):
                file.write_batch(batch_of([cutout(10 * number + n) for n in range(length)]))
        assert "a batch of" in refusal(tmp_path / "a.arrow")


def test_a_file_of_no_galaxies_and_repeated_ids_are_refused(tmp_path):
    write_packed([], tmp_path / "a.arrow")
    assert "must hold at least one galaxy" in refusal(tmp_path / "a.arrow")
    write_packed([cutout(1), cutout(1)], tmp_path / "a.arrow")
    assert "object ids must be distinct" in refusal(tmp_path / "a.arrow")
