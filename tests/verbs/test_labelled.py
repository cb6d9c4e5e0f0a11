"""Labelled galaxies on disk: what can be used of them, and what cannot is counted by reason."""

import numpy as np
import pytest
import torch

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY
from gampen.settings import SplitSettings
from gampen.storage.tables import write_catalog
from gampen.verbs.labelled import NO_LABEL, NO_SCALE, Labelled
from gampen.verbs.splitting import SPLITS, split_labels, write_splits
from labelled import NAMES, changed, table, write_labels
from tiny import batch

SOME = SplitSettings(validation=0.25, test=0.25)


def labelled_in(folder):
    return Labelled.of(folder, MORPHOLOGY)


def test_batches_from_disk_are_those_that_were_simulated(tmp_path):
    write_labels(tmp_path, 8)
    (found,) = labelled_in(tmp_path).batches(np.arange(8))
    known = batch(8)
    torch.testing.assert_close(found.frames.pixels, known.frames.pixels, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(found.truth, known.truth, rtol=1e-4, atol=1e-4)
    assert found.errors is None


def test_images_of_any_sizes_share_a_step_in_batches_of_one_shape(tmp_path):
    write_labels(tmp_path, 9, sizes=True)
    whole = labelled_in(tmp_path)
    found = whole.batches(np.arange(9), np.zeros(9, dtype=int))
    assert sorted(part.frames.pixels.shape[2:] for part in found) == [(40, 44), (48, 40), (48, 48)]
    turned = whole.batches(np.arange(9), np.full(9, 4))  # axes swapped
    assert sorted(part.frames.pixels.shape[2:] for part in turned) == [(40, 48), (44, 40), (48, 48)]
    assert sum(len(part) for part in found) == sum(len(part) for part in turned) == 9


def test_each_galaxy_has_its_own_label_whatever_its_shape(tmp_path):
    known = write_labels(tmp_path, 9, sizes=True)
    whole, seen = labelled_in(tmp_path), {}
    for places, part in whole.in_turn(np.arange(9), 2):
        seen.update(zip(places.tolist(), part.truth[:, 0].tolist(), strict=True))
    logit = np.log(known[NAMES[0]].values / (1 - known[NAMES[0]].values))
    assert [seen[place] for place in range(9)] == pytest.approx(logit.tolist(), rel=1e-4)


def test_labels_that_cannot_be_used_are_counted_and_their_galaxies_kept(tmp_path):
    known = write_labels(tmp_path, 8, error=0.1)
    ratio, radius = (known[name].values.copy() for name in NAMES[:2])
    error = known["effective_radius_error"].values.copy()
    ratio[0], ratio[1], radius[2], error[3], error[4] = 1.0, np.nan, -1.0, np.nan, -0.1
    told = changed(
        known, bulge_to_total=ratio, effective_radius=radius, effective_radius_error=error
    )
    write_catalog(told, tmp_path / "info.csv")
    whole = labelled_in(tmp_path)
    assert len(whole) == 8
    assert dict(whole.dropped) == {
        "bulge_to_total outside of its bounds": 1,
        "effective_radius outside of its bounds": 1,
        "effective_radius without a sound error": 2,
    }
    unknown = np.isnan(whole.labels.values)
    assert np.argwhere(unknown).tolist() == [[0, 0], [1, 0], [2, 1], [3, 1], [4, 1]]


def test_galaxies_that_cannot_be_used_are_left_out_and_counted(tmp_path):
    known = write_labels(tmp_path, 8)
    nothing = {name: known[name].values.copy() for name in NAMES}
    for values in nothing.values():
        values[0] = np.nan
    write_catalog(changed(known, **nothing), tmp_path / "info.csv")
    (tmp_path / "cutouts" / "labelled-1.fits").write_bytes(b"no FITS")
    (tmp_path / "cutouts" / "labelled-2.fits").unlink()
    whole = labelled_in(tmp_path)
    assert whole.folder.object_ids == [f"labelled-{place}" for place in range(3, 8)]
    assert whole.left_out[NO_LABEL] == 1
    assert sum(whole.left_out.values()) == 3


def test_a_length_needs_a_pixel_scale(tmp_path):
    known = write_labels(tmp_path, 4)
    cutouts = tmp_path / "cutouts"
    for path in cutouts.iterdir():
        content = path.read_bytes()
        for word in (b"PIXSCALE", b"CDELT1  ", b"CDELT2  ", b"CD1_1   ", b"CD2_2   "):
            content = content.replace(word, b"COMMENT ")
        path.write_bytes(content)
    with pytest.raises(UsageError, match="some labelled galaxies must be usable"):
        labelled_in(tmp_path)
    whole = Labelled.of(tmp_path, MORPHOLOGY.select(["bulge_to_total", "flux"]))
    assert len(whole) == len(known)
    assert NO_SCALE not in whole.left_out


def test_a_parameter_without_a_column_is_not_known_and_one_column_must_be_there(tmp_path):
    known = write_labels(tmp_path, 4)
    names = ["object_id", "file_name"]
    write_catalog(known.select([*names, "flux"]), tmp_path / "info.csv")
    assert np.isnan(labelled_in(tmp_path).labels.values).all(axis=0).tolist() == [True, True, False]
    write_catalog(known.select(names), tmp_path / "info.csv")
    with pytest.raises(UsageError, match="a column of at least one of bulge_to_total"):
        labelled_in(tmp_path)


@pytest.mark.parametrize(
    "theirs",
    [("bt", "R_e_asec", "total_flux_adus"), ("bt", "R_e", "total_flux")],
)
def test_labels_and_errors_may_have_their_names_in_tables_of_the_original(tmp_path, theirs):
    known = write_labels(tmp_path, 4, error=0.1)
    expected = labelled_in(tmp_path).labels
    names = {f"{ours}{end}": f"{name}{end}" for ours, name in zip(NAMES, theirs, strict=True)
             for end in ("", "_error")}  # fmt: skip
    columns = {names.get(column.name, column.name): column.values for column in known}
    write_catalog(Catalog.of(**columns), tmp_path / "info.csv")
    found = labelled_in(tmp_path).labels
    assert np.array_equal(found.values, expected.values)
    assert np.array_equal(found.errors, expected.errors)
    assert (found.errors > 0).all()


def test_a_parameters_own_name_comes_before_that_of_the_original(tmp_path):
    known = write_labels(tmp_path, 4)
    write_catalog(changed(known, bt=np.full(4, 0.5)), tmp_path / "info.csv")
    assert np.array_equal(labelled_in(tmp_path).labels.values[:, 0], known[NAMES[0]].values)


def test_galaxies_at_one_place_or_in_one_file_are_never_parted(tmp_path):
    known = write_labels(tmp_path, 40)
    ra, dec, files = np.arange(40.0), np.zeros(40), known["file_name"].values.copy()
    ra[20:30] = ra[:10] + 0.2 / 3600
    files[30:] = files[10:20]
    write_catalog(changed(known, ra=ra, dec=dec, file_name=files), tmp_path / "info.csv")
    whole = labelled_in(tmp_path)
    for seed in range(3):
        split = split_labels(whole, SplitSettings(validation=0.3, test=0.3, seed=seed))
        part = np.empty(40, dtype=object)
        for name, rows in split.items():
            part[rows] = name
        assert (part[20:30] == part[:10]).all()
        assert (part[30:] == part[10:20]).all()
        assert set(part) == {"training", "validation", "test"}


def test_a_split_is_written_and_can_be_given_back(tmp_path):
    write_labels(tmp_path / "labels", 20)
    whole = labelled_in(tmp_path / "labels")
    split = split_labels(whole, SOME)
    write_splits(whole, split, tmp_path)
    again = split_labels(whole, SplitSettings(seed=9), tmp_path / SPLITS)
    assert {name: rows.tolist() for name, rows in again.items()} == {
        name: rows.tolist() for name, rows in split.items()
    }


def test_tables_of_the_original_are_a_split(tmp_path):
    known = write_labels(tmp_path, 8)
    rows = {"train": [0, 1, 2], "devel": [3, 4], "test": [6]}
    (tmp_path / "splits").mkdir()
    for word, some in rows.items():
        part = known.take(np.array(some)).select(["file_name", "flux"])
        write_catalog(part, tmp_path / "splits" / f"balanced-dev2-{word}.csv")
    split = split_labels(labelled_in(tmp_path), SOME, tmp_path / "splits" / "balanced-dev2")
    assert {name: found.tolist() for name, found in split.items()} == {
        "training": [0, 1, 2],
        "validation": [3, 4],
        "test": [6],
    }
    with pytest.raises(UsageError, match=r"others-train.csv; there is none"):
        split_labels(labelled_in(tmp_path), SOME, tmp_path / "splits" / "others")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["train", "dev", "oops"] + ["train"] * 3, "every split must be one of"),
        (["train"] * 6, "at least 2 labelled galaxies must be for validation; got 0"),
        (["train", "val", "val", "val", "val", "val"], "one galaxy must be in one split; 1 are in"),
    ],
)
def test_a_table_of_splits_that_cannot_be_followed_is_one_line(tmp_path, words, reason):
    known = write_labels(tmp_path, 6)
    ra = np.array([1.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    write_catalog(changed(known, ra=ra, dec=np.zeros(6)), tmp_path / "info.csv")
    table_of_splits = Catalog.of(object_id=known["object_id"].values, split=words)
    write_catalog(table_of_splits, tmp_path / "splits.csv")
    with pytest.raises(UsageError, match=reason):
        split_labels(labelled_in(tmp_path), SOME, tmp_path / "splits.csv")


def test_the_digest_is_of_labels_and_of_who_does_what(tmp_path):
    write_labels(tmp_path, 20)
    whole = labelled_in(tmp_path)
    one, other = (split_labels(whole, SplitSettings(seed=seed)) for seed in (0, 1))
    assert whole.digest(one) == labelled_in(tmp_path).digest(one) != whole.digest(other)
    flux = table(20)["flux"].values * 1.001
    write_catalog(changed(table(20), flux=flux), tmp_path / "info.csv")
    assert labelled_in(tmp_path).digest(one) != whole.digest(one)


def test_a_cutout_that_goes_missing_during_a_run_is_one_line(tmp_path):
    write_labels(tmp_path, 4)
    whole = labelled_in(tmp_path)
    (tmp_path / "cutouts" / "labelled-2.fits").unlink()
    with pytest.raises(UsageError, match=r"labelled-2.fits has changed"):
        whole.batches(np.arange(4))
