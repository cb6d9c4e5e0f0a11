"""The pictures of a report: cutouts read again, explained, drawn, put where a page finds them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Cutouts
from gampen.errors import UsageError
from gampen.inference.explanation import explain
from gampen.parameters import MORPHOLOGY
from gampen.plotting.report.payload import parts_of
from gampen.plotting.report.pictures import Picture
from gampen.posterior import Posterior
from gampen.scaling.chunks import ahead, chunks
from gampen.storage.atomic import write_bytes
from gampen.storage.fits import Known
from gampen.storage.layouts import Folder, open_folder, read_cutouts

INSIDE = 200
"""Galaxies whose pictures lie in the page itself; those of more lie in a folder beside it."""

AT_ONCE = 32
THETA = "crop_theta"
PARTS = ("cutout", "model", "residual")
AS_GIVEN = {"psf_fwhm": "psf_fwhm_arcsec", "pixel_scale": "pixel_scale_arcsec"}
"""Columns of a catalogue by those of the table from which cutouts are read."""

NO_CUTOUTS = (
    "There are no pictures here: run the report again with --cutouts and the folder, table or file "
    "that the galaxies were predicted from."
)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Gallery:
    """The rows of a catalogue that get pictures, and the cutouts of these, in the same order."""

    catalog: Catalog
    rows: list[int]
    folder: Folder | None
    known: Known
    why_no_picture: str

    @classmethod
    def of(cls, catalog: Catalog, source: Path | None, known: Known, most: int) -> Gallery:
        """The first `most` galaxies with a posterior that the source holds too, by `object_id`.

        `UsageError` where the source or the catalogue has not what pictures need.
        """
        if source is None:
            return cls(catalog, [], None, known, NO_CUTOUTS)
        folder = open_folder(source)
        place_of = {name: place for place, name in enumerate(folder.object_ids)}
        ids, status = catalog["object_id"].text(), catalog["status"].text()
        sound = [row for row, said in enumerate(status) if said == "ok"]
        rows = [row for row in sound if ids[row] in place_of][:most]
        if sound and most and not rows:
            raise UsageError(
                f"catalogue and cutouts must share galaxies; {source} holds none of its "
                f"{len(sound)}, the first of which is {ids[sound[0]]!r}: is this their folder?"
            )
        if rows and THETA not in catalog:
            raise UsageError(
                f"the catalogue must have a column {THETA!r} for its crops to be drawn; predict "
                "these galaxies again with this version"
            )
        places = [place_of[ids[row]] for row in rows]
        why = (
            f"There is no picture of this galaxy: the report holds those of the first {len(rows)} "
            "that have cutouts; --galaxies sets how many."
        )
        taken = as_given(folder.take(places), catalog, rows)
        return cls(catalog, rows, taken, known, why)

    @property
    def is_large(self) -> bool:
        """Whether the pictures are too many for the page itself."""
        return len(self.rows) > INSIDE

    def draw(
        self, posterior: Posterior, folder: Path | None, progress: Progress
    ) -> Iterator[tuple[int, Mapping[str, object]]]:
        """The row of each galaxy that can still be read, and its picture as a page takes it.

        Files are written into `folder` where one is given.
        """
        if self.folder is None:
            return
        whole, place_of = self.folder, {n: p for p, n in enumerate(posterior.object_ids.tolist())}
        ids = self.catalog["object_id"].text()
        runs = chunks(len(self.rows), AT_ONCE)
        for run, found in ahead(lambda r: list(read_cutouts(whole.take(r), self.known)), runs):
            read = [
                (row, entry)
                for row, entry in zip(self.rows[run.start : run.stop], found, strict=True)
                if isinstance(entry, Cutout)
            ]
            rows, cutouts = [row for row, _ in read], Cutouts.of(entry for _, entry in read)
            chosen = posterior.select([place_of[ids[row]] for row in rows])
            for row, picture in zip(rows, self._pictures(rows, cutouts, chosen), strict=True):
                yield row, parts_of(picture, links_of(picture, row, folder))
            progress(run.stop, len(self.rows))

    def _pictures(
        self, rows: list[int], cutouts: Cutouts, posterior: Posterior
    ) -> Iterator[Picture]:
        """The pictures of some galaxies, with their models where a posterior has all of one."""
        sky = self.catalog["sky_sigma"].numbers()[rows]
        theta = self.catalog[THETA].numbers()[rows].reshape(-1, 2, 3)
        whole = set(MORPHOLOGY.names) <= set(posterior.space.names)
        said = explain(cutouts, posterior, sky, theta) if whole else None
        for place, cutout in enumerate(cutouts):
            picture = Picture.of(cutout, float(sky[place]), theta[place])
            if said is not None and np.isfinite(said.models[place]).all():
                picture = picture.explained(cutout, float(sky[place]), said.models[place])
                picture = replace(picture, chi_square=round(float(said.chi_square[place]), 4))
            yield picture


def as_given(folder: Folder, catalog: Catalog, rows: list[int]) -> Folder:
    """The folder with what the catalogue says of PSF and pixels in the place of its own."""
    said = []
    for name, column in AS_GIVEN.items():
        if name not in catalog:
            continue
        values = catalog[name].numbers()[rows]
        own = folder.catalog[column].numbers() if column in folder.catalog else np.nan
        said.append(Column(column, np.where(np.isfinite(values), values, own)))
    return replace(folder, catalog=folder.catalog.with_columns(said))


def links_of(picture: Picture, row: int, folder: Path | None) -> dict[str, str]:
    """Where a page finds the parts of a picture: in itself, or as files that are written here.

    Files are named by row: an id may be anything.
    """
    found = {}
    for part in PARTS:
        content = getattr(picture, part)
        if content is None:
            continue
        if folder is None:
            found[part] = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
        else:
            name = f"{row:06d}-{part}.png"
            write_bytes(content, folder / name)
            found[part] = f"{folder.name}/{name}"
    return found
