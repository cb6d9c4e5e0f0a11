"""Labelled galaxies: a folder of cutouts whose info table has a column for each parameter."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int64

from gampen.calibration.truths import source_of
from gampen.catalog import Catalog
from gampen.cutouts import Cutout, Entry, Rejection
from gampen.errors import UsageError
from gampen.inference.sampling import frames_of
from gampen.network.symmetry import SYMMETRIES
from gampen.parameters import ParameterSpace
from gampen.scaling.chunks import chunks
from gampen.settings import Scaling
from gampen.storage.celestial import unit_vectors
from gampen.storage.layouts import Folder, open_folder
from gampen.training.batches import Batch
from gampen.training.labels import Labels, by_shape
from gampen.training.splits import groups_of, near_pairs

Progress = Callable[[int, int], None]
Rows = Int64[np.ndarray, " row"]
Table = Float64[np.ndarray, "galaxy parameter"]

NO_LABEL = "a label must be given, strictly within the bounds of its parameter"
NO_SCALE = "the pixel scale must be known, as labels of lengths are in arcsec"
OUTSIDE, ERROR_UNKNOWN = "outside of its bounds", "without a sound error"
SAME = math.radians(1 / 3600)  # closer than this on the sky, two galaxies are one
AS_IS = 0  # the orientation of an image as it is


@dataclass(frozen=True)
class Sized:
    """What is remembered of a labelled galaxy without its image."""

    row: int
    shape: tuple[int, int]
    scale: float
    ra: float
    dec: float

    @classmethod
    def of(cls, row: int, cutout: Cutout) -> Sized:
        """That of a cutout; a pixel is the unit of lengths where none is known."""
        place = [math.nan if angle is None else angle for angle in (cutout.ra, cutout.dec)]
        return cls(row, cutout.shape, cutout.pixel_scale or 1.0, *place)


@dataclass(frozen=True, eq=False)
class Labelled:
    """The labelled galaxies of a folder that can be used, in its order; images stay on disk.

    `shapes` [pixel] are those of the images; galaxies of one `group` are one and the same.
    `left_out` counts the other galaxies by the reason why, `dropped` labels that cannot be used.
    """

    folder: Folder
    labels: Labels
    shapes: tuple[tuple[int, int], ...]
    group: Rows
    left_out: Counter[str]
    dropped: Counter[str]

    @classmethod
    def of(
        cls, path: Path, space: ParameterSpace, progress: Progress = lambda *_: None
    ) -> Labelled:
        """Those of a folder, each of which is read once.

        `UsageError` where its table has no column of a parameter, or no galaxy can be used.
        """
        folder = open_folder(path)
        values, errors, dropped = labels_in(folder.catalog, space)
        told = np.flatnonzero(np.isfinite(values).any(axis=1))
        left_out = Counter({NO_LABEL: len(folder) - len(told)})
        found: list[Sized] = []
        for run in chunks(len(told)):
            rows = told[run.start : run.stop]
            for row, entry in zip(rows.tolist(), folder.take(rows.tolist()).read(), strict=True):
                reason = why_not(entry, space)
                left_out.update([reason] if reason else [])
                found.extend(
                    [Sized.of(row, entry)] if isinstance(entry, Cutout) and not reason else []
                )
            progress(run.stop, len(told))
        if not found:
            raise UsageError(
                f"some labelled galaxies must be usable; got none: {reasons(left_out)}"
            )
        rows = np.array([galaxy.row for galaxy in found])
        labels = Labels(space, values[rows], errors[rows], np.array([g.scale for g in found]))
        sound = folder.take(rows.tolist())
        shapes = tuple(galaxy.shape for galaxy in found)
        return cls(sound, labels, shapes, same_galaxies(sound, found), +left_out, dropped)

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.labels)

    def digest(self, split: Mapping[str, Rows]) -> str:
        """The SHA-256 of ids, labels, and which galaxy does what."""
        digest = hashlib.sha256("\n".join(self.folder.object_ids).encode())
        for numbers in (self.labels.values, self.labels.errors, *split.values()):
            digest.update(np.ascontiguousarray(numbers).tobytes())
        return digest.hexdigest()

    def read(self, rows: Rows) -> Iterator[Cutout]:
        """The cutouts of some galaxies; `UsageError` for one that cannot be read any more."""
        for entry in self.folder.take(rows.tolist()).read():
            if isinstance(entry, Rejection):
                raise UsageError(
                    f"labelled galaxies must stay as they are during a run; {entry.file_name} has "
                    f"changed: {entry.reason}"
                )
            yield entry

    def batches(self, rows: Rows, turns: Rows | None = None) -> list[Batch]:
        """Galaxies with their labels in the orientations of those numbers, one shape a batch."""
        which = np.full(len(rows), AS_IS) if turns is None else turns
        cutouts = list(self.read(rows))
        groups: dict[tuple[tuple[int, int], int], list[int]] = {}
        for place, (cutout, turn) in enumerate(zip(cutouts, which.tolist(), strict=True)):
            groups.setdefault((cutout.shape, turn), []).append(place)
        return by_shape(
            [
                self._batch([cutouts[place] for place in places], rows[places], turn)
                for (_, turn), places in groups.items()
            ]
        )

    def _batch(self, cutouts: Sequence[Cutout], rows: Rows, turn: int) -> Batch:
        """Galaxies of one shape in one orientation."""
        return self.labels.select(rows).batch(frames_of(list(cutouts)), SYMMETRIES[turn])

    def in_turn(self, rows: Rows, size: int, turn: int = AS_IS) -> Iterator[tuple[Rows, Batch]]:
        """Galaxies, those of one shape together, at most so many at a time, in one orientation.

        Each batch comes with the places of its galaxies among the rows.
        """
        groups: dict[tuple[int, int], list[int]] = {}
        for place, row in enumerate(rows.tolist()):
            groups.setdefault(self.shapes[row], []).append(place)
        for members in groups.values():
            for run in chunks(len(members), size):
                places = np.array(members[run.start : run.stop])
                yield places, self._batch(list(self.read(rows[places])), rows[places], turn)


def refuse_several(devices: int) -> None:
    """`UsageError` for more than one device: labelled galaxies are not shared between processes."""
    if devices > 1:
        raise UsageError(
            f"labels must be learned on one device; got {devices}: leave out --devices"
        )


def labels_in(catalog: Catalog, space: ParameterSpace) -> tuple[Table, Table, Counter[str]]:
    """Labels and errors in a table, NaN and zero where unusable, and how many are, by reason.

    A column may have its name in tables of the original, as truths may (`source_of`). `UsageError`
    where no parameter has a column.
    """
    sources = [source_of(catalog, name) for name in space.names]
    if not any(sources):
        raise UsageError(
            f"labels must have a column of at least one of {', '.join(space.names)}; "
            f"got {', '.join(catalog.names)}"
        )
    values = _columns(catalog, sources, np.nan)
    errors = _columns(catalog, [source and f"{source}_error" for source in sources], 0.0)
    unknown = np.isnan(values)
    inside = space.unconstrain(torch.from_numpy(values)).isfinite().numpy()
    sound = np.isfinite(errors) & (errors >= 0)
    dropped: Counter[str] = Counter()
    for place, name in enumerate(space.names):
        outside = ~unknown[:, place] & ~inside[:, place]
        dropped[f"{name} {OUTSIDE}"] = int(outside.sum())
        dropped[f"{name} {ERROR_UNKNOWN}"] = int((inside & ~sound)[:, place].sum())
    usable = inside & sound
    return np.where(usable, values, np.nan), np.where(usable, errors, 0.0), +dropped


def _columns(catalog: Catalog, names: Sequence[str | None], absent: float) -> Table:
    """Columns of numbers, the same number throughout where there is no such column."""
    columns = [
        catalog[name].numbers() if name and name in catalog else np.full(len(catalog), absent)
        for name in names
    ]
    return np.stack(columns, axis=1)


def why_not(entry: Entry, space: ParameterSpace) -> str | None:
    """Why a galaxy cannot be learned from, if it cannot."""
    if isinstance(entry, Rejection):
        return entry.reason
    lengths = any(parameter.scaling is Scaling.LENGTH for parameter in space)
    return NO_SCALE if lengths and entry.pixel_scale is None else None


def same_galaxies(folder: Folder, found: Sequence[Sized]) -> Rows:
    """The group of each galaxy: those at one place on the sky, or in one file, are the same."""
    ra, dec = (np.array([getattr(galaxy, axis) for galaxy in found]) for axis in ("ra", "dec"))
    near = near_pairs(unit_vectors(ra, dec), 2 * math.sin(SAME / 2))
    first: dict[str, int] = {}
    pairs = [(first.setdefault(name, row), row) for row, name in enumerate(folder.file_names)]
    return groups_of(len(found), np.concatenate([near, np.array(pairs).T], axis=1))


def reasons(left_out: Counter[str], most: int = 3) -> str:
    """The commonest reasons, in a line."""
    return "; ".join(f"{count} left out: {why}" for why, count in left_out.most_common(most))
