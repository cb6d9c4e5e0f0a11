"""Which labelled galaxies do what: by a seeded split, or by a table of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.settings import SplitSettings
from gampen.storage.tables import read_catalog, write_catalog
from gampen.training.splits import PARTS, TEST, TRAINING, VALIDATION, Names, split_of
from gampen.verbs.labelled import Labelled, Rows

SPLITS = "splits.csv"
LEAST_HELD_OUT = 2  # galaxies, for a mean to have an error
WORDS = {
    **dict.fromkeys(("train", TRAINING), TRAINING),
    **dict.fromkeys(("val", "valid", "dev", "devel", VALIDATION), VALIDATION),
    TEST: TEST,
}
"""What a table of one's own may call the parts."""

Split = Mapping[str, Rows]
"""The rows of each part, in order."""


def split_labels(labelled: Labelled, settings: SplitSettings, table: Path | None = None) -> Split:
    """The rows to train on, to stop by and to be judged by; those of a table where there is one.

    `UsageError` where a part that is needed is empty, or a galaxy is in two parts.
    """
    ids, labels = labelled.folder.object_ids, labelled.labels
    if table is None:
        part = split_of(ids, labels.values, labelled.group, settings)
    else:
        part = split_in(table, labelled)
    found = {name: np.flatnonzero(part == name) for name in PARTS}
    for name, least in ((TRAINING, 1), (VALIDATION, LEAST_HELD_OUT)):
        if len(found[name]) < least:
            raise UsageError(
                f"at least {least} labelled galaxies must be for {name}; got {len(found[name])} "
                f"of {len(labelled)}: label more"
            )
    return found


def split_in(table: Path, labelled: Labelled) -> Names:
    """The part of each galaxy by a table with `object_id` and `split`, empty where it has none.

    Or by the tables of the original GaMPEN, one for each part, of which all but the last word is
    given: `splits/balanced-dev2` for `splits/balanced-dev2-train.csv` and so on.
    """
    catalog = told_in(table)
    key = "object_id" if "object_id" in catalog else "file_name"
    row_of = {name: row for row, name in enumerate(catalog[key].text())}
    rows = np.array([row_of.get(name, -1) for name in labelled.folder.catalog[key].text()])
    words = [word.strip().lower() for word in catalog["split"].text()]
    unknown = sorted(set(words) - WORDS.keys())
    if unknown:
        raise UsageError(
            f"{table}: every split must be one of {', '.join(WORDS)}; got {unknown[0]!r}"
        )
    part = np.array([WORDS[words[row]] if row >= 0 else "" for row in rows.tolist()])
    torn = {
        group
        for group in np.unique(labelled.group[part != ""]).tolist()
        if len(set(part[(labelled.group == group) & (part != "")].tolist())) > 1
    }
    if torn:
        first = labelled.folder.object_ids[min(torn)]
        raise UsageError(
            f"{table}: one galaxy must be in one split; {len(torn)} are in several, by their place "
            f"on the sky or their file, {first!r} among them"
        )
    return part


def told_in(table: Path) -> Catalog:
    """Which galaxy is to do what, by one table or by one for each part."""
    if table.suffix:
        return read_catalog(table)
    files = {word: table.with_name(f"{table.name}-{word}.csv") for word in WORDS}
    found = {word: read_catalog(file) for word, file in files.items() if file.is_file()}
    if not found:
        raise UsageError(
            f"splits must be a table, or several that begin alike, such as "
            f"{files['train']}; there is none"
        )
    parts = [
        part.with_columns([Column("split", np.full(len(part), word))])
        for word, part in found.items()
    ]
    return Catalog.cat(parts)


def write_splits(labelled: Labelled, split: Split, folder: Path) -> None:
    """Write which galaxy does what into a run's folder."""
    part = np.full(len(labelled), "", dtype=object)
    for name, rows in split.items():
        part[rows] = name
    ids = labelled.folder.object_ids
    chosen = np.flatnonzero(part != "")
    catalog = Catalog.of(object_id=np.array(ids), split=part.astype(str)).take(chosen)
    write_catalog(catalog, folder / SPLITS)
